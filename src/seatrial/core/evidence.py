"""What an instrument hands back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from seatrial.core.exchanges import Exchange
from seatrial.core.measurements import Measurement
from seatrial.core.outcomes import CheckResult
from seatrial.core.proofs import LimitProof

Progress = Callable[[str], None]
"""Called with one short line that says what an instrument is doing or waiting for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Outcomes, measurements and the exchanges that show them; `notes` say what was not verified and why.

    `proofs` tell of each rate limit how its claims were decided.
    """

    results: tuple[CheckResult, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    notes: tuple[str, ...] = ()
    proofs: tuple[LimitProof, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where an instrument sends its requests: a base URL without a trailing slash, on a host that is allowed."""

    url: str
    variant: str = "clean"
