"""A service that tells its secret wherever it can: what a run leaves does not, and a file that does ends the run."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from seatrial.reporting import REPORTERS

ECHO = """
import base64, html, http.server, json, os, urllib.parse

class Echo(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        secret = os.environ["SECRET"]
        print("log", secret, flush=True)
        self.send_response(200)
        self.send_header("X-Echo", secret)
        self.send_header("Content-Type", f"text/{secret}")
        self.end_headers()
        forms = [urllib.parse.quote(secret, safe=""), secret.encode().hex(), html.escape(secret), json.dumps(secret)]
        forms += [base64.b64encode(b"." * n + secret.encode()).decode() for n in range(3)]
        self.wfile.write(" ".join(["said", secret, *forms]).encode())

http.server.ThreadingHTTPServer(("127.0.0.1", {port}), Echo).serve_forever()
"""
ENVIRONMENT = '\n[stack.environment]\nSECRET = "{random}"\n'
SUITE = """
from pathlib import Path

def test_echo(client, settings):
    '''It keeps its secret.'''
    said = client.get("/").text.split()[1]
    Path(settings.root, "told").write_text(said)
    {more}
    raise AssertionError("it said " + said)
"""
WRITES = 'Path(settings.root, ".seatrial", "latest", "notes.txt").write_text("x" + said)'
Product = Callable[..., subprocess.CompletedProcess[str]]


LOAD = """
[tracing]
header = "X-Echo"
[load.a]
rate_per_s = 5
paths = ["/"]
[load.a.duration_s]
quick = 1
[load.a.objectives]
error_ratio = "<= 0"
"""


def with_load(project: Path, *, wanted: bool) -> list[str]:
    """Let a project have a load as well, and return the words that select it."""
    file = project / "seatrial.toml"
    file.write_text(file.read_text().replace('suites = ["suites"]', 'suites = ["suites", "shipped"]') + LOAD * wanted)
    return ["--only", "load"] * wanted


def forms(secret: str) -> list[bytes]:
    """Return ways in which a secret may be written that say it to whoever reads a file."""
    coded = [base64.b64encode(b"." * n + secret.encode()).decode()[n and 4 : -4] for n in range(3)]
    return [text.encode() for text in (secret, secret.lower(), secret.encode().hex(), *coded)]


@pytest.mark.parametrize(("more", "code"), [("", 1), (WRITES, 3)])
def test_no_secret_leaves(product: Product, lay: Callable[..., Path], more: str, code: int) -> None:
    """Told in bodies, headers, logs and errors it is in no file; what a suite wrote past us is named and exit 3."""
    project = lay(command=ECHO, more=ENVIRONMENT, own=SUITE.replace("{more}", more))
    done = product("run", "--stack", "local", "--only", "own", *with_load(project, wanted=not more), cwd=project)
    assert done.returncode == code, done.stdout + done.stderr
    secret = (project / "told").read_text()
    latest = (project / ".seatrial" / "latest").resolve()
    files = {file.name: file.read_bytes() for file in latest.rglob("*") if file.is_file()}
    holding = [name for name, text in files.items() if any(form in text for form in forms(secret))]
    assert holding == (["notes.txt"] if more else [])
    assert secret not in done.stdout + done.stderr
    assert all(
        b"{{secret:SECRET}}" in files[name]
        for name in ("app.log", "events.ndjson", "junit.xml", "exchanges.har", "comment.md")
    )
    assert more or b"{{secret:SECRET}}" in files["requests.csv"]
    verdict = json.loads(files["verdict.json"])
    assert verdict["exit_code"] == code
    assert ("notes.txt ({{secret:SECRET}})" in verdict["reason"]) == bool(more)
    assert verdict["verdict"] == ("inconclusive" if more else "fail")


def test_a_secret_is_told_where_a_report_cannot_be_written(product: Product, lay: Callable[..., Path]) -> None:
    """The verdict is the first report: it says so too when a later one fails, and whoever reads it keeps nothing."""
    blocks = f'{WRITES}; Path(settings.root, ".seatrial", "latest", "comment.md").mkdir()'
    project = lay(command=ECHO, more=ENVIRONMENT, own=SUITE.replace("{more}", blocks))
    done = product("run", "--stack", "local", cwd=project)
    assert (done.returncode, "[report-unwritable]" in done.stderr) == (3, True), done.stdout + done.stderr
    verdict = json.loads((project / ".seatrial" / "latest" / "verdict.json").read_text())
    assert "[secret-left]" in verdict["reason"]


KILLS = """
import os, signal
from seatrial.plugin import _conductor
LOOK = _conductor.find_leaks

def look(directory, secrets, *, names=()):
    if names and (directory / "report.html").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    return LOOK(directory, secrets, names=names)

_conductor.find_leaks = look
"""


def test_a_run_that_is_killed_before_the_last_look_has_no_verdict(product: Product, lay: Callable[..., Path]) -> None:
    """Nothing that looks like a result stands there before all other files were searched."""
    project = lay(command=ECHO, more=ENVIRONMENT, own=KILLS + SUITE.replace("{more}", "return"))
    done = product("run", "--stack", "local", cwd=project)
    assert done.returncode < 0, done.stdout + done.stderr
    latest = (project / ".seatrial" / "latest").resolve()
    assert (latest / "report.html").is_file()
    assert not (latest / "verdict.json").exists()


BREAKS = """
from seatrial.reporting import REPORTERS

def fails(record, stream):
    raise TypeError("nobody thought of it")

REPORTERS["junit.xml"] = REPORTERS["report.html"] = fails
"""


def test_a_report_that_breaks_costs_no_other(product: Product, lay: Callable[..., Path]) -> None:
    """Each is told, the others are written and say that the run proves nothing, and so does the verdict."""
    project = lay(command=ECHO, more=ENVIRONMENT, own=BREAKS + SUITE.replace("{more}", "return"))
    done = product("run", "--stack", "local", cwd=project)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "cannot make report.html" in done.stderr
    assert "cannot make junit.xml" in done.stderr
    latest = project / ".seatrial" / "latest"
    verdict = json.loads((latest / "verdict.json").read_text())
    assert (verdict["verdict"], "[report-broken]" in verdict["reason"]) == ("inconclusive", True)
    assert {path.name for path in latest.iterdir()} >= {*REPORTERS} - {"junit.xml", "report.html"}
    assert "inconclusive" in (latest / "summary.md").read_text()
    again = product("report", cwd=project)
    assert again.returncode == 0, again.stderr
