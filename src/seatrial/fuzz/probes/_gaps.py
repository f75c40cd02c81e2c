"""What could not be looked at, as one reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from seatrial.core import Outcome
from seatrial.fuzz._looked import Gap
from seatrial.fuzz.probes._ask import Unclear
from seatrial.fuzz.probes._found import Seen
from seatrial.fuzz.probes._ground import Ground


def look_at_each(
    ground: Ground, looks: Iterable[tuple[str, Callable[[], Iterable[Seen]]]]
) -> tuple[list[Seen], list[str]]:
    """Take each look, and return what was seen, and of the others, by their labels, why nothing can be said."""
    wanted = [(label, look) for label, look in looks if ground.about in {"", label}]
    seen, unclear = list[Seen](), list[str]()
    if ground.about and not wanted:
        unclear.append(f"{ground.about} (it is none of those that this is about any more)")
    for label, look in wanted:
        try:
            seen += look()
        except Unclear as why:
            unclear.append(f"{label} ({why})")
    return seen, unclear


def left_out(unclear: Sequence[str], nothing: str = "") -> Gap | None:
    """Return why a promise was not looked at everywhere; `nothing` says why there is nothing to look at."""
    if unclear:
        return Gap(Outcome.NOT_TESTED, f"not looked at: {', '.join(unclear)}")
    return Gap(Outcome.NOT_APPLICABLE, nothing) if nothing else None
