"""Values of a path's parameters in the answers of a service: where a link points to, and in the rows of a list."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from seatrial.core.recipes import values_of

MOST = 20
"""How many values are taken from one answer."""

DEEPEST = 3
BODY = "$response.body#"
IDS = ("id", "uuid", "key")


def rows_in(data: Any, deeper: int = DEEPEST) -> list[Any]:
    """Return the rows of an answer that is a list, or has one in it: the first that is found, the nearest first."""
    if isinstance(data, list):
        return data
    inner = list(data.values()) if isinstance(data, dict) and deeper else []
    nearest = [value for value in inner if isinstance(value, list) and value]
    return nearest[0] if nearest else next(filter(None, (rows_in(value, deeper - 1) for value in inner)), [])


def values_in(data: Any, parameter: str) -> list[str]:
    """Return what the rows of an answer have for a parameter: under its own name, or as their id where it is one."""
    found = (_value_of(row, _plain(parameter)) for row in rows_in(data))
    return list(islice(dict.fromkeys(value for value in found if value not in {"", ".", ".."}), MOST))


def _value_of(row: Any, parameter: str) -> str:
    if not isinstance(row, dict):
        return _text(row)
    texts = {_plain(str(name)): _text(value) for name, value in row.items()}
    ids = [name for name in IDS if parameter.endswith(name)]
    return next((texts[name] for name in (parameter, *ids, *(IDS if ids else ())) if texts.get(name)), "")


def _plain(name: str) -> str:
    """Return a name as it is in any spelling: `itemId` and `item_id` are one."""
    return "".join(sign for sign in name.lower() if sign.isalnum())


def _text(value: Any) -> str:
    return str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""


def pointed_at(data: Any, expressions: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield parameters of a link with what an answer has for them (OpenAPI, runtime expressions)."""
    known = values_of(json.dumps(data))
    for parameter, expression in expressions.items():
        if not expression.startswith("$"):
            yield parameter, expression
        elif expression.startswith(BODY) and (value := known.get(expression.removeprefix(BODY))):
            yield parameter, value
