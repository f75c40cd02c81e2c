"""What tests need of this machine: the one place where a test is skipped, and where that is told in the end.

require(tool) --there--> its path
              --missing--> the closing list of what was not verified here; with SEATRIAL_REQUIRE=tool a failure
"""

from __future__ import annotations

import difflib
import functools
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import NoReturn

import hypothesis
import pytest

# pytest.skip.Exception, under the name that a type checker can follow.
from _pytest.outcomes import Skipped

hypothesis.settings.register_profile(
    "unhurried", hypothesis.settings(), deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("unhurried")  # how long an example takes is the machine's, and no property of ours

VARIABLE = "SEATRIAL_REQUIRE"
PATIENCE_S = 20.0
Require = Callable[[str], str]
Lacks = Callable[[str, str], NoReturn]


class LackingError(Exception):
    """The machine has no such tool; the message says why."""


class NotVerified(Skipped):
    """A test that cannot run here: what it lacks, and why."""


def _program(*names: str) -> str:
    for name in names:
        if found := shutil.which(name):
            return found
    raise LackingError(f"{' or '.join(names)} is not installed")


def _docker() -> str:
    """Return the program, when an engine answers it."""
    program = _program("docker")
    if subprocess.run([program, "info"], capture_output=True, timeout=PATIENCE_S, check=False).returncode:
        raise LackingError("no Docker engine answers")
    return program


def _daemon(name: str) -> str:
    """Return a server's program, which Debian puts where not everybody looks."""
    return shutil.which(name, path="/usr/sbin") or _program(name)


def _mount() -> str:
    """Return the program, for a user who may use it."""
    if os.geteuid():
        raise LackingError("only root may mount a small disk")
    return _program("mount")


def _python(version: str) -> str:
    """Return an interpreter that really is that Python (a pyenv shim may only say that it is not chosen)."""
    places = [shutil.which(f"python{version}"), *map(str, Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))]
    for place in filter(None, places):
        code = "import sys, sqlite3; print('%d.%d' % sys.version_info[:2])"
        done = subprocess.run([place, "-c", code], capture_output=True, text=True, check=False, timeout=PATIENCE_S)
        if done.stdout.strip() == version:
            return place
    raise LackingError(f"this machine has no Python {version}")


TOOLS: dict[str, Callable[[], str]] = {
    "docker": _docker,
    "node": functools.partial(_program, "node"),
    "npm": functools.partial(_program, "npm"),
    "nginx": functools.partial(_daemon, "nginx"),
    "haproxy": functools.partial(_daemon, "haproxy"),
    "chromium": functools.partial(_program, "chromium", "chromium-browser", "google-chrome"),
    "wrk": functools.partial(_program, "wrk"),
    "tcpdump": functools.partial(_program, "tcpdump"),
    "curl": functools.partial(_program, "curl"),
    "awk": functools.partial(_program, "awk"),
    "mount": _mount,
    "tracers": str,  # coverage's, for another Python, from a package index: only trying shows whether one answers
    **{f"python3.{minor}": functools.partial(_python, f"3.{minor}") for minor in range(10, 15)},
}
"""Each name that SEATRIAL_REQUIRE may have, and what finds the tool."""


def required_tools(text: str, known: Iterable[str]) -> frozenset[str]:
    """Return the names in a list such as `docker,node`; raises UsageError for one that nobody knows."""
    names = frozenset(name.strip() for name in text.split(",") if name.strip())
    for name in sorted(names - {*known}):
        near = difflib.get_close_matches(name, [*known], n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise pytest.UsageError(f"{VARIABLE} names {name!r}, which no test knows; {hint}known: {', '.join(known)}")
    return names


def _required() -> frozenset[str]:
    return required_tools(os.environ.get(VARIABLE, ""), TOOLS)


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to begin without what SEATRIAL_REQUIRE names."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell starts what runs in the background deaf to Ctrl-C, and so would be every child that a test interrupts.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(config, "workerinput"):
        return  # the controller looked
    for tool in sorted(_required()):
        try:
            TOOLS[tool]()
        except LackingError as error:
            raise pytest.UsageError(f"{VARIABLE} names {tool!r}, but {error}") from error


def _lacks(tool: str, reason: str) -> NoReturn:
    assert tool in TOOLS, f"{tool} is missing in tests/conftest.py"
    if tool in _required():
        pytest.fail(f"{reason}, but {VARIABLE} names {tool!r}")
    raise NotVerified(f"{tool}: {reason}")


def _require(tool: str) -> str:
    try:
        return TOOLS[tool]()
    except LackingError as error:
        reason = str(error)
    _lacks(tool, reason)


@pytest.fixture(scope="session")
def require() -> Require:
    """Return the function that finds a tool, or ends the test."""
    return functools.cache(_require)


@pytest.fixture(scope="session")
def lacks() -> Lacks:
    """Return the function that ends a test which found out by itself what it lacks of a tool."""
    return _lacks


@pytest.fixture(scope="session")
def engine(require: Require) -> None:
    """Go on only where a Docker engine answers."""
    require("docker")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let no test be skipped past `require`: a gap that nobody lists is a failure."""
    report = yield
    error = call.excinfo.value if call.excinfo else None
    if isinstance(error, Skipped) and not isinstance(error, NotVerified):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and not by require(tool): {error}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was not verified on this machine, and why; with xdist the workers' reports are here too."""
    found: dict[str, list[str]] = {}
    for report in terminalreporter.stats.get("skipped", []):
        found.setdefault(str(report.longrepr[2]).partition("NotVerified: ")[2], []).append(report.nodeid)
    if found:
        terminalreporter.section("not verified here")
    for reason, tests in sorted(found.items()):
        terminalreporter.write_line(f"{reason} ({len(tests)} tests)")
        for test in sorted(tests):
            terminalreporter.write_line(f"  {test}")
