"""How long answers took, and whether those beyond a quota took longer than others."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from seatrial.throttle._wire import Answer

LONGER = 2.0
"""So many times as long as others have those to take that wait for their quota."""


def took_s(answer: Answer) -> float:
    """Return how long an answer took."""
    return answer.received.s - answer.sent.s


def suspicious(quota: int, answers: Sequence[Answer]) -> bool:
    """Return whether those beyond a quota all took longer than usual."""
    usual_s = median(map(took_s, answers[:quota]))
    return min(map(took_s, answers[quota:])) > LONGER * usual_s
