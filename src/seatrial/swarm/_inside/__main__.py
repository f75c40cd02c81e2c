"""Read the plan, load the user class, run, report."""

from __future__ import annotations

import logging
import os
import sys

import gevent.socket
import locust as _patched  # noqa: F401 - before anything that loads ssl, which it must patch first
from gevent.event import Event

from seatrial.swarm._inside._channel import Channel
from seatrial.swarm._inside._load import BrokenLoadError, load_user
from seatrial.swarm._inside._swarm import run
from seatrial.swarm._plan import STOP, Plan

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


def main() -> int:
    """Return 0 after a complete report, 2 when the load file cannot be used."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    channel = Channel.take_stdout()
    plan = read_plan()
    go, stop = Event(), Event()
    gevent.spawn(listen, go, stop)
    try:
        user_class = load_user(plan)
    except BrokenLoadError as error:
        channel.send("broken", slug=error.slug, what=error.what, details=error.details)
        return 2
    run(plan, user_class, channel, go, stop)
    return 0


if __name__ == "__main__":
    sys.exit(main())
