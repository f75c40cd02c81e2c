"""Runs in every Python interpreter of a service: the hooks that a run asked for, then the service's own sitecustomize.

Copied into the share as py/sitecustomize.py, found through PYTHONPATH. Standard library only, Python 3.8 syntax, and
without effect where SEATRIAL_HOOKS is unset.

A hook file finds two names: `PROBE` (somebody outside the service started this process: a health check, `exec`) and
`COMMAND` (the words of its command line). One that raises SystemExit ends the process with that code, now; one that
raises anything else is reported in one line, and the service goes on without it.
"""

from __future__ import annotations

import os
import sys

TOOLS = {"pip", "ensurepip", "venv", "virtualenv", "compileall", "uv", "coverage"}
# What multiprocessing starts its children with: parts of the service, although they look like one-liners.
CHILDREN = ("from multiprocessing.spawn import", "from multiprocessing.forkserver import")


def command_line() -> list[str]:
    """Return the words this interpreter was started with (sys.orig_argv came with Python 3.10)."""
    words = getattr(sys, "orig_argv", None)
    if words:
        return list(words)
    try:
        with open("/proc/self/cmdline", "rb") as file:
            return [os.fsdecode(word) for word in file.read().split(b"\0")[:-1]]
    except OSError:
        return list(getattr(sys, "argv", []))


def started_as(words: list[str]) -> tuple[str, str]:
    """Return how an interpreter was started: `-c` and the code, `-m` and the module, or an empty word and the file."""
    rest = iter(words[1:])
    for word in rest:
        if not word.startswith("-") or word == "-":
            return "", word
        if word.startswith("--"):
            continue
        for place, letter in enumerate(word[1:], 2):
            if letter in "cm":
                return f"-{letter}", word[place:] or next(rest, "")
            if letter in "WX":  # these take the rest of the word, or the next one
                if not word[place:]:
                    next(rest, "")
                break
    return "", ""


def is_tool(words: list[str]) -> bool:
    """Return whether a process is a one-liner or a tool, and no part of the service."""
    how, what = started_as(words)
    if how == "-c":
        return not what.startswith(CHILDREN)
    return what.split(".")[0] in TOOLS if how == "-m" else what.rpartition("/")[2] in TOOLS


def is_probe() -> bool:
    """Return whether this process was started from outside the service.

    In a container, the line of ancestors of such a process does not lead to process 1. Outside (the same process
    numbers as the harness has) services lead sessions of their own, and probes run in the harness's.
    """
    try:
        here = os.path.dirname(os.path.abspath(__file__))
        with open(os.path.join(here, "origin"), encoding="utf-8") as file:
            origin = file.read()
        if os.readlink("/proc/self/ns/pid") == origin:
            return os.getsid(0) == os.getsid(int(os.environ["SEATRIAL_OWNER"]))
        return first_ancestor(os.getpid()) != 1
    except (OSError, KeyError, ValueError):
        return False


def first_ancestor(pid: int) -> int:
    """Return the process that a process's line of parents begins with, in this process namespace."""
    while True:
        with open(f"/proc/{pid}/stat", "rb") as file:
            parent = int(file.read().rpartition(b")")[2].split()[1])
        if parent == 0:
            return pid
        pid = parent


def run_hook(path: str, words: list[str], *, probe: bool) -> None:
    """Run one hook file; whatever goes wrong in it stays there, unless it wants the process to end."""
    try:
        with open(path, "rb") as file:
            code = compile(file.read(), path, "exec")
        exec(code, {"__name__": "seatrial_hook", "__file__": path, "PROBE": probe, "COMMAND": words})
    except SystemExit as end:
        sys.stderr.flush()
        os._exit(end.code if isinstance(end.code, int) else 1)
    except BaseException as error:
        sys.stderr.write(f"seatrial: {os.path.basename(path)}: {type(error).__name__}: {error}\n")


def run_hooks() -> None:
    """Run the hooks that the environment names, unless this process is a tool."""
    paths = os.environ.get("SEATRIAL_HOOKS")
    words = command_line() if paths else []
    if not paths or is_tool(words):
        return
    probe = is_probe()
    for path in paths.split(os.pathsep):
        run_hook(path, words, probe=probe)


def run_next() -> None:
    """Run the sitecustomize that this one hides, if there is one."""
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    here = os.path.dirname(os.path.abspath(__file__))
    others = [path for path in sys.path if os.path.abspath(path or ".") != here]
    spec = PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        module = module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


if __name__ == "sitecustomize":
    run_hooks()
    run_next()
