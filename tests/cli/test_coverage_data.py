"""Coverage data that a run cannot use: of another version, or of another layout of paths."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

SERVICE = """
import http.server as h, os, sqlite3, sys
from contextlib import closing
from pathlib import Path
sys.path.insert(0, os.getcwd())
import own.code
from coverage import CoverageData

def leave(name, path, version):
    file = Path(os.environ["SEATRIAL_SHARE"], "data", f".coverage.app.host.{name}.x")
    with closing(CoverageData(str(file))) as data:
        data.add_arcs({path: {(-1, 1), (1, -1)}})
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("update coverage_schema set version = coalesce(?, version)", [version])
        connection.commit()

leave(1, os.path.abspath("own/code.py"), 99)
leave(2, "/elsewhere/own/code.py", None)
h.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), h.SimpleHTTPRequestHandler).serve_forever()
"""
CONFIG = """
[coverage]
services = ["app"]
source = "."
container_source = "/app"
packages = ["own"]
[gate]
rules = ["coverage.total >= 1 %"]
"""


def test_data_that_is_not_ours(
    product: Callable[..., subprocess.CompletedProcess[str]], lay: Callable[..., Path]
) -> None:
    """Each is told with what is wrong with it, no percentage is made of the rest, and the run proves nothing."""
    project = lay(more=CONFIG)
    (project / "own").mkdir()
    (project / "own" / "code.py").write_text("x = 1\n")
    (project / "service.py").write_text(SERVICE)
    file, command = project / "seatrial.toml", f'command = ["{sys.executable}", "service.py", "{{port}}"]'
    text = re.sub("^command = .*$", command, file.read_text(), flags=re.MULTILINE)
    file.write_text(text.replace('suites = ["suites"]', 'suites = ["shipped"]'))
    done = product("run", "--stack", "local", "--only", "coverage", cwd=project)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    verdict = json.loads((project / ".seatrial" / "latest" / "verdict.json").read_text())
    found = {each["check"]: (each["outcome"], each["reason"]) for each in verdict["outcomes"]}
    outcome, reason = found["coverage.collected"]
    assert (outcome, "another version of coverage wrote it" in reason) == ("inconclusive", True), reason
    outcome, reason = found["coverage.source-mapped"]
    assert (outcome, "/elsewhere/own/code.py" in reason) == ("failed", True), reason
    assert verdict["coverage"] is None
    assert (verdict["verdict"], verdict["exit_code"]) == ("inconclusive", 3)
