"""What a load process hears of the harness: a plan, then when to begin, then nothing until either of them ends."""

from __future__ import annotations

import os

import gevent.socket
from gevent.event import Event

from seatrial.swarm._plan import Plan

STDIN = 0
CHUNK = 1 << 16


def read_plan() -> Plan:
    """Return the plan from the first line of standard input, which stays open."""
    line = b""
    while not line.endswith(b"\n"):
        chunk = os.read(STDIN, CHUNK)
        if not chunk:
            raise EOFError("the harness ended before it had sent the plan")
        line += chunk
    return Plan.decode(line)


def listen(go: Event) -> None:
    """Let the load begin when the harness says so; end this process as soon as nobody is there to say anything."""
    while True:
        gevent.socket.wait_read(STDIN)
        if not os.read(STDIN, CHUNK):
            os._exit(1)
        go.set()
