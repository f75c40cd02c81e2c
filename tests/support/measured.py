"""A project whose service coverage measures: two modules, of which the checks reach a part, and the load another."""

from __future__ import annotations

import sys
from pathlib import Path

from seatrial.core import content

PORTED = """
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from app.answers import answer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(answer(self.path).encode())

    def log_message(self, *_):
        print(self.path, flush=True)


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
ANSWERS = """
def answer(path):
    if path == "/asked":
        return "asked"
    if path == "/never":
        value = 1
        value += 1
        return str(value)
    if path == "/loaded":
        return "loaded"
    return "ready"
"""
NEVER = "6-8"
"""The lines of the answers that nobody asks for."""

LOADED = 10
"""The line that a load alone asks for."""

READY = 11
"""The line that answers who waits for the service."""

CONFIG = f"""
suites = ["suites"]
[stack]
entry = "app:8000"
[stack.local]
directory = "svc"
[stack.local.services.app]
command = [{sys.executable!r}, "-m", "app.serve", "{{port}}"]
ready = "/"
[coverage]
services = ["app"]
source = "svc"
packages = ["app"]
[gate]
rules = ["checks.failed == 0", "checks.inconclusive == 0"]
"""
OWN = '''
import pytest

@pytest.mark.parametrize("number", range(4))
def test_answers(client, number):
    """The service answers."""
    assert client.get("/asked").text == "asked"
'''


def lay_out(root: Path, config: str = CONFIG, *, suites: tuple[str, ...] = ()) -> Path:
    """Write a project with a service of two modules, one check of its own and those of coverage, and more `suites`."""
    for name in ("svc/app", "suites"):
        (root / name).mkdir(parents=True)
    (root / "svc/app/__init__.py").touch()
    (root / "svc/app/serve.py").write_text(PORTED)
    (root / "svc/app/answers.py").write_text(ANSWERS)
    (root / "svc/app/unused.py").write_text("X = 1\n")
    (root / "seatrial.toml").write_text(config)
    (root / "suites/test_own.py").write_text(OWN)
    for name in ("pytest.ini", "test_coverage.py", *suites):
        (root / "suites" / name).write_text((content("suites") / name).read_text())
    return root
