"""What a proof sends to see that the whole quota comes back, where no window of a client's own ends with it.

A bucket is full again after a window, and half full after half of one; a counter has forgotten everything after two.
How much of a counter's longer window counts by then goes by when it turns: so clients come a quarter of one later each.
Of windows that are shifted for each key one has to be met, whose client then knows when the next one ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from seatrial.throttle._author import Author
from seatrial.throttle._step import Step, Visit

BUCKET, COUNTER = ((0.0, 0.5), (0.0, 1.0)), tuple((number / 4, number / 4 + 2.0) for number in range(4))
"""When, in windows, a quota is used up, and when it is asked for again."""
MOST = 4
ASKS, EARLY = 40, 0.9
"""So often does a client ask in a window whose end it waits for; the next one is looked at shortly before its end."""


def returns(author: Author, after: str) -> Iterator[Step]:
    """Yield a step for each client that sees its quota come back."""
    if author.policy.renews:
        yield _met(author, after)
        return
    for number, (at, again) in enumerate(BUCKET if author.policy.bucket else COUNTER, 1):
        user = author.user()
        visits = (
            replace(author.ramp(user, "until refused"), at=at),
            Visit(client=user, what="the whole quota", requests=author.policy.ramp, at=again),
        )
        yield Step(name=f"again {number}", claims=("window-resets",), after=after, visits=visits, refusals=True)


def _met(author: Author, after: str) -> Step:
    user = author.user()
    visits = (
        author.ramp(user, "until refused"),
        Visit(client=user, what="until its window ends", requests=ASKS, over=1.0),
        Visit(client=user, what="once it has ended", requests=author.policy.ramp, at=1.0),
        Visit(client=user, what="just before the end", requests=1, at=1.0 + EARLY),
        Visit(client=user, what="after the end", requests=1, at=2.0),
    )
    return Step(name="two ends", claims=("window-resets",), after=after, visits=visits, refusals=True)
