"""`--out DIR` used again: nothing of the run before is taken for a result of this one."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from seatrial.record import OWNED
from seatrial.reporting import REPORTERS

GOOD = '''
def test_answers(client):
    """The service answers."""
    assert client.get("/once").status_code == 404
'''
HANGS = """
import time

def test_hangs(client):
    '''It takes longer than anybody waits.'''
    time.sleep(600)
"""
RUN = ("run", "--stack", "local", "--out")
Product = Callable[..., subprocess.CompletedProcess[str]]


def test_a_killed_run_leaves_no_verdict_of_the_one_before(
    product: Product,
    begin: Callable[..., subprocess.Popen[str]],
    nothing_left: Callable[[int], None],
    lay: Callable[..., Path],
    tmp_path: Path,
) -> None:
    """A second run into the same directory that is killed leaves no verdict, report or log of the first."""
    project, out = lay(own=GOOD), tmp_path / "out"
    assert product(*RUN, str(out), cwd=project).returncode == 0
    assert json.loads((out / "verdict.json").read_text())["verdict"] == "pass"
    assert (out / "logs" / "app.log").exists()
    (project / "suites" / "test_own.py").write_text(HANGS)  # however late it is killed, it has not come to its end
    with begin(*RUN, str(out), cwd=project) as child:
        assert child.stdout is not None
        assert any("stage functional" in line for line in child.stdout), "the run never began"
        child.send_signal(signal.SIGKILL)
    nothing_left(child.pid)
    assert [name for name in REPORTERS if (out / name).exists()] == []
    assert (out / "events.ndjson").exists()


def test_logs_are_those_of_the_last_run(product: Product, lay: Callable[..., Path], tmp_path: Path) -> None:
    """Logs of two runs into the same directory do not pile up, and files that are nobody's stay."""
    project, out = lay(own=GOOD), tmp_path / "out"
    for _ in range(2):
        assert product(*RUN, str(out), cwd=project).returncode == 0
        (out / "console.txt").write_text("mine")
    assert (out / "logs" / "app.log").read_text().count("GET /once") == 1
    assert (out / "console.txt").read_text() == "mine"


def test_a_directory_that_is_no_run_is_left_alone(product: Product, lay: Callable[..., Path], tmp_path: Path) -> None:
    """A directory with files of somebody else is refused, and nothing in it is touched."""
    out = tmp_path / "out"
    (out / "logs").mkdir(parents=True)
    (out / "logs" / "mine.log").write_text("precious")
    done = product(*RUN, str(out), cwd=lay(own=GOOD))
    assert done.returncode == 2, done.stdout + done.stderr
    assert "[out-occupied]" in done.stderr
    assert "--out DIR" in done.stderr
    assert (out / "logs" / "mine.log").read_text() == "precious"


def test_every_report_is_among_what_a_run_owns() -> None:
    """A format that is added is removed too before a directory is used again."""
    assert set(REPORTERS) < set(OWNED)
