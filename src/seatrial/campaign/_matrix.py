"""The matrix of a whole run, told before anything is judged."""

from __future__ import annotations

from seatrial.openapi import figures, filled, never_came
from seatrial.record import LimitationNoted, MeasurementTaken, Record, Sink


def tell_matrix(record: Record, sink: Sink) -> None:
    """Write down how much of the contract was exercised, by whomever, and which answers never came."""
    rows = filled(record)
    for measurement in figures(rows):
        sink.emit(MeasurementTaken(measurement=measurement))
    for note in never_came(rows):
        sink.emit(LimitationNoted(note=note))
