"""Ctrl-C at many moments, each found by what the product has imported or printed, not by a clock."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE_S = 120.0
RUN = ("run", "--stack", "local", "--only", "health")


def interrupt_at(child: subprocess.Popen[str], moment: str, *, stream: str) -> str:
    """Send SIGINT as soon as a text appears on an output, and return everything that was printed."""
    other = "stdout" if stream == "stderr" else "stderr"
    rest: list[str] = []
    reader = threading.Thread(target=lambda: rest.append(getattr(child, other).read()))
    reader.start()
    seen = []
    for line in getattr(child, stream):
        seen.append(line)
        if moment in line:
            child.send_signal(signal.SIGINT)
            moment = "\0"  # once only
    child.wait(timeout=PATIENCE_S)
    reader.join()
    assert moment == "\0", f"the moment never came: {''.join(seen)}"
    return "".join([line for line in seen if not line.startswith("import time:")] + rest)


def is_understandable(child: subprocess.Popen[str], output: str) -> None:
    """Assert the exit code and the words of an interrupted command."""
    assert child.returncode == 130, output
    assert "Traceback" not in output
    assert "[run-interrupted]" in output
    assert "to do:" in output


@pytest.mark.parametrize(
    "module", ["seatrial.core.errors", "click.core", "pydantic._internal._fields", "_pytest.nodes", "httpx"]
)
def test_interrupt_while_importing(
    begin: Callable[..., subprocess.Popen[str]], nothing_left: Callable[[int], None], module: str
) -> None:
    """Ctrl-C while the product still imports ends it with 130 and one message, without a traceback."""
    with begin(*RUN, cwd=ROOT, environment={"PYTHONPROFILEIMPORTTIME": "1"}) as child:
        output = interrupt_at(child, f" {module}\n", stream="stderr")
    is_understandable(child, output)
    nothing_left(child.pid)


@pytest.mark.parametrize("moment", ["stage functional", "clean stack ready", "health.basic-answers", "stage report"])
def test_interrupt_while_running(
    begin: Callable[..., subprocess.Popen[str]], nothing_left: Callable[[int], None], tmp_path: Path, moment: str
) -> None:
    """Ctrl-C in any stage ends with 130; nothing is left, and the record says that the run was interrupted."""
    with begin(*RUN, "--out", str(tmp_path / "run"), cwd=ROOT) as child:
        output = interrupt_at(child, moment, stream="stdout")
    is_understandable(child, output)
    nothing_left(child.pid)
    assert "run-interrupted" in (tmp_path / "run" / "events.ndjson").read_text()
    assert "interrupted" in (tmp_path / "run" / "summary.md").read_text()


def test_interrupt_with_workers(
    begin: Callable[..., subprocess.Popen[str]], nothing_left: Callable[[int], None], tmp_path: Path
) -> None:
    """Ctrl-C with several workers ends all of them."""
    with begin(*RUN, "-n", "2", "--out", str(tmp_path / "run"), cwd=ROOT) as child:
        output = interrupt_at(child, "clean stack ready", stream="stdout")
    is_understandable(child, output)
    nothing_left(child.pid)
