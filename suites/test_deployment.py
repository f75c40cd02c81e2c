"""What runs, compared with what the files say: the service's refusals, and its containers as the engine has them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from seatrial.config import PostureSettings, Settings
from seatrial.core import EnvironmentFailure
from seatrial.plugin import Defects, check, inconclusive, not_applicable, not_tested
from seatrial.stack import Completed, Stack, compose_model

Facts = Mapping[str, Any]
NO_PROGRAM = {126, 127}
UNITS = {"": 1, "b": 1, "k": 2**10, "kb": 2**10, "m": 2**20, "mb": 2**20, "g": 2**30, "gb": 2**30}
SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6}
PLAIN = "0123456789abcdefghijklmnopqrstuvwxyz"
PATIENCE_S = 30.0


@check(
    "deployment.weak-keys-refused",
    title="no start with a weak key, or without what it must know",
    severity="high",
    needs=("exec",),
    cwe=(521, 1188),
)
def test_weak_keys_refused(stack: Stack, settings: Settings, posture: PostureSettings, defects: Defects) -> None:
    """The entry service, started once more with a key that is one character too short, ends and names the variable.

    So it does with a required variable that is empty. What is signed or encrypted with a key that can be guessed is
    neither, and whoever is not told whose tokens to take takes all; an operator learns it at the first start, or
    never. All are tried at once, and each that the service does not name then is tried alone.
    """
    weak = "".join(PLAIN[number % len(PLAIN)] for number in range(posture.key_length - 1))
    wrong = {**dict.fromkeys(posture.strong_keys, weak), **dict.fromkeys(posture.required, "")}
    if not wrong:
        not_applicable("[posture] strong_keys and required name no variable")
    entry = settings.stack.entry.partition(":")[0]
    together = start_with(stack, entry, wrong)
    unnamed = [name for name in wrong if together is None or not refuses(together, name)]
    ends = start_with_each(stack, entry, {name: wrong[name] for name in unnamed})
    for name, ended in ends.items():
        if ended and not refuses(ended, name):
            what = f"{entry} does not refuse " + (f"{name} of {len(weak)} characters" if wrong[name] else f"no {name}")
            cause = f"weak-{name}" if wrong[name] else f"missing-{name}"
            defects.add(what, cause=cause, detail="\n".join(ended.output.splitlines()[-5:]))
    if any(weak in ended.output for ended in (together, *ends.values()) if ended):
        defects.add(f"{entry} prints the key that it refuses", cause="key-shown")
    defects.none()
    all_ended(entry, ends)


@check(
    "deployment.malformed-refused",
    title="no start with a value that makes no sense",
    severity="high",
    needs=("exec",),
    cwe=(636, 1188),
)
def test_malformed_refused(stack: Stack, settings: Settings, posture: PostureSettings, defects: Defects) -> None:
    """The entry service, started once more with a value that cannot be read, ends and names the variable.

    A list of networks that is skipped, or taken for every network, is an open door that nobody notices.
    """
    if not posture.malformed:
        not_applicable("[posture] malformed names no variable")
    entry = settings.stack.entry.partition(":")[0]
    ends = start_with_each(stack, entry, posture.malformed)
    for name, ended in ends.items():
        if ended and not refuses(ended, name):
            what = f"{entry} does not refuse {name} = {posture.malformed[name]!r}"
            detail = "\n".join(ended.output.splitlines()[-5:])
            defects.add(what, cause=f"malformed-{name}", detail=detail)
    defects.none()
    all_ended(entry, ends)


def all_ended(service: str, ends: Mapping[str, Completed | None]) -> None:
    """End the item where something still ran: it took what is wrong, or starts slowly, and that is undecided."""
    slow = [name for name, ended in ends.items() if ended is None]
    if slow:
        inconclusive(f"{service}, started once more with other {', '.join(slow)}, still ran after {PATIENCE_S:g} s")


def start_with_each(stack: Stack, service: str, wrong: Mapping[str, str]) -> dict[str, Completed | None]:
    """Start a service's command once more with each of these variables, all at the same time."""
    with ThreadPoolExecutor(max_workers=max(1, len(wrong))) as threads:
        ends = threads.map(lambda name: start_with(stack, service, {name: wrong[name]}), wrong)
        return dict(zip(wrong, ends, strict=True))


def start_with(stack: Stack, service: str, changed: Mapping[str, str]) -> Completed | None:
    """Start a service's command once more, with variables changed; it cannot have the port, which is taken.

    Nothing is returned of what still runs after a while.
    """
    words = ["env", *(f"{name}={value}" for name, value in changed.items()), *stack.command(service)]
    try:
        ended = stack.execute(service, words, timeout_s=PATIENCE_S)
    except EnvironmentFailure as failure:
        if failure.slug != "exec-failed":
            raise
        return None
    if ended.exit_code in NO_PROGRAM:
        not_tested(f"{service} cannot be started once more: {ended.output.strip()}")
    return ended


def refuses(ended: Completed, name: str) -> bool:
    """Return whether a process ended with an error that names a variable."""
    return ended.exit_code != 0 and name in ended.output


@pytest.fixture
def declared(settings: Settings, tree: Path) -> Mapping[str, Facts]:
    """Return the started services as the compose files have them."""
    if not settings.stack.compose:
        not_applicable("[stack] compose names no file")
    services = compose_model(settings, tree)["services"]
    return {name: services[name] for name in settings.stack.services or services}


