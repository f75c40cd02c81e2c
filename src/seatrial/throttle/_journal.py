"""What a reviewer wants to see of a proof: which answers show a claim, what was tried, what headers said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from seatrial.core import Bypass, Lane, Sent, Told
from seatrial.throttle._handler import Handler
from seatrial.throttle._kinds import Kinds
from seatrial.throttle._variants import Variant
from seatrial.throttle._wire import Answer

SHOWN = 4
"""So many answers show a claim at the most: the rest is in the timeline."""
DIGITS = 6


@dataclass(slots=True)
class Journal:
    """Written while a proof goes on; `kinds` are what refusals looked like to its clients."""

    kinds: list[Kinds] = field(default_factory=list)
    headers: tuple[Told, ...] = ()
    transcripts: dict[str, list[Answer]] = field(default_factory=dict)
    bypasses: dict[tuple[str, str], Bypass] = field(default_factory=dict)

    def show(self, claim: str, *answers: Answer) -> None:
        """Keep answers that show a claim to hold; the first ones are enough."""
        known = self.transcripts.setdefault(claim, [])
        known.extend(answer for answer in answers[: SHOWN - len(known)] if answer not in known)

    def bracket(self, refused: Answer, tried: Sequence[tuple[Variant, Answer | None]], handler: Handler) -> None:
        """Note what came of variants that were tried between two refusals of their client; `refused` is the first."""
        for variant, answer in tried:
            came = handler.came(variant, answer)
            operation, status = (f"{answer.method} {answer.path}", answer.status) if answer else ("", 0)
            self._note(variant, came=came, operation=operation, status=status)
            if answer and came != "unconfirmed":
                self.show(variant.claim, refused, answer)

    def confirm(self, variant: Variant, *, admitted: int, asked: int, bypass: bool) -> None:
        """Note what a fresh client was admitted that wrote every request so."""
        self._note(variant, came="bypass" if bypass else "limited apart", admitted=admitted, asked=asked)

    def doubt(self, variant: Variant, *, admitted: int, asked: int) -> None:
        """Note that a fresh client was admitted beyond its quota, and nobody knows by whom."""
        self._note(variant, came="unknown handler", admitted=admitted, asked=asked)

    def liken(self, variant: Variant) -> None:
        """Note that a variant is another way of a bypass that is confirmed."""
        self._note(variant, came="as another")

    def _note(self, variant: Variant, **seen: Any) -> None:
        key = variant.claim, variant.what
        self.bypasses[key] = replace(self.bypasses.get(key, untried(variant)), **seen)

    def matrix(self, variants: Iterable[Variant]) -> tuple[Bypass, ...]:
        """Return what came of every variant, also of those that were not tried."""
        return tuple(self.bypasses.get((variant.claim, variant.what), untried(variant)) for variant in variants)

    def lanes(self, answers: Iterable[Answer]) -> tuple[Lane, ...]:
        """Return what was sent, by client, in the order in which they came."""
        found: dict[str, list[Sent]] = {}
        for answer in sorted(answers, key=lambda answer: answer.sent.s):
            found.setdefault(answer.client, []).append(self._sent(answer))
        return tuple(Lane(client=client, sent=tuple(sent)) for client, sent in found.items())

    def _sent(self, answer: Answer) -> Sent:
        return Sent(
            operation=f"{answer.method} {answer.path}",
            status=answer.status,
            refused=any(kinds.rejected(answer) for kinds in self.kinds),
            sent_s=round(answer.sent.s, DIGITS),
            received_s=round(answer.received.s, DIGITS),
        )


def untried(variant: Variant) -> Bypass:
    """Return a variant before it is tried."""
    return Bypass(check=f"ratelimit.{variant.claim}", cause=variant.cause, what=variant.what, who=variant.who)
