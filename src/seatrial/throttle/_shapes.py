"""What answers look like beside their status: the shape of a body, or no answer at all."""

from __future__ import annotations

import re
from collections.abc import Sequence

from seatrial.throttle._wire import Answer

NO_ANSWER = 0
"""The status of a request whose connection ended without an answer."""

ENOUGH = 3
"""So many answers of another shape with the usual status, and never the first shape again, are refusals."""
VARIES = re.compile(r"[0-9a-fA-F-]*\d[0-9a-fA-F.:-]*")


def answered(answer: Answer) -> bool:
    """Return whether an answer came at all."""
    return answer.status != NO_ANSWER


def shape(answer: Answer) -> tuple[int, str]:
    """Return the status, and the body without the numbers in it."""
    return answer.status, VARIES.sub("#", answer.body)


def changed(answers: Sequence[Answer]) -> tuple[int, str] | None:
    """Return the shape to which answers in a row changed, once and for good; None where they did not."""
    shapes = [shape(answer) for answer in answers]
    turned = next((number for number, each in enumerate(shapes) if each != shapes[0]), len(shapes))
    rest = shapes[turned:]
    return rest[0] if len(rest) >= ENOUGH and len(set(rest)) == 1 else None
