"""What load reaches counts as its own, from a few arrivals on the instrumented stack that judge nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from measured import CONFIG, LOADED, READY, lay_out

from seatrial.swarm._few import ARRIVALS

LOAD = """
[load.some]
paths = ["/loaded"]
rate_per_s = 10
duration_s = { quick = 0.5 }
[load.some.objectives]
error_ratio = "<= 0"
[load.other]
user = "Missing"
rate_per_s = 1
duration_s = { full = 1 }
"""
PATIENCE_S = 120


def read(file: Path) -> Any:
    """Return what JSON says."""
    return json.loads(file.read_text())


def test_load_has_lines_of_its_own_and_its_verdict_from_the_clean_stack(tmp_path: Path) -> None:
    """The instrumented stack is sent so many arrivals and no more, the clean one what is judged."""
    project = lay_out(tmp_path, CONFIG + LOAD, suites=("test_load.py",))
    command = [sys.executable, "-m", "seatrial", "run", "--stack", "local"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode in {0, 3}, done.stdout + done.stderr  # the generator may be late on a busy machine
    run = project / ".seatrial" / "latest"
    lines = read(run / "coverage" / "attribution.json")["files"]["svc/app/answers.py"]
    assert lines[str(LOADED)] == ["load"]
    assert lines[str(READY)] == ["startup"], "what measures the cost of counting is nobody's request"
    total = next(each for each in read(run / "coverage" / "components.json")["components"] if each["name"] == "total")
    assert total["only"]["load"] == 1
    assert 0 < (run / "logs" / "instrumented" / "app.log").read_text().count("/loaded") <= ARRIVALS
    assert 0 < (run / "logs" / "app.log").read_text().count("/loaded") <= 2 * 5
    assert (run / "load" / "some" / "stats.json").is_file()
    told = read(run / "verdict.json")
    measured = {each["name"]: each["value"] for each in told["measurements"] if "instrumentation" in each["name"]}
    summary = (run / "summary.md").read_text()
    if measured:  # a machine that is busy for most of a second has no figure
        assert measured.keys() == {f"instrumentation.{name}" for name in ("with", "without", "ratio")}
        assert f"{measured['instrumentation.with']:.0f} requests a second with it" in summary
    else:
        assert "What counting lines costs was not measured: GET / takes too long" in summary
    assert "coverage.py (app: Python 3." in summary
    assert not (run / "load" / "other").exists()
