"""Ctrl-C at many moments, each found by what the product has imported or printed, not by a clock."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from leavings import left_of

ROOT = Path(__file__).parents[2]
PATIENCE_S = 120.0
RUN = ("run", "--stack", "local", "--only", "health")
COMING_UP = f"""
[stack]
compose = ["docker-compose.yml"]
services = ["app"]
entry = "app:8000"
ready = "/"
start_timeout_s = 100
[stack.local.services.app]
command = [{sys.executable!r}, "-c", "import time; time.sleep(300)"]
ready = "/"
"""
SLOW = "import time; time.sleep(301)"
COMPOSE = """
services:
  app:
    image: python:3.13-slim
    command: [python, -c, import time; time.sleep(300)]
    healthcheck: {test: [CMD, sleep, "300"], timeout: 300s}
"""


def interrupt_at(child: subprocess.Popen[str], moment: str, *, stream: str) -> str:
    """Press Ctrl-C, which the whole group feels, once a text appears on an output, and return what was printed."""
    other = "stdout" if stream == "stderr" else "stderr"
    rest: list[str] = []
    reader = threading.Thread(target=lambda: rest.append(getattr(child, other).read()))
    reader.start()
    seen = []
    for line in getattr(child, stream):
        seen.append(line)
        if moment in line:
            os.killpg(child.pid, signal.SIGINT)
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


@pytest.fixture(params=["local", "compose"])
def driver(request: pytest.FixtureRequest, require: Callable[[str], str]) -> str:
    """Return one driver after the other."""
    if request.param == "compose":
        require("docker")
    return str(request.param)


@pytest.mark.parametrize("command", [("run", "--only", "health"), ("up",)], ids=["run", "up"])
def test_interrupt_while_a_stack_comes_up(
    begin: Callable[..., subprocess.Popen[str]],
    nothing_left: Callable[[int], None],
    tmp_path: Path,
    command: tuple[str, ...],
    driver: str,
) -> None:
    """Ctrl-C while services start, which would take minutes, ends at once; no stack is noted as up."""
    (tmp_path / "seatrial.toml").write_text(COMING_UP)
    (tmp_path / "docker-compose.yml").write_text(COMPOSE)
    with begin(*command, "--stack", driver, cwd=tmp_path) as child:
        await_started(child, "container" if driver == "compose" else "sleep(300)")
        os.killpg(child.pid, signal.SIGINT)
        out, err = child.communicate(timeout=PATIENCE_S)
    is_understandable(child, out + err)
    nothing_left(child.pid)
    assert not (tmp_path / ".seatrial" / "stack.json").exists()


def test_interrupt_while_a_service_is_built(
    begin: Callable[..., subprocess.Popen[str]], nothing_left: Callable[[int], None], tmp_path: Path
) -> None:
    """Also where the harness alone is told to end, it does not wait for what it builds."""
    (tmp_path / "docker-compose.yml").write_text(COMPOSE)
    (tmp_path / "seatrial.toml").write_text(COMING_UP + f'prepare = [[{sys.executable!r}, "-c", {SLOW!r}]]\n')
    with begin("up", "--stack", "local", cwd=tmp_path) as child:
        await_started(child, SLOW)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=PATIENCE_S)
    is_understandable(child, out + err)
    nothing_left(child.pid)


def await_started(child: subprocess.Popen[str], kind: str) -> None:
    """Wait until there is something of a command that could be left."""
    await_that(child, lambda: any(kind in found for found in left_of(child.pid)))


def await_that(child: subprocess.Popen[str], has_come: Callable[[], bool]) -> None:
    """Wait for a moment of a command that still runs."""
    deadline = time.monotonic() + PATIENCE_S
    while not has_come():
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < deadline, left_of(child.pid)
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("suite", "moment"),
    [("contract", ": 50 requests"), ("ratelimit", "filling one user's quota")],
    ids=["contract", "ratelimit"],
)
def test_interrupt_in_full_swing(
    begin: Callable[..., subprocess.Popen[str]],
    nothing_left: Callable[[int], None],
    tmp_path: Path,
    suite: str,
    moment: str,
) -> None:
    """Ctrl-C while an engine sends its requests ends it too, in a process of its own or in many threads."""
    events = tmp_path / "run" / "events.ndjson"
    with begin("run", "--stack", "local", "--only", suite, "--out", str(events.parent), cwd=ROOT) as child:
        await_that(child, lambda: events.exists() and moment in events.read_text())
        os.killpg(child.pid, signal.SIGINT)
        out, err = child.communicate(timeout=PATIENCE_S)
    is_understandable(child, out + err)
    nothing_left(child.pid)
    assert "run-interrupted" in events.read_text()


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("moment", ["clean stack ready", "health.basic-answers", "stage report"])
def test_interrupt_while_running_on_compose(
    begin: Callable[..., subprocess.Popen[str]], nothing_left: Callable[[int], None], tmp_path: Path, moment: str
) -> None:
    """Ctrl-C in any stage of a run on compose ends with 130; neither containers nor networks nor volumes are left."""
    arguments = ("run", "--stack", "compose", "--only", "health", "--out", str(tmp_path / "run"))
    with begin(*arguments, cwd=ROOT) as child:
        output = interrupt_at(child, moment, stream="stdout")
    is_understandable(child, output)
    nothing_left(child.pid)
    assert "run-interrupted" in (tmp_path / "run" / "events.ndjson").read_text()
