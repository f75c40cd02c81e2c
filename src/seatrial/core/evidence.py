"""What an instrument hands back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from seatrial.core.exchanges import Exchange
from seatrial.core.matrix import Documented, Tally
from seatrial.core.measurements import Measurement
from seatrial.core.outcomes import CheckResult
from seatrial.core.proofs import LimitProof

Progress = Callable[[str], None]
"""Called with one short line that says what an instrument is doing or waiting for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Outcomes, measurements and the exchanges that show them; `notes` say what was not verified and why.

    `proofs` tell of each rate limit how its claims were decided. `documented` is what the contract promises; `tallies`
    count every answer, those of `exchanges` among them; `unfinished` says why less of it was asked for than was meant.
    `nothing` says of a metric why there was nothing to measure, where that is no fault.
    """

    results: tuple[CheckResult, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    notes: tuple[str, ...] = ()
    proofs: tuple[LimitProof, ...] = ()
    documented: tuple[Documented, ...] = ()
    tallies: tuple[Tally, ...] = ()
    unfinished: str = ""
    nothing: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where an instrument sends its requests: a base URL without a trailing slash, on a host that is allowed.

    `by_address` is the same service for clients with an address of their own (empty: it sees them at `url` too).
    """

    url: str
    variant: str = "clean"
    by_address: str = ""

    def seen_from(self, address: str) -> str:
        """Return the base URL at which the service sees a client at an address as such (empty: anybody)."""
        return self.by_address if address and self.by_address else self.url
