"""What Locust's web page is told of a load: its own statistics of what the books have, as its workers report them."""

from __future__ import annotations

from typing import Any

import locust.stats
from locust.event import Events
from locust.stats import RequestStats, setup_distributed_stats_event_listeners

from seatrial.swarm._inside._visit import Judged
from seatrial.swarm._plan import OK, RAISED


class Shown:
    """Count what was judged since the last report; the time of a request is its latency, from the due time."""

    def __init__(self) -> None:
        figures: Any = locust.stats
        figures.bucket_response_time = three_digits  # its own has whole milliseconds, of which fast services take none
        self._stats: Any = RequestStats(use_response_times_cache=False)
        events: Any = Events
        self._events: Any = events()
        setup_distributed_stats_event_listeners(self._events, self._stats)

    def take(self, judged: Judged) -> None:
        """Count a request; a task that raised after good ones is a failure without a time."""
        method, _, name = judged.operation.partition(" ")
        if judged.outcome != RAISED:
            self._stats.log_request(method, name, judged.latency_ms, judged.length)
        if judged.outcome != OK:
            self._stats.log_error(method, name, judged.cause or judged.outcome)

    def report(self) -> dict[str, Any]:
        """Return what came since the last report."""
        told: dict[str, Any] = {}
        self._events.report_to_master.fire(client_id="", data=told)
        return told


def three_digits(milliseconds: float) -> float:
    """Return a time with three digits, as which it is counted."""
    return float(f"{milliseconds:.3g}")