@check(
    "deployment.as-declared", title="containers run as the file says", severity="medium", needs=("inspect",), cwe=(16,)
)
def test_as_declared(stack: Stack, declared: Mapping[str, Facts], defects: Defects) -> None:
    """Each container has the restart policy, limits, log rotation, user, probes and confinement of the compose file.

    Keys that contradict each other, or that this engine ignores, look well in the file and are not in effect.
    """
    seen = 0
    for name, service in declared.items():
        for container in stack.inspect(name):
            for what, wanted, has in differences(service, container):
                seen += 1
                if has != wanted:
                    what_is = f"{name} has {what} {has!r}, the file says {wanted!r}"
                    defects.add(what_is, cause=f"{what.replace(' ', '-')}-{name}")
    assert seen, "the compose files say nothing that a container could differ in"
    defects.none()


def differences(service: Facts, container: Facts) -> Iterator[tuple[str, Any, Any]]:
    """Yield what a service declares literally, with what its container has."""
    host, config = container["HostConfig"], container["Config"]
    for what, wanted, has in (
        ("the restart policy", str(service.get("restart", "")).partition(":")[0], host["RestartPolicy"]["Name"]),
        ("the user", str(service.get("user", "")), config["User"]),
        ("a read-only root", service.get("read_only"), host["ReadonlyRootfs"]),
        ("the memory limit", size(limit(service, "memory", "mem_limit")), host["Memory"]),
        ("the CPU limit", number(limit(service, "cpus", "cpus")), host["NanoCpus"] / 1e9),
        *listed(service, host),
        *logged(service.get("logging") or {}, host["LogConfig"]),
        *probed(service.get("healthcheck") or {}, config.get("Healthcheck") or {}),
    ):
        if wanted and "$" not in str(wanted):
            yield what, wanted, has


def limit(service: Facts, new: str, old: str) -> str:
    """Return a limit as it is written, in either place."""
    limits = (service.get("deploy") or {}).get("resources", {}).get("limits", {})
    return str(limits.get(new) or service.get(old) or "")


def listed(service: Facts, host: Facts) -> Iterator[tuple[str, Any, Any]]:
    """Yield what is taken away from a container."""
    for what, key, has in (
        ("dropped capabilities", "cap_drop", host.get("CapDrop")),
        ("security options", "security_opt", host.get("SecurityOpt")),
    ):
        wanted = set(service.get(key) or ())
        yield what, sorted(wanted), sorted(wanted & set(has or ()))


def logged(logging: Facts, has: Facts) -> Iterator[tuple[str, Any, Any]]:
    """Yield the log's driver and options."""
    yield "the log driver", logging.get("driver"), has["Type"]
    for key, value in (logging.get("options") or {}).items():
        yield f"the log option {key}", str(value), (has.get("Config") or {}).get(key)


def probed(healthcheck: Facts, has: Facts) -> Iterator[tuple[str, Any, Any]]:
    """Yield the health check's timing, but for the interval, which a run shortens."""
    yield "probe retries", healthcheck.get("retries"), has.get("Retries")
    for what, key, there in (("timeout", "timeout", "Timeout"), ("start period", "start_period", "StartPeriod")):
        yield f"a probe {what} in s", seconds(str(healthcheck.get(key, ""))), has.get(there, 0) / 1e9


def size(text: str) -> int | str:
    """Return a size in bytes; a text that is none stays."""
    match = re.fullmatch(r"(\d+)([a-z]*)", text.lower())
    return int(match[1]) * UNITS[match[2]] if match and match[2] in UNITS else text


def number(text: str) -> float | str:
    """Return a number; a text that is none stays."""
    return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else text


def seconds(text: str) -> float | str:
    """Return a duration such as 1m30s in seconds; a text that is none stays."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(h|ms|us|m|s)", text)
    whole = "".join(value + unit for value, unit in parts) == text
    return sum(float(value) * SECONDS[unit] for value, unit in parts) if whole and parts else text


@check("deployment.unprivileged", title="no process of root", severity="high", needs=("inspect", "exec"), cwe=(250,))
def test_unprivileged(stack: Stack, declared: Mapping[str, Facts], defects: Defects) -> None:
    """The first process of each container is not root's, whether the file, the image or its entry point sees to it."""
    users = {name: user_of_first_process(stack, name) for name in declared if running(stack.inspect(name))}
    known = {name: user for name, user in users.items() if user}
    if not known:
        not_tested("no image has a program that shows its first process")
    for name, user in known.items():
        if user == "0":
            defects.add(f"{name} runs as root", cause=f"root-{name}")
    defects.none()


def running(containers: Sequence[Facts]) -> bool:
    """Return whether a service still runs: a one-shot one has ended."""
    return any(container["State"]["Running"] for container in containers)


def user_of_first_process(stack: Stack, service: str) -> str:
    """Return the user id of process 1, empty where the image has no `cat` (proc(5): real, effective, saved, file)."""
    done = stack.execute(service, ["cat", "/proc/1/status"])
    match = re.search(r"^Uid:\s+\d+\s+(\d+)", done.output, re.MULTILINE)
    return match[1] if match else ""
