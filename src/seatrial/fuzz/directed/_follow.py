"""From an answer to what it links to, as one and the same person: what was made or handed out is there for him."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

from seatrial.fuzz.directed._aim import Aim
from seatrial.fuzz.directed._requests import Asked
from seatrial.openapi import Lead, Operation, leads_of, look_up, steps_of

SUCCESS = range(200, 300)
BODY = "$response.body"
"""Expressions of links that are understood: those that point into an answer's body."""


def follow(aim: Aim) -> None:
    """Go where links lead to operations that nobody was served by, or whose inputs nobody filled well."""
    for maker in aim.operations.values():
        for lead in leads_of(maker, aim.operations):
            if lead.status.startswith("2") and not aim.late and _is_wanted(aim, lead):
                _go(aim, maker, lead)


def _is_wanted(aim: Aim, lead: Lead) -> bool:
    plain = "body" not in lead.target.inputs
    return plain and not (aim.is_served(lead.target) and aim.accepted(lead.target) >= set(_filled(lead)))


def _filled(lead: Lead) -> Iterator[str]:
    for place in ("path", "query"):
        yield from (f"{place}:{name}" for name in lead.fills(place))


def _go(aim: Aim, maker: Operation, lead: Lead) -> None:
    """Send what leads there once more, as somebody new, and then what its answer names."""
    for asked, sender in aim.samples(maker, 1):
        who = aim.senders.fresh(secured=bool(maker.secured or sender.name))
        answer = aim.ask(maker, asked, who)
        target = _target(lead, answer.data) if answer.status in SUCCESS else ""
        if target:
            aim.ask(
                lead.target, Asked(method=lead.target.method, target=target, headers={}), who, valid=(*_filled(lead),)
            )


def _target(lead: Lead, data: Any) -> str:
    """Return path and query that a link names, empty where the answer does not hold all that it takes."""
    path = {name: _value(expression, data) for name, expression in lead.fills("path").items()}
    query = {name: _value(expression, data) for name, expression in lead.fills("query").items()}
    asked = re.findall(r"\{([^}]*)\}", lead.target.path)
    if set(asked) != path.keys() or not all((*path.values(), *query.values())):
        return ""
    filled = re.sub(r"\{([^}]*)\}", lambda name: quote(path[name[1]], safe=""), lead.target.path)
    return f"{filled}?{urlencode(query)}" if query else filled


def _value(expression: str, data: Any) -> str:
    """Return what an expression stands for in an answer, empty where that is nothing."""
    place, _, pointer = expression.partition("#")
    try:
        found = look_up(data, steps_of(f"#{pointer}")) if place == BODY else None
    except (LookupError, TypeError):
        return ""
    return str(found) if isinstance(found, (str, int)) and not isinstance(found, bool) else ""
