"""What could not be looked at, as one reason."""

from __future__ import annotations

from collections.abc import Sequence

from seatrial.core import Outcome
from seatrial.fuzz._looked import Gap


def left_out(unclear: Sequence[str], nothing: str = "") -> Gap | None:
    """Return why a promise was not looked at everywhere; `nothing` says why there is nothing to look at."""
    if unclear:
        return Gap(Outcome.NOT_TESTED, f"not looked at: {', '.join(unclear)}")
    return Gap(Outcome.NOT_APPLICABLE, nothing) if nothing else None
