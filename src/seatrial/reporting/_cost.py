"""What counting lines costs the services, in a sentence: requests per second with instrumentation and without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seatrial.core import Measurement
from seatrial.record import Record

AREA = "instrumentation"


def cost_of(record: Record, interpreters: Sequence[Mapping[str, str]]) -> str:
    """Return what instrumentation costs, or why nobody knows; empty where neither is in the record."""
    with_, without, ratio = (record.measurements.get(f"{AREA}.{name}") for name in ("with", "without", "ratio"))
    if with_ and without and ratio:
        return f"{_measured(with_, without, ratio)} {_by(interpreters)}".rstrip()
    why = record.nothing.get(f"{AREA}.ratio")
    return f"What counting lines costs was not measured: {why}. {_by(interpreters)}".rstrip() if why else ""


def _measured(with_: Measurement, without: Measurement, ratio: Measurement) -> str:
    return (
        f"What counting lines costs: {with_.value:.0f} requests a second with it, {without.value:.0f} without; pair by "
        f"pair a ratio of {ratio.value:.2f} ({ratio.definition}; {ratio.samples} pairs). It decides nothing."
    )


def _by(interpreters: Sequence[Mapping[str, str]]) -> str:
    """Return what counted them."""
    each = "; ".join(f"{one['service']}: Python {one['python']}, {one['core']}" for one in interpreters)
    return f"Lines were counted by coverage.py ({each})." if each else ""
