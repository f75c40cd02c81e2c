"""How many count: what shows several instances, and what only looks like it."""

from __future__ import annotations

import pytest
from promises import PROMISES

from seatrial.config import LimitSettings
from seatrial.throttle import Answer, Instant, Policy
from seatrial.throttle._kinds import Kinds
from seatrial.throttle._policy import ANEW
from seatrial.throttle._replicas import judge_replicas

KINDS = Kinds(200, frozenset({429}))


def policy(algorithm: str = "fixed-window", **changed: str) -> Policy:
    """Return a limit of 4 requests in 10 seconds."""
    settings = {**PROMISES, "quota": 4, "window_s": 10, "algorithm": algorithm, "path": "/a", **changed}
    return Policy.declared(LimitSettings.model_validate(settings), {})


def asked(*lefts: int | None, began_s: float = 1000.0, every_s: float = 0.01) -> list[Answer]:
    """Return what one client was answered: how much remains, or a refusal."""
    moments = [began_s + number * every_s for number in range(len(lefts))]
    return [answer(Instant(at_s, at_s), left) for at_s, left in zip(moments, lefts, strict=True)]


def answer(at: Instant, left: int | None) -> Answer:
    """Return one answer."""
    return Answer(
        method="GET",
        path="/a",
        status=429 if left is None else 200,
        sent=at,
        received=at,
        client="u",
        headers=(("X-RateLimit-Remaining", str(left or 0)),),
    )


FULL = (3, 2, 1, 0, None, None, None)
REFUSED = asked(*[None] * ANEW, began_s=1001.0)


@pytest.mark.parametrize(
    ("algorithm", "ramp", "anew", "found"),
    [
        ("fixed-window", asked(*FULL), REFUSED, False),
        ("fixed-window", asked(*FULL), asked(None, 3, None, 3, began_s=1001.0), True),
        ("fixed-window", asked(1, 0, None, None), asked(None, 1, began_s=1001.0), True),  # a part of the quota each
        ("fixed-window", asked(3, 3, 3, 2, 2, 2, 1, 1, 1, 0, 0, 0), [], True),
        ("fixed-window", asked(3, 2, 3, 2, 1, 1, 0, 0, 3), [], True),
        ("fixed-window", asked(3, 2, 1, 0, 0, 0, 0, 0, None), REFUSED, False),  # too many, of one instance
        ("fixed-window", asked(*[3] * 11), [], False),  # a header that never moves tells nothing
        ("token-bucket", asked(*FULL), REFUSED, False),
        ("token-bucket", asked(*FULL), asked(0, None, 0, None, began_s=1000.1, every_s=2.5), False),  # what came back
        ("token-bucket", asked(*FULL), asked(3, 2, 1, 0, began_s=1000.1), True),
        ("token-bucket", asked(*FULL), asked(0, None, 0, None, 0, None, began_s=1000.1), False),  # it refills too fast
        (
            "token-bucket",
            asked(3, 2, 1, 0, 0, None),
            asked(0, None, began_s=1000.1, every_s=2.5),
            False,
        ),  # one too many
        ("sliding-log", asked(*FULL), REFUSED, False),
        ("sliding-log", asked(*FULL), asked(None, 0, began_s=1001.0), True),  # nothing comes back to a log meanwhile
        ("sliding-counter", asked(*FULL), asked(0, None, 0, None, began_s=1000.1, every_s=2.5), False),
        ("sliding-counter", asked(*FULL), asked(3, 2, 1, 0, began_s=1000.1), True),
        ("any", asked(*FULL), asked(3, 2, 1, 0, began_s=1001.0), False),  # its window may have ended
        ("any", asked(*FULL), asked(3, 2, 1, 0, 3, began_s=1001.0), True),
    ],
)
def test_instances_are_told_from_what_looks_like_them(
    algorithm: str,
    ramp: list[Answer],
    anew: list[Answer],
    found: bool,
) -> None:
    """More than one client may have is admitted, and after a refusal, or without that less remains."""
    defects = judge_replicas(policy(algorithm), ramp, anew, KINDS)
    assert [defect.cause for defect in defects] == ["replicas"] * found
    assert all("several instances count apart" in defect.title for defect in defects)


YES = 0
"""What is said to remain where nobody reads it."""


@pytest.mark.parametrize("algorithm", ["token-bucket", "sliding-counter"])
@pytest.mark.parametrize(
    ("ramp", "anew", "found"),
    [
        (asked(*FULL), REFUSED, False),
        (asked(*FULL), asked(None, YES, YES, YES, YES, None, began_s=1000.1), True),  # a quota in a row
        (asked(*FULL), asked(None, YES, None, YES, None, YES, None, began_s=1000.1), False),  # it comes back too fast
        (asked(*FULL), asked(None, YES, YES, None, began_s=1000.1, every_s=2.0), False),  # what came back
        (
            asked(*[YES] * 9, None),
            asked(YES, YES, YES, None, began_s=1000.2),
            False,
        ),  # more than the quota from the start
    ],
)
def test_instances_are_told_by_as_much_in_a_row_where_headers_tell_nothing(
    algorithm: str, ramp: list[Answer], anew: list[Answer], found: bool
) -> None:
    """What comes back so fast would not have been refused a moment before."""
    defects = judge_replicas(policy(algorithm, headers="none"), ramp, anew, KINDS)
    assert [defect.cause for defect in defects] == ["replicas"] * found
