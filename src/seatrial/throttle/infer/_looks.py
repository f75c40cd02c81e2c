"""What admitted and refused answers look like: by status, by the shape of the body, or by no answer at all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from seatrial.throttle._kinds import ALIKE, ERROR
from seatrial.throttle._wire import Answer

NO_ANSWER = 0
"""The status of a request whose connection ended without an answer."""
USUAL_REFUSAL = 429
ENOUGH = 3
"""So many answers of another shape with the usual status, and never the first shape again, are refusals."""
VARIES = re.compile(r"[0-9a-fA-F-]*\d[0-9a-fA-F.:-]*")


def shape(answer: Answer) -> tuple[int, str]:
    """Return the status, and the body without the numbers in it."""
    return answer.status, VARIES.sub("#", answer.body)


@dataclass(frozen=True, slots=True)
class Looks:
    """The shapes of one limiter's answers; `by_body` where the status does not tell."""

    usual: tuple[int, str]
    refusal: tuple[int, str]

    @property
    def by_body(self) -> bool:
        """Return whether refusals have the usual status."""
        return self.usual[0] == self.refusal[0]

    def refused(self, answer: Answer) -> bool:
        """Return whether the limiter refused a request."""
        return shape(answer) == self.refusal if self.by_body else answer.status == self.refusal[0]

    def admitted(self, answer: Answer) -> bool:
        """Return whether the same handler as at first answered."""
        return answer.status == self.usual[0] and not self.refused(answer)


def tell_looks(answers: Sequence[Answer]) -> Looks | None:
    """Return what refusals look like once a client's answers in a row show it, else nothing yet."""
    first, last = answers[0], answers[-1]
    if last.status == USUAL_REFUSAL and first.status != last.status:
        return Looks(shape(first), shape(last))
    if last.status != first.status and (last.status >= ERROR or last.status == NO_ANSWER):
        alike = len(answers) > ENOUGH and all(answer.status == last.status for answer in answers[-ALIKE:])
        return Looks(shape(first), shape(last)) if alike else None
    return _by_body(answers) if last.status == first.status else None


def _by_body(answers: Sequence[Answer]) -> Looks | None:
    shapes = [shape(answer) for answer in answers]
    changed = next((number for number, each in enumerate(shapes) if each != shapes[0]), len(shapes))
    rest = shapes[changed:]
    if len(rest) < ENOUGH or len(set(rest)) > 1:
        return None
    return Looks(shapes[0], rest[0])
