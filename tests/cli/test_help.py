"""What the command line says of itself: every help text as a snapshot, and how little it imports for that."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

COMMANDS = (
    (),
    ("run",),
    ("up",),
    ("down",),
    ("status",),
    ("logs",),
    ("contract",),
    ("contract", "fuzz"),
    ("contract", "diff"),
    ("contract", "accept"),
    ("load",),
    ("load", "send"),
    ("load", "compare"),
    ("load", "calibrate"),
    ("load", "worker"),
    ("limits",),
    ("limits", "prove"),
    ("limits", "discover"),
    ("doctor",),
    ("clean",),
    ("replay",),
    ("baseline",),
    ("baseline", "accept"),
    ("baseline", "show"),
    ("merge",),
    ("report",),
    ("compare",),
    ("checks",),
    ("checks", "list"),
    ("checks", "explain"),
)
HEAVY = {
    "pydantic",
    "httpx",
    "pytest",
    "schemathesis",
    "locust",
    "docker",
    "testcontainers",
    "coverage",
    "jinja2",
    "rich",
}


def ask(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the product on a terminal that is 100 columns wide, without colour."""
    return subprocess.run(
        [sys.executable, "-m", "seatrial", *arguments],
        env={**os.environ, "COLUMNS": "100", "NO_COLOR": "1", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: " ".join(words) or "seatrial")
def test_help_reads_as_agreed(command: tuple[str, ...], snapshot: SnapshotAssertion) -> None:
    """Each command explains itself, with an example that names it."""
    text = ask(*command, "--help").stdout
    assert text == snapshot
    assert " ".join(["seatrial", *command]) in text.partition("xample")[2], "no example"


def test_every_command_has_a_snapshot() -> None:
    """A command that is added is explained too."""
    table = ask("--help").stdout.partition("Commands:\n")[2].partition("\n\n")[0]
    listed = {line.split()[0] for line in table.splitlines()}
    assert listed == {words[0] for words in COMMANDS if words}


def test_help_imports_nothing_heavy() -> None:
    """Help is there at once: what a run needs is imported when a run needs it."""
    lines = ask("--help", PYTHONPROFILEIMPORTTIME="1").stderr.splitlines()
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}
    assert "seatrial" in imported
    assert not imported & HEAVY


def test_plan_starts_nothing(tmp_path: Path) -> None:
    """`run --plan` says what would be verified, and leaves neither a run directory nor a stack."""
    before = set((Path.cwd() / ".seatrial" / "runs").glob("*"))
    text = ask("run", "--stack", "local", "--only", "health", "logs", "--plan", "--out", str(tmp_path / "run")).stdout
    assert [line.split()[1] for line in text.splitlines() if line.startswith("suite ")] == ["health:", "logs:"]
    assert "gate     checks.failed == 0" in text
    assert set((Path.cwd() / ".seatrial" / "runs").glob("*")) == before
    assert not (tmp_path / "run").exists()


def test_what_is_meant_for_pytest_decides_nothing() -> None:
    """Options and switches for a pytest that somebody starts leave a run's checks and its plugin alone."""
    words = ("run", "--stack", "local", "--only", "posture", "--plan")
    foreign = {"PYTEST_ADDOPTS": "-v -k nothing", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    assert ask(*words, **foreign).stdout == ask(*words).stdout
