"""The contract's matrix as a table of heat: an operation a row, a documented status a column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from seatrial.reporting._addresses import address

WARM = (10, 100)
"""From so many requests on a cell is warmer."""

COLUMNS = 16
"""So many statuses have a column, those that most operations document; the others stand together in the last one."""

USUAL = frozenset({"", "application/json"})


def heatmap_of(matrix: Mapping[str, Any]) -> dict[str, Any]:
    """Return columns and rows of the table, from what matrix.json says."""
    statuses = Counter(status for row in matrix["operations"] for status in {a["status"] for a in row["answers"]})
    columns = sorted(status for status, _ in statuses.most_common(COLUMNS))
    return {"statuses": columns, "rows": [_row(row, columns) for row in matrix["operations"]]}


def _row(row: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    answers: dict[str, list[Mapping[str, Any]]] = {}
    for answer in row["answers"]:
        answers.setdefault(answer["status"], []).append(answer)
    untried = [f"{each['input']} {side}" for each in row["inputs"] for side in _sides_left(each)]
    apart = {status: sum(a["requests"] for a in found) for status, found in answers.items() if status not in columns}
    sides = 2 * len(row["inputs"])
    missing = any(not answer["exercised"] for answer in row["answers"])
    return {
        **row,
        "address": address("operation", row["operation"]),
        "cells": [_cell(answers[status]) if status in answers else None for status in columns],
        "others": [*apart.items(), *((f"undocumented {answer}", count) for answer, count in row["others"].items())],
        "sides": sides,
        "sides_tried": sides - len(untried),
        "untried": untried,
        "complete": not missing and not untried,
        "incomplete": missing or bool(untried),
    }


def _cell(answers: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return how often a status came, how warm that is (0 to 3), and of which media types it did not."""
    found = list(answers)
    requests = sum(answer["requests"] for answer in found)
    missing = [answer["media"] for answer in found if not answer["exercised"] and answer["media"] not in USUAL]
    heat = 1 + sum(requests >= warm for warm in WARM) if requests else 0
    return {"requests": requests, "heat": heat, "missing": missing}


def _sides_left(each: Mapping[str, Any]) -> list[str]:
    return [side for side, count in (("valid", each["accepted"]), ("invalid", each["refused"])) if not count]
