"""Which answers were admitted and which the limiter refused: by status, by a body of another shape, by no answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seatrial.throttle._shapes import NO_ANSWER, changed, shape
from seatrial.throttle._wire import Answer

REDIRECT, ERROR = 300, 400
UNAUTHENTICATED = frozenset({401, 403})
ALIKE = 2
"""So many equal answers at the end of a ramp are what this limiter's rejections look like."""


class UndecidedError(Exception):
    """The answers prove neither that a claim holds nor that it does not; `wait_s` may help before trying again."""

    def __init__(self, reason: str, *, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class UnrefusedError(UndecidedError):
    """A client asked for more than its quota, was never refused, and was answered too slowly to tell more."""


@dataclass(frozen=True, slots=True)
class Kinds:
    """What admitted and rejected answers look like here.

    A limiter that rejects with the wrong status still has its quota counted: only its status is wrong. `refusal` is
    what its refusals look like where they have the usual status.
    """

    usual: int
    rejections: frozenset[int]
    refusal: tuple[int, str] | None = None

    def rejected(self, answer: Answer) -> bool:
        """Return whether the limiter refused a request."""
        return answer.status in self.rejections or (self.refusal is not None and shape(answer) == self.refusal)

    def admitted(self, answer: Answer) -> bool:
        """Return whether the limiter let a request through."""
        served = answer.status == self.usual or (self.usual < ERROR and NO_ANSWER < answer.status < REDIRECT)
        return served and not self.rejected(answer)

    def count(self, answers: Sequence[Answer]) -> int:
        """Return how many were admitted; raises UndecidedError when an answer is neither admitted nor rejected."""
        for answer in answers:
            if not self.admitted(answer) and not self.rejected(answer):
                raise UndecidedError(f"{answer.method} {answer.path} {said(answer)} in between")
        return sum(self.admitted(answer) for answer in answers)


def tell_kinds(answers: Sequence[Answer], *, declared: int, anonymous: bool, window_s: float) -> Kinds:
    """Return the kinds by a ramp's first and last answers; raises UndecidedError for a client that gets no service."""
    usual = answers[0].status
    what = f"{answers[0].method} {answers[0].path} {said(answers[0])}"
    if usual == NO_ANSWER:
        raise UndecidedError(f"{what} to a client that sent nothing before")
    if usual == declared:
        raise UndecidedError(f"{what} to a client that sent nothing before", wait_s=window_s)
    if usual >= REDIRECT and not (anonymous and usual in UNAUTHENTICATED):
        raise UndecidedError(f"{what}: name a path in [[limits]] that serves its clients")
    refusal = changed(answers) if usual == answers[-1].status else None
    shown = {answers[-1].status} if ends_rejected(answers, declared) and refusal is None else set()
    return Kinds(usual, frozenset({declared} | shown), refusal)


def said(answer: Answer) -> str:
    """Return what came back, for a sentence."""
    return "ends the connection without an answer" if answer.status == NO_ANSWER else f"answers {answer.status}"


def ends_rejected(answers: Sequence[Answer], declared: int) -> bool:
    """Return whether the last answers show what a rejection is: the declared status, or alike and unlike the first."""
    first, last = answers[0].status, answers[-1].status
    if last == declared:
        return True
    if last == first:
        return changed(answers) is not None
    return (last >= ERROR or last == NO_ANSWER) and all(a.status == last for a in answers[-ALIKE:])
