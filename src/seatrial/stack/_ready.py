"""Wait, by asking often, until something answers."""

from __future__ import annotations

import http.client
import socket
import subprocess
import time
from collections.abc import Callable, Container, Mapping, Sequence
from urllib.parse import urlsplit

POLL_S = 0.03
ANSWER_S = 5.0


def wait_until(probe: Callable[[], bool], *, timeout_s: float, stop: Callable[[], bool] = bool) -> bool:
    """Ask every 30 ms; return whether the answer was yes before `timeout_s` and before `stop` said so."""
    deadline = time.monotonic() + timeout_s
    while not stop():
        if probe():
            return True
        if time.monotonic() > deadline:
            break
        time.sleep(POLL_S)
    return False


OK, SERVED = range(200, 300), range(200, 500)
"""Statuses of what works, and of whatever is there and no error of the server's."""


def answers(url: str, among: Container[int] = OK) -> bool:
    """Return whether a GET is answered with 2xx, or another status among some; redirects are not followed."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=ANSWER_S)
    try:
        connection.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""))
        return connection.getresponse().status in among
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def is_refused(url: str) -> bool:
    """Return whether nobody takes connections there; of one that takes long, nothing is known."""
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname, parts.port), timeout=ANSWER_S).close()
    except OSError as error:
        return not isinstance(error, TimeoutError)
    return False


def succeeds(command: Sequence[str], *, environment: Mapping[str, str], directory: str) -> bool:
    """Return whether a command ends with 0 within 5 s."""
    try:
        done = subprocess.run(
            list(command), env=dict(environment), cwd=directory, capture_output=True, timeout=ANSWER_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
