"""What load and refusals reach counts as theirs, from a few requests on the instrumented stack that judge nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from measured import CONFIG, LOADED, PORTED, READY, lay_out

from seatrial.swarm._few import ARRIVALS
from seatrial.throttle._exceed import REFUSALS

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
LIMIT = """
[[limits]]
quota = 5
window_s = 3600
algorithm = "fixed-window"
anonymous_by = "address"
path = "/asked"
exempt = ["/"]
[[limits]]
name = "wide"
reach = "path"
quota = 1000
window_s = 3600
anonymous_by = "address"
path = "/wide"
max_requests = 100
"""
LIMITER = """
from collections import Counter
from threading import Lock

QUOTA, FREE = 5, ("/", "/loaded")
counted, lock = Counter(), Lock()


def refuses(path, address):
    limited = path not in FREE
    with lock:
        counted[address] += limited
        if counted[address] > QUOTA:
            counted[address] = QUOTA
            return True
    return False
"""
ASKED = 4 + 5 + REFUSALS
"""What is sent to the limited path of the instrumented stack: by checks, within the quota, and beyond it."""

REFUSING = (14, 15)
"""The lines that only a client beyond its quota reaches."""

LIMITED = PORTED.replace("(200)", "(429 if refuses(self.path, self.client_address[0]) else 200)").replace(
    "import answer\n", "import answer\nfrom app.limiter import refuses\n"
)
PATIENCE_S = 120


def read(file: Path) -> Any:
    """Return what JSON says."""
    return json.loads(file.read_text())


def test_load_and_limits_have_lines_of_their_own_and_verdicts_from_the_clean_stack(tmp_path: Path) -> None:
    """The instrumented stack is sent so many requests and no more, the clean one what is judged."""
    project = lay_out(tmp_path, CONFIG + LIMIT + LOAD, suites=("test_load.py", "test_ratelimit.py"))
    (project / "svc/app/limiter.py").write_text(LIMITER)
    (project / "svc/app/serve.py").write_text(LIMITED)
    command = [sys.executable, "-m", "seatrial", "run", "--stack", "local"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode in {0, 3}, done.stdout + done.stderr  # the generator may be late on a busy machine
    run = project / ".seatrial" / "latest"
    files = read(run / "coverage" / "attribution.json")["files"]
    assert [files["svc/app/limiter.py"][str(number)] for number in REFUSING] == [["ratelimit"], ["ratelimit"]]
    lines = files["svc/app/answers.py"]
    assert lines[str(LOADED)] == ["load"]
    assert lines[str(READY)] == ["startup"], "what measures the cost of counting is nobody's request"
    total = next(each for each in read(run / "coverage" / "components.json")["components"] if each["name"] == "total")
    assert (total["only"]["load"], total["only"]["ratelimit"]) == (1, len(REFUSING))
    assert (run / "logs" / "instrumented" / "app.log").read_text().count("/asked") == ASKED
    assert 0 < (run / "logs" / "instrumented" / "app.log").read_text().count("/loaded") <= ARRIVALS
    assert 0 < (run / "logs" / "app.log").read_text().count("/loaded") <= 2 * 5
    assert (run / "load" / "some" / "stats.json").is_file()
    assert (run / "ratelimit" / "default.html").is_file()
    told = read(run / "verdict.json")
    unmeasured = "coverage: what refusals reach was not measured of wide: a quota of 1,000 there takes more"
    assert any(note.startswith(unmeasured) for note in told["not_verified"])
    measured = {each["name"]: each["value"] for each in told["measurements"] if "instrumentation" in each["name"]}
    summary = (run / "summary.md").read_text()
    if measured:  # a machine that is busy for most of a second has no figure
        assert measured.keys() == {f"instrumentation.{name}" for name in ("with", "without", "ratio")}
        assert f"{measured['instrumentation.with']:.0f} requests a second with it" in summary
    else:
        assert "What counting lines costs was not measured: GET / takes too long" in summary
    assert "coverage.py (app: Python 3." in summary
    assert not (run / "load" / "other").exists()
