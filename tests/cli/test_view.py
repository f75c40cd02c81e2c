"""What somebody sees while a run goes on: a live table on a terminal, plain lines anywhere else."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from seatrial.cli._checks import describe
from seatrial.core import Check, Severity

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
MOVES = re.compile(r"\x1b\[\d*[AKJ]|\x1b\[\?25l")
SLOW = (
    "import http.server as h, time; time.sleep(2);"
    " h.ThreadingHTTPServer(('127.0.0.1', {port}), h.SimpleHTTPRequestHandler).serve_forever()"
)
CHECKS = '''
import time
from seatrial.plugin import check

def test_answers(client):
    """The service answers."""
    time.sleep(1)
    assert client.get("/").status_code == 200

@check("own.teapot", title="it is a teapot", severity="low")
def test_teapot(client):
    """It is a teapot."""
    time.sleep(1)
    assert client.get("/").status_code == 418, "it is no teapot"
'''


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """Return an environment that says nothing about terminals but what the test says."""
    said = {"CI", "FORCE_COLOR", "NO_COLOR", "TERM", "TTY_COMPATIBLE", "COLUMNS"}
    return {**{name: value for name, value in os.environ.items() if name not in said}, **more}


def on_terminal(project: Path, more: Mapping[str, str], *words: str, code: int = 1) -> str:
    """Run the product with a terminal as its output, and return everything that was sent to it."""
    here, there = pty.openpty()
    command = [sys.executable, "-m", "seatrial", *(words or ("run",)), "--stack", "local"]
    variables = environment({"TERM": "xterm-256color", "COLUMNS": "120", **more})
    with subprocess.Popen(command, cwd=project, env=variables, stdout=there, stderr=there) as child:
        os.close(there)
        seen = b"".join(iter(lambda: _read(here), b""))
        child.wait(timeout=60)
    os.close(here)
    assert child.returncode == code, seen.decode()
    return seen.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux says that the other side is closed
        return b""


def test_a_terminal_shows_a_live_table(lay: Callable[..., Path]) -> None:
    """Stages with their elapsed time and what they wait for, the count of checks, and a line for what did not pass."""
    sent = on_terminal(lay(command=SLOW, own=CHECKS), {})
    assert MOVES.search(sent)
    text = CONTROL.sub("", sent)
    waits = {float(seconds) for seconds in re.findall(r"functional +(\d+\.\d) s", text)}
    assert len(waits) > 3, "elapsed time does not go on"
    assert re.search(r"stack +\d+\.\d s +waiting for app", text)
    assert "0 of 2 checks  own.answers" in text
    assert "1 of 2 checks  own.teapot" in text or "1 of 2 checks" in text
    assert re.search(r"done +stack +\d+\.\d s", text)
    assert re.search(r"failed +own\.teapot: it is no teapot", text)


LOAD = """
[load.paths]
rate_per_s = 20
duration_s = { quick = 3 }
paths = ["/"]
# Such a latency lets arrivals begin late: who else runs on this machine is not the affair of these tests.
objectives = { p99 = "<= 20000 ms" }
"""


def test_a_terminal_shows_how_load_goes(lay: Callable[..., Path]) -> None:
    """One row is redrawn each second: rate asked and achieved, errors, refusals, percentiles, and bars of the past.

    On a busy machine a second may be told late, as the next one.
    """
    sent = on_terminal(lay(more=LOAD), {"COLUMNS": "200"}, "load", code=0)
    assert MOVES.search(sent)
    row = (
        r"load +\d+\.\d s +paths 20/s {} s of 3 s, [\d.]+/s began, 0 failures, 0 x 429, p50 [\d.]+ ms, p99 [\d.]+ ms {}"
    )
    text = CONTROL.sub("", sent)
    assert re.search(row.format("[12]", "█"), text), text
    assert re.search(row.format("[23]", "[▁▂▃▄▅▆▇█]{2}"), text), text
    assert "60 due, 60 started" in text


@pytest.mark.parametrize("more", [{"CI": "true"}, {"TERM": "dumb"}])
def test_ci_and_dumb_terminals_get_plain_lines(lay: Callable[..., Path], more: dict[str, str]) -> None:
    """A terminal that nobody watches, or that cannot be redrawn, gets one line for each check."""
    sent = on_terminal(lay(own=CHECKS), more)
    assert not MOVES.search(sent)
    assert len(re.findall(r"own\.(?:answers|teapot)", CONTROL.sub("", sent.partition("checks: ")[0]))) == 3


@pytest.mark.parametrize("more", [{}, {"FORCE_COLOR": "1"}])
def test_a_pipe_gets_plain_lines(lay: Callable[..., Path], more: dict[str, str]) -> None:
    """One line for each check and stage; FORCE_COLOR colours them, and makes no terminal of a pipe."""
    command = [sys.executable, "-m", "seatrial", "run", "--stack", "local"]
    done = subprocess.run(
        command, cwd=lay(own=CHECKS), env=environment(more), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1, done.stderr
    assert not MOVES.search(done.stdout)
    lines = CONTROL.sub("", done.stdout).splitlines()
    assert sum(bool(re.search(r"^ *\d+\.\ds  passed +own\.answers$", line)) for line in lines) == 1
    assert sum(bool(re.search(r"^ *\d+\.\ds  failed +own\.teapot: it is no teapot$", line)) for line in lines) == 1
    assert sum(bool(re.search(r"^ *\d+\.\ds  stage functional$", line)) for line in lines) == 1
    assert ("\x1b[" in done.stdout) == bool(more)


def test_a_check_is_explained_with_its_references() -> None:
    """What OWASP says stands there without a CWE number too."""
    check = Check(slug="a.b", title="t", severity=Severity.LOW, suite="a", claim="c", owasp=("API4:2023",))
    assert any("see" in line and "API4:2023" in line for line in describe(check, []))
