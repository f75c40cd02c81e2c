"""What a load process hears of the harness: a plan, then when to begin, then nothing until either of them ends."""

from __future__ import annotations

import os

import gevent.socket
from gevent.event import Event

from seatrial.swarm._plan import STOP, Plan

STDIN = 0
CHUNK = 1 << 16


def read_plan() -> Plan:
    """Return the plan from the first line of standard input, which stays open."""
    line = bytearray()
    while not line.endswith(b"\n"):
        chunk = os.read(STDIN, CHUNK)
        if not chunk:
            raise EOFError("the harness ended before it had sent the plan")
        line += chunk
    return Plan.decode(bytes(line))


def listen(go: Event, stop: Event) -> None:
    """Let the load begin, and end before its time, when the harness says so; without a harness this process ends."""
    while True:
        gevent.socket.wait_read(STDIN)
        heard = os.read(STDIN, CHUNK)
        if not heard:
            os._exit(1)
        go.set()
        if STOP in heard:
            stop.set()
