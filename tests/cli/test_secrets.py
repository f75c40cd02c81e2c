"""A service that tells its secret wherever it can: what a run leaves does not, and a file that does ends the run."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ECHO = """
import base64, http.server, os

class Echo(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        secret = os.environ["SECRET"]
        print("log", secret, flush=True)
        self.send_response(200)
        self.send_header("X-Echo", secret)
        self.end_headers()
        self.wfile.write(" ".join(["said", secret, base64.b64encode(secret.encode()).decode()]).encode())

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


@pytest.mark.parametrize(("more", "code"), [("", 1), (WRITES, 3)])
def test_no_secret_leaves(product: Product, lay: Callable[..., Path], more: str, code: int) -> None:
    """Told in bodies, headers, logs and errors it is in no file; what a suite wrote past us is named and exit 3."""
    project = lay(command=ECHO, more=ENVIRONMENT, own=SUITE.replace("{more}", more))
    done = product("run", "--stack", "local", cwd=project)
    assert done.returncode == code, done.stdout + done.stderr
    secret = (project / "told").read_text()
    latest = (project / ".seatrial" / "latest").resolve()
    files = {file.name: file.read_bytes() for file in latest.rglob("*") if file.is_file()}
    assert [name for name, text in files.items() if secret.encode() in text] == (["notes.txt"] if more else [])
    assert secret not in done.stdout + done.stderr
    assert all(
        b"{{secret:SECRET}}" in files[name]
        for name in ("app.log", "events.ndjson", "junit.xml", "exchanges.har", "comment.md")
    )
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
