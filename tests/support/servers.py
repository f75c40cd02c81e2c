"""Small servers for tests: in a thread beside the test, or as a process that prints its port first."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from seatrial.core import Target

POLL_S = 0.01
"""How often a server looks whether it is to end: the standard library's half a second would be added to each test."""


@contextmanager
def in_thread(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve on a free port until the test is done with it; yields the URL."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(POLL_S,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@contextmanager
def in_process(
    command: Sequence[str], environment: Mapping[str, str], *, stdin: int | None = None
) -> Iterator[tuple[Target, subprocess.Popen[str]]]:
    """Run a server whose first line of output is its port, with more variables, and kill it in the end."""
    with subprocess.Popen(
        command, stdin=stdin, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}
    ) as started:
        assert started.stdout
        try:
            yield Target(url=f"http://127.0.0.1:{int(started.stdout.readline())}"), started
        finally:
            started.kill()
