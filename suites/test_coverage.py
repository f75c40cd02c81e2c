"""What the run exercised inside the services."""

from __future__ import annotations

from seatrial.config import CoverageSettings
from seatrial.plugin import Instrument, check


@check(
    "coverage.collected",
    title="every service handed in its coverage",
    severity="medium",
)
def test_collected(instrument: Instrument, coverage: CoverageSettings) -> None:
    """Each measured service recorded what was executed: one without data is incomplete, not at 0 %."""
    del coverage
    assert instrument.confirms()


@check(
    "coverage.source-mapped",
    title="coverage maps onto the source",
    severity="medium",
    presupposes=("coverage.collected",),
)
def test_source_mapped(instrument: Instrument, coverage: CoverageSettings) -> None:
    """Each measured file is one of the project, and each component has files."""
    del coverage
    assert instrument.confirms()
