"""All that differs between two runs, as reports/schema/run-compare-1.schema.json says."""

from __future__ import annotations

from typing import Any

from seatrial.record import Record
from seatrial.reporting.compare._conditions import NOT_PAIRED, conditions_between, notes_of, side_of
from seatrial.reporting.compare._contract import contract_between
from seatrial.reporting.compare._coverage import coverage_between
from seatrial.reporting.compare._findings import findings_between
from seatrial.reporting.compare._judged import checks_between, gates_between
from seatrial.reporting.compare._load import load_between

SCHEMA = "urn:seatrial:run-compare:1"


def differences_of(base: Record, candidate: Record) -> dict[str, Any]:
    """Return what differs between two runs as JSON data; figures of load are read from the runs' directories."""
    sides = {"base": side_of(base), "candidate": side_of(candidate)}
    load = load_between(base.directory, candidate.directory)
    return {
        "schema": SCHEMA,
        **sides,
        "conditions": conditions_between(**sides),
        "notes": [*notes_of(**sides), *([NOT_PAIRED] if load else [])],
        "findings": findings_between(base, candidate),
        "checks": checks_between(base, candidate),
        "gates": gates_between(base, candidate),
        "coverage": coverage_between(base, candidate),
        "contract": contract_between(base, candidate),
        "load": load,
    }
