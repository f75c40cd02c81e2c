"""The contract's matrix of two runs: its figures, and which answers and inputs newly came, or no longer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from seatrial.record import Record
from seatrial.reporting._matrix import matrix_of

Cells = dict[tuple[str, str], bool]
"""Operation and what is documented of it, and whether that was exercised."""


def contract_between(base: Record, candidate: Record) -> dict[str, Any] | None:
    """Return both figures, operations that one run alone documents, and what differs; None where none read one."""
    if not base.documented and not candidate.documented:
        return None
    before, now = (matrix_of(record) for record in (base, candidate))
    operations, operations_now = ({row["operation"]: row for row in each["operations"]} for each in (before, now))
    cells, cells_now = _cells(before), _cells(now)
    both = [cell for cell in cells_now if cell in cells]
    return {
        "figures": {name: {"base": _share(before, name), "candidate": _share(now, name)} for name in now["figures"]},
        "added": [each for each in operations_now if each not in operations],
        "removed": [each for each in operations if each not in operations_now],
        "newly": [_named(cell) for cell in both if cells_now[cell] and not cells[cell]],
        "no_longer": [_named(cell) for cell in both if cells[cell] and not cells_now[cell]],
    }


def _share(matrix: Mapping[str, Any], name: str) -> float | None:
    figure = matrix["figures"].get(name)
    return figure["percent"] if figure else None


def _cells(matrix: Mapping[str, Any]) -> Cells:
    return {(row["operation"], what): tried for row in matrix["operations"] for what, tried in _documented(row)}


def _documented(row: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    for answer in row["answers"]:
        yield f"{answer['status']} {answer['media']}".rstrip(), answer["exercised"]
    for each in row["inputs"]:
        yield f"{each['input']} accepted", bool(each["accepted"])
        yield f"{each['input']} refused", bool(each["refused"])


def _named(cell: tuple[str, str]) -> dict[str, str]:
    return {"operation": cell[0], "what": cell[1]}
