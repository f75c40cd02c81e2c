"""What admitted and refused answers look like: by status, by the shape of the body, or by no answer at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seatrial.throttle._kinds import ALIKE, ERROR
from seatrial.throttle._shapes import ENOUGH, NO_ANSWER, changed, shape
from seatrial.throttle._wire import Answer

USUAL_REFUSAL = 429


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
    refusal = changed(answers)
    return Looks(shape(answers[0]), refusal) if refusal else None
