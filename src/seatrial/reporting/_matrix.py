"""matrix.json: what of the contract was exercised, as reports/schema/matrix-1.schema.json says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TextIO

from seatrial.openapi import Cell, Row, Sides, figures, filled
from seatrial.record import Record

SCHEMA = "urn:seatrial:matrix:1"


def write_matrix(record: Record, stream: TextIO) -> None:
    """Write the matrix of a run: every documented answer and input, and how often it came."""
    json.dump(matrix_of(record), stream, indent=2, ensure_ascii=False)
    stream.write("\n")


def matrix_of(record: Record) -> dict[str, Any]:
    """Return the matrix as JSON data."""
    rows, started = filled(record), record.origin
    return {
        "schema": SCHEMA,
        "run": started.run,
        "project": started.project,
        "stack": started.stack,
        "profile": started.profile,
        "fault": started.fault,
        "repeat": started.command,
        "suites": list(started.suites),
        "figures": {name: _figure(rows, name) for name in ("operations", "statuses", "client-statuses", "parameters")},
        "operations": [_operation(row) for row in rows],
    }


def _figure(rows: Sequence[Row], name: str) -> dict[str, Any] | None:
    found = next((figure for figure in figures(rows) if figure.name == f"contract.{name}"), None)
    if found is None:
        return None
    return {"percent": found.value, "documented": found.samples, "definition": found.definition}


def _operation(row: Row) -> dict[str, Any]:
    return {
        "operation": row.label,
        "requests": row.asked,
        "served": row.served,
        "out_of_reach": row.documented.beyond if row.out_of_reach else "",
        "answers": [_answer(row, cell) for cell in row.answers],
        "inputs": [_input(sides) for sides in row.inputs],
        "others": dict(row.others),
        "secured": row.documented.secured,
        "callers": [_called(*each) for each in sorted(row.callers.items())],
    }


def _called(asked: tuple[str, int], count: int) -> dict[str, Any]:
    caller, status = asked
    return {"caller": caller, "status": status, "requests": count}


def _answer(row: Row, cell: Cell) -> dict[str, Any]:
    return {
        "status": cell.status,
        "media": cell.media,
        "requests": cell.count,
        "exercised": bool(cell.count),
        "counts": cell.counts,
        "by_a_request_alone": cell.status not in row.documented.apart,
    }


def _input(sides: Sides) -> dict[str, Any]:
    return {"input": sides.name, "accepted": sides.valid, "refused": sides.invalid}
