"""How a limiter that nobody declared is given way to: its refusals are waited out, as far as there is time.

Where limits are declared nobody comes near them, and a refusal is an answer like any other.
"""

from __future__ import annotations

import datetime as dt
import email.utils
from collections.abc import Mapping
from typing import Any

FIRST_S = 1.0
"""The first wait where a refusal does not say how long; each further one takes twice as long."""

TRIES = 8
SHARE = 0.5
"""How much of the budget may be waited for one request."""


class Patience:
    """Decide how long to wait before a refused request is sent again, within a budget that ends at a moment.

    An operation that is refused after all is not waited for again.
    """

    def __init__(self, budget_s: float, until_s: float) -> None:
        self._longest_s = SHARE * budget_s
        self._until_s = until_s
        self._hopeless: set[str] = set()

    def wait_s(self, operation: str, waits: list[float], headers: Mapping[str, str], now: float) -> float | None:
        """Return how long to wait after these waits for the same request; None where it is not worth it."""
        told = told_s(headers, dt.datetime.now(dt.UTC))
        wait_s = FIRST_S * 2 ** len(waits) if told is None else told
        spare = min(self._longest_s - sum(waits), self._until_s - now)
        if operation in self._hopeless or len(waits) == TRIES or wait_s > spare:
            self._hopeless.add(operation)
            return None
        return wait_s


def told_s(headers: Mapping[str, Any], now: dt.datetime) -> float | None:
    """Return how long Retry-After says (RFC 9110, 10.2.3: seconds or a date); None where it says nothing."""
    text = str(headers.get("Retry-After", "")).strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        until = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=dt.UTC)
    return max(0.0, (until - now).total_seconds())
