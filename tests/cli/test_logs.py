"""Service logs as a run keeps them: where they are promised, and without a secret."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

TALKS = """
import http.server as h, os
secrets = [os.environ["API_TOKEN"], os.environ["API_KEY"]]
open("told.json", "w").write(__import__("json").dumps(secrets))
print("I was given", *secrets, flush=True)
class Handler(h.SimpleHTTPRequestHandler):
    def do_GET(self):
        print("authorization", self.headers["Authorization"], flush=True)
        super().do_GET()
h.ThreadingHTTPServer(("127.0.0.1", {port}), Handler).serve_forever()
"""
SECRETS = '[stack.environment]\nAPI_TOKEN = "{random}"\nAPI_KEY = "{rsa_key}"\n'
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1c2VyIn0.c2lnbmF0dXJl"  # noqa: S105 - made up
SENDS = f'''
def test_answers(client):
    """The service answers."""
    assert client.get("/", headers={{"Authorization": "Bearer {TOKEN}"}}).status_code == 200
'''
MEASURED = '''
from seatrial.plugin import inconclusive

def test_measured(entered):
    """Lines were counted."""
    inconclusive("nothing else is asked here")
'''
COVERAGE = """
[coverage]
services = ["app"]
source = "."
container_source = "/app"
packages = ["own"]
"""
Run = Callable[..., subprocess.CompletedProcess[str]]


def holds_no_secret(folder: Path, told: Path) -> None:
    """Assert that no file below a folder has a secret that the service was told, or the token that it was sent."""
    token, key = json.loads(told.read_text())
    for file in (path for path in folder.rglob("*") if path.is_file()):
        text = file.read_text(errors="replace")
        assert [secret for secret in (token, key, TOKEN) if secret in text] == [], file


def test_a_service_that_logs_its_token(product: Run, lay: Callable[..., Path]) -> None:
    """What a service logs of its secrets is not in the run's directory: the mark of each stands there."""
    project = lay(command=TALKS, more=SECRETS, own=SENDS)
    done = product("run", "--stack", "local", cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr
    latest = (project / ".seatrial" / "latest").resolve()
    holds_no_secret(latest, project / "told.json")
    log = (latest / "logs" / "app.log").read_text()
    assert "I was given {{secret:API_TOKEN}} {{secret:API_KEY}}" in log
    assert "authorization Bearer {{secret:token}}" in log


COMPOSE = """
services:
  app:
    image: python:3.13-slim
    environment: {API_TOKEN: "${API_TOKEN}", API_KEY: "${API_KEY}"}
    command: ["python", "-c", CODE]
    ports: ["8000"]
"""
CONTAINER = """
suites = ["suites"]
[stack]
compose = ["docker-compose.yml"]
services = ["app"]
entry = "app:8000"
ready = "/"
"""


@pytest.mark.usefixtures("engine")
def test_a_container_that_logs_its_token(product: Run, lay: Callable[..., Path]) -> None:
    """The same in containers: compose keeps what the engine collected, redacted."""
    project = lay(own=SENDS)
    code = TALKS.replace("{port}", "8000").replace("127.0.0.1", "").replace('open("told.json", "w").write', "print")
    (project / "docker-compose.yml").write_text(COMPOSE.replace("CODE", json.dumps(code)))
    (project / "seatrial.toml").write_text(CONTAINER + SECRETS)
    done = product("run", "--stack", "compose", cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr
    log = (project / ".seatrial" / "latest" / "logs" / "app.log").read_text()
    assert "I was given {{secret:API_TOKEN}} -----BEGIN" in log
    assert re.findall(r"^\S+Z [A-Za-z0-9+/=]{16,}$", log, re.MULTILINE) == [], "lines of the key"
    assert '["{{secret:API_TOKEN}}", "{{secret:API_KEY}}"]' in log
    assert "authorization Bearer {{secret:token}}" in log


def test_a_stack_that_stayed_up_logs_its_token(
    begin: Callable[..., subprocess.Popen[str]], lay: Callable[..., Path]
) -> None:
    """`seatrial down`, another process, keeps the logs of the stack without its secrets too."""
    project = lay(command=TALKS, more=SECRETS, own=SENDS)
    for command in (("up", "--stack", "local"), ("down",)):
        with begin(*command, cwd=project) as child:
            out, err = child.communicate(timeout=120)
        assert child.returncode == 0, out + err
    holds_no_secret(project / ".seatrial", project / "told.json")
    (log,) = (project / ".seatrial" / "runs").glob("*/logs/app.log")
    assert "I was given {{secret:API_TOKEN}} {{secret:API_KEY}}" in log.read_text()


def test_logs_of_an_instrumented_stack_alone(product: Run, lay: Callable[..., Path]) -> None:
    """A run that needs the instrumented variant alone keeps its logs where the run directory promises them."""
    project = lay(own=SENDS, coverage=MEASURED, more=COVERAGE)
    (project / "own").mkdir()
    (project / "own" / "code.py").write_text("x = 1\n")
    product("run", "--stack", "local", cwd=project)
    logs = project / ".seatrial" / "latest" / "logs"
    assert "instrumented" in (logs.parent / "events.ndjson").read_text()
    assert [path.relative_to(logs) for path in logs.rglob("*.log")] == [Path("app.log")]
    assert "GET /" in (logs / "app.log").read_text()
