"""What it costs to go one claim after the other: with one client, or where all share one bucket."""

from __future__ import annotations

from collections.abc import Sequence

from seatrial.throttle.infer._lab import FRESH_AFTER
from seatrial.throttle.infer._probes import BEYOND, LONGEST

MEASURED = 2
"""Windows by which their length is measured before anything else waits for one."""
SPREAD = 1.08
POLLS = 100
"""Questions until a quota is back, at most."""


def cost_alone(quota: int, shares: Sequence[float], *, rounds: int, extra: int) -> str:
    """Return how many rounds, windows and requests it takes, the first round and all of them, in words."""
    waited = sum(FRESH_AFTER + share + LONGEST for share in shares) + FRESH_AFTER + SPREAD
    asked = len(shares) * (2 * (quota + BEYOND) + POLLS) + 2 * quota
    first_windows = MEASURED + waited + extra * FRESH_AFTER
    first_asked = MEASURED * (quota + POLLS) + asked + extra * (quota + BEYOND)
    return (
        f"one round takes up to {first_windows:.1f} windows and {first_asked} requests more, all {rounds} that may be "
        f"needed {first_windows + (rounds - 1) * waited:.1f} windows and {first_asked + (rounds - 1) * asked} requests"
    )
