"""As whom load is sent: enough identities that none reaches its quota, and who did."""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping, Sequence

from seatrial.config import LimitSettings, ScenarioSettings, effective
from seatrial.core import Identities, Identity
from seatrial.swarm._rows import Row

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


def passed_quota(rows: Sequence[Row], quotas: Sequence[Quota]) -> set[str]:
    """Return the identities that sent more than a quota within any window: a 429 is then what they deserve."""
    sent: dict[str, list[float]] = {}
    for row in rows:
        if row.is_http:
            sent.setdefault(row.identity, []).append(row.due_s)
    return {name for name, times in sent.items() for quota in quotas if _most(sorted(times), quota[1]) > quota[0]}


def _most(times: Sequence[float], window_s: float) -> int:
    """Return the largest number of the ascending times in any window."""
    return max(bisect.bisect_right(times, start + window_s) - index for index, start in enumerate(times))
