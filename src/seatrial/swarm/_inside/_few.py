"""Send the arrivals of several plans, one plan after the other, and tell nothing: only what they reach is asked for."""

from __future__ import annotations

import logging
import sys
from typing import Any

import locust
from gevent.event import Event

from seatrial.swarm._inside._channel import Channel
from seatrial.swarm._inside._load import BrokenLoadError, load_user
from seatrial.swarm._inside._swarm import run
from seatrial.swarm._plan import Plan

logger = logging.getLogger(__name__)


class Silent:
    """Nobody listens."""

    def send(self, kind: str, **fields: Any) -> None:
        """Say nothing."""


def main() -> int:
    """Read plans until the end of standard input, then send them; one that cannot be used is left to its own load."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    Channel.take_stdout()  # what load files print is not for the harness
    for plan in [Plan.decode(line) for line in sys.stdin.buffer]:
        try:
            send(plan)
        except BrokenLoadError as error:
            logger.warning("%s: %s", plan.name, error.what)
    return 0


def send(plan: Plan) -> None:
    """Send one plan's arrivals; raises BrokenLoadError for a load file that cannot be used."""
    go = Event()
    go.set()
    events: Any = locust.events
    before = list(events.request._handlers)  # noqa: SLF001 - nothing public takes a listener of ours away
    run(plan, load_user(plan), Silent(), go, Event())
    events.request._handlers[:] = before  # noqa: SLF001 - as above


if __name__ == "__main__":
    sys.exit(main())
