"""Whose an answer is: the limited handler's, or that of a page for whatever is not found, a file, a list of methods.

A request that is written otherwise may be routed elsewhere, and what is admitted there is no way round this limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from seatrial.core import Tried
from seatrial.throttle._kinds import Kinds
from seatrial.throttle._shapes import shape
from seatrial.throttle._variants import Variant
from seatrial.throttle._wire import Answer

Whose = Literal["same", "another", "unknown"]

ROUTED = frozenset({"path-spelling", "method", "exemption-narrow"})
"""Claims whose variants may be routed elsewhere: the others ask for the same path by the same method."""

STEADY = 2
"""So many answers show whether bodies vary."""


@dataclass(frozen=True, slots=True)
class Handler:
    """The limited handler, as a client knows it: by what it `served` before it refused anything."""

    kinds: Kinds
    served: Sequence[Answer]

    def whose(self, variant: Variant, answer: Answer) -> Whose:
        """Return who admitted a request that was written otherwise."""
        if not self.kinds.admitted(answer) or not alike(self.served[0], answer):
            return "another"
        if variant.claim not in ROUTED:
            return "same"
        return self._by_length(answer) if answer.method == "HEAD" else self._by_body(answer)

    def came(self, variant: Variant, answer: Answer | None) -> Tried:
        """Return what came of a request that was written otherwise, before it is confirmed."""
        if answer is None:
            return "no answer"
        if not self.kinds.admitted(answer):
            return "refused" if self.kinds.rejected(answer) else "not served"
        return "another handler" if self.whose(variant, answer) == "another" else "unconfirmed"

    def _by_body(self, answer: Answer) -> Whose:
        """Tell by the bodies, without their numbers: where they vary, one that is new may be anybody's."""
        known = {shape(one) for one in self.served}
        if shape(answer) in known:
            return "same"
        return "another" if len(known) == 1 and len(self.served) >= STEADY else "unknown"

    def _by_length(self, answer: Answer) -> Whose:
        """Tell by the length of what GET would have brought (RFC 9110, 9.3.2)."""
        empty = answer.values("Content-Length") == ["0"]
        return "another" if empty and any(one.body for one in self.served) else "same"


def alike(one: Answer, other: Answer) -> bool:
    """Return whether two answers have the same status and media type, as those of one handler have."""
    return one.status == other.status and media_type(one) == media_type(other)


def media_type(answer: Answer) -> str:
    """Return the media type of a body, without its parameters."""
    return next(iter(answer.values("Content-Type")), "").partition(";")[0].strip().lower()
