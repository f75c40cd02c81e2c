"""As whom load is sent: enough identities that none reaches its quota, and who did."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Collection, Mapping, Sequence

from seatrial.config import LimitSettings, ScenarioSettings, effective
from seatrial.core import Identities, Identity
from seatrial.swarm._rows import Visit

REQUESTS_PER_ARRIVAL = 2
"""What a task may send on average before an identity can reach its quota."""

Quota = tuple[float, float]


def quotas_of(limits: Sequence[LimitSettings], environment: Mapping[str, str]) -> tuple[Quota, ...]:
    """Return (requests, window in seconds) of each limit of the service, as the profile's knobs set them."""
    return tuple(
        (
            effective(environment, limit.quota_variable, limit.quota),
            effective(environment, limit.window_variable, limit.window_s),
        )
        for limit in limits
        if limit.reach == "service"
    )


def count_needed(
    scenario: ScenarioSettings, *, duration_s: float, quotas: Sequence[Quota], highest_per_s: float | None = None
) -> int:
    """Return how many identities to rotate so that none passes a quota; 0 when the scenario is anonymous.

    `highest_per_s` is how high its rate rises, where it is not `rate_per_s` all the time.
    """
    if not scenario.identities:
        return 0
    rate_per_s = highest_per_s or scenario.rate_per_s
    needed = [_needed(rate_per_s, min(window_s, duration_s), quota) for quota, window_s in quotas]
    return max(scenario.identities, *needed) if needed else scenario.identities


def _needed(rate_per_s: float, span_s: float, quota: float) -> int:
    """Return n so that ceil(arrivals / n) + 1 arrivals of one identity stay within the quota."""
    share = max(int(quota / REQUESTS_PER_ARRIVAL) - 1, 1)
    return math.ceil(rate_per_s * span_s / share)


def lease(identities: Identities, count: int) -> list[Identity]:
    """Return identities of different organisations, so that a quota per organisation is not shared either."""
    return [identity for _ in range(count) for identity in identities.lease(1)]


class Refusals:
    """Who was refused as one too many, and who sent more than a quota within any window: that is what they deserve.

    Arrivals come in the order of their due times; what is kept of them is what was due within the last window.
    """

    def __init__(self, quotas: Sequence[Quota], *, rejection: int) -> None:
        self._quotas, self._rejection = quotas, rejection
        self._recent: dict[tuple[str, Quota], deque[float]] = {}
        self.over: set[str] = set()
        self.refused: Counter[tuple[str, str]] = Counter()

    def take(self, visit: Visit) -> None:
        """Take in an arrival."""
        for row in visit:
            if row.status == self._rejection:
                self.refused[row.identity, row.operation] += 1
            if row.identity not in self.over and self._quotas and row.kind.is_http:
                self._send(row.identity, row.due_s)

    def _send(self, identity: str, due_s: float) -> None:
        for quota in self._quotas:
            recent = self._recent.setdefault((identity, quota), deque())
            recent.append(due_s)
            while recent[0] + quota[1] < due_s:
                recent.popleft()
            if len(recent) > quota[0]:
                self.over.add(identity)
        if identity in self.over:
            for quota in self._quotas:
                self._recent.pop((identity, quota), None)

    def within(self, over: Collection[str]) -> Counter[tuple[str, str]]:
        """Return how often each identity but those was refused, by operation."""
        return Counter({who: count for who, count in self.refused.items() if who[0] not in over})
