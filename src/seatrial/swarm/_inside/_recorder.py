"""What a run measured, in counts: a histogram of latency and one of service time for each way a request can end."""

from __future__ import annotations

from typing import Any

from seatrial.swarm._histogram import Histogram
from seatrial.swarm._inside._visit import Judged

Kind = tuple[str, int, str]
"""Operation, status and outcome: as many as there are, whatever the number of requests."""


class Recorder:
    """Count each request where it is judged; nothing of it is kept."""

    def __init__(self) -> None:
        self._kinds: dict[Kind, tuple[Histogram, Histogram]] = {}

    def record(self, judged: Judged) -> None:
        """Count the times of a request."""
        kind = (judged.operation, judged.status, judged.outcome)
        pair = self._kinds.get(kind)
        if pair is None:
            pair = self._kinds[kind] = (Histogram(), Histogram())
        pair[0].record(judged.latency_ms)
        pair[1].record(judged.service_ms)

    def told(self) -> list[dict[str, Any]]:
        """Return what the harness is told: one entry a kind."""
        return [
            {
                "operation": operation,
                "status": status,
                "outcome": outcome,
                "count": latency.total,
                "latency_us": latency.encode(),
                "service_us": service.encode(),
            }
            for (operation, status, outcome), (latency, service) in sorted(self._kinds.items())
        ]
