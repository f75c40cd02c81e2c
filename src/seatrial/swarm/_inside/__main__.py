"""Read the plan, load the user class, run, report."""

from __future__ import annotations

import logging
import sys

import gevent
import locust as _patched  # noqa: F401 - before anything that loads ssl, which it must patch first
from gevent.event import Event

from seatrial.swarm._inside._channel import Channel
from seatrial.swarm._inside._harness import listen, read_plan
from seatrial.swarm._inside._load import BrokenLoadError, load_user
from seatrial.swarm._inside._swarm import run


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
