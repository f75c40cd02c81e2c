"""Operations by who asked: what was tried without credentials, with broken ones, and as whom, and what came back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from seatrial.core import BROKEN, NOBODY, USERS

NAMED = 8
"""So many declared users have a column, those who asked most; the others stand with those that were made."""

APART = frozenset({401, 403, 429})
"""Statuses that are told by themselves: who is refused, and why."""

SERVED = "2xx"


def access_of(matrix: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return columns and rows of the table, from what matrix.json says; None where it says of nobody who asked."""
    operations = matrix["operations"]
    asked = Counter[str]()
    for row in operations:
        asked.update({each["caller"]: each["requests"] for each in row["callers"]})
    if not asked.keys() - {""}:
        return None
    named = [name for name, _ in asked.most_common() if name not in {NOBODY, BROKEN, USERS, ""}][:NAMED]
    left = asked.keys() - {NOBODY, BROKEN, "", *named}
    columns = [NOBODY, BROKEN, *sorted(named), *([USERS] if left or not named else []), *([""] if asked[""] else [])]
    rows = [_row(row, columns) for row in operations]
    return {"columns": columns, "rows": rows, "untested": sum(map(_never_asked, rows))}


def _row(row: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    came: dict[str, Counter[str]] = {column: Counter() for column in (*columns, USERS)}
    for each in row["callers"]:
        column = each["caller"] if each["caller"] in columns else USERS
        came[column][_kind(each["status"])] += each["requests"]
    cells = [_cell(column, came[column], secured=row["secured"]) for column in columns]
    untested = any(not cell["answers"] for cell in cells[:2])
    return {**row, "cells": cells, "first": any(cell["served"] for cell in cells) or (row["secured"] and untested)}


def _cell(column: str, came: Mapping[str, int], *, secured: bool) -> dict[str, Any]:
    """Return how often which answer came, and whether somebody was served who should perhaps not have been."""
    served = secured and column in {NOBODY, BROKEN} and bool(came.get(SERVED))
    return {"answers": sorted(came.items()), "served": served, "sure": column == NOBODY, "noted": column != ""}


def _kind(status: int) -> str:
    return str(status) if status in APART else f"{status // 100}xx"


def _never_asked(row: Mapping[str, Any]) -> bool:
    """Return whether an operation wants credentials and was never asked without any."""
    return row["secured"] and not row["cells"][0]["answers"]
