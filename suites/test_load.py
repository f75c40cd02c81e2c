"""What holds under load."""

from __future__ import annotations

from seatrial.plugin import Instrument, check


@check(
    "load.{scenario}-generator-honest",
    title="the load was really sent",
    severity="medium",
)
def test_generator_honest(instrument: Instrument, scenario: str) -> None:
    """The requests that were due were sent on time: otherwise the figures describe the generator."""
    assert instrument.confirms(), scenario


@check(
    "load.{scenario}-objectives",
    title="the objectives hold under load",
    severity="high",
    presupposes=("load.{scenario}-generator-honest",),
)
def test_objectives(instrument: Instrument, scenario: str) -> None:
    """Latency (from the intended start), errors and rate keep to the declared objectives, also of single operations."""
    assert instrument.confirms(), scenario


@check(
    "load.{scenario}-never-limited",
    title="users below their quota are not limited",
    severity="medium",
)
def test_never_limited(instrument: Instrument, scenario: str) -> None:
    """No user who keeps to the quota is answered with the rejection status under load."""
    assert instrument.confirms(), scenario


@check(
    "load.{scenario}-resources",
    title="the service uses no more than it may",
    severity="medium",
    presupposes=("load.{scenario}-generator-honest",),
)
def test_resources(instrument: Instrument, scenario: str) -> None:
    """What the service uses under load keeps to its objectives: time, statements, growth of memory and queue."""
    assert instrument.confirms(), scenario
