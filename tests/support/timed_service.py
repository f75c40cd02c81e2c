"""A service that takes as long as it is told, and a repository whose commits are versions of it.

    python timed_service.py PORT [MILLISECONDS [broken] [dies] [random]]

What is not said stands in the file `takes`. Each answer takes the milliseconds, and up to half of them more, most of it
waiting and some of it work: by the number of the request, so that two processes that are asked alike take alike. Random
ones take as long on the average, with a tail as real ones have. A broken one answers every request but the first
twenty with 500, one that dies ends in place of that.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

GOLDEN = 0.6180339887498949
"""Multiples of it, modulo 1, are spread as evenly as can be however many there are."""

SPREAD = 0.5
AT_LEAST = 0.8
"""The share of what a random answer takes that is no part of its exponential tail: its p95 is 1.4 times its mean."""

ROUNDS = 40
"""How much work goes with each millisecond: some tenths of one."""

BLOCK = bytes(1024)
PATIENT = 20
READY = "/ready"
DOCUMENT = json.dumps(
    {
        "openapi": "3.1.0",
        "info": {"title": "timed", "version": "1"},
        "paths": {
            "/": {"get": {"responses": {"200": {"description": "after a while"}}}},
            "/things": {"get": {"responses": {"200": {"description": "after a while"}}}},
        },
    }
)
CONFIG = """
[stack]
entry = "app:8000"
ready = "/ready"
[stack.local.services.app]
command = ["{python}", "app.py", "{{port}}"]
ready = "/ready"
[load.steady]
rate_per_s = 40
deadline_s = 2
duration_s = {{ quick = 2 }}
paths = ["/"]
objectives = {{ error_ratio = "<= 0" }}
[contract]
document = "/openapi.json"
[load.contract]
rate_per_s = 40
deadline_s = 2
duration_s = {{ quick = 2 }}
traffic = "contract"
"""


class Handler(BaseHTTPRequestHandler):
    """Answer after a while."""

    protocol_version = "HTTP/1.1"
    takes_s = 0.0
    broken = False
    dies = False
    random = False
    count = itertools.count()

    def do_GET(self) -> None:
        """Answer one request, to whoever waits for the service at once."""
        if self.path in {READY, "/openapi.json"}:
            self._answer(200, DOCUMENT if self.path != READY else "")
            return
        number = next(Handler.count)
        if self.dies and number >= PATIENT:
            os._exit(1)
        takes_s = self.takes_s * (tail() if self.random else 1 + SPREAD * (number * GOLDEN % 1))
        time.sleep(takes_s)
        for _ in range(round(takes_s * 1000 * ROUNDS)):
            hashlib.sha256(BLOCK)
        self._answer(500 if self.broken and number >= PATIENT else 200)

    def _answer(self, status: int, text: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Write nothing."""


def tail() -> float:
    """Return how many times the mean a random answer takes."""
    return AT_LEAST + random.expovariate(1 / (1 - AT_LEAST))


class Server(ThreadingHTTPServer):
    """Take as many connections at a time as come."""

    request_queue_size = 256
    daemon_threads = True


def serve(port: int, takes_ms: float, words: Sequence[str]) -> None:
    """Serve for ever."""
    Handler.takes_s, Handler.broken, Handler.random = takes_ms / 1000, "broken" in words, "random" in words
    Handler.dies = "dies" in words
    Server(("127.0.0.1", port), Handler).serve_forever()


def git(folder: Path, *words: str) -> str:
    """Run git in a folder as somebody, and return what it printed."""
    who = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org", "-c", "init.defaultBranch=main")
    done = subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def lay_repository(folder: Path, **versions: float) -> Path:
    """Lay out a project whose tags are versions of the service that take so many milliseconds each."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet")
    (folder / ".gitignore").write_text(".seatrial/\n__pycache__/\n")
    (folder / "seatrial.toml").write_text(CONFIG.format(python=sys.executable))
    for name, takes_ms in versions.items():
        write_version(folder, takes_ms)
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "--allow-empty", "--message", name)
        git(folder, "tag", name)
    return folder


def write_version(folder: Path, takes_ms: float) -> None:
    """Write the service's file as that of a version."""
    (folder / "takes").write_text(f"{takes_ms}\n")
    shutil.copyfile(__file__, folder / "app.py")


if __name__ == "__main__":
    words = sys.argv[2:] or Path("takes").read_text(encoding="utf-8").split()
    serve(int(sys.argv[1]), float(words[0]), words[1:])
