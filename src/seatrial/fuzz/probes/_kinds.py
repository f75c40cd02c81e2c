"""Kinds of resources: what makes one, what reads it, and what else is about it.

Where an answer links to what reads it, the document says so; else its paths do: POST /items makes GET /items/{id}.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from seatrial.core.recipes import values_of
from seatrial.fuzz._messages import Sent
from seatrial.fuzz.probes._ask import Unclear, said
from seatrial.fuzz.probes._ground import SUCCESS, Ground
from seatrial.fuzz.probes._values import PARAMETER, header_of, parameters_in, value_of
from seatrial.openapi import Operation, Places, leads_of

CHANGES = ("PUT", "PATCH", "DELETE")
NAMED = re.compile(r"/\{([^{}]+)\}$")
NAMES = ("id", "uuid", "key", "slug")
WHERE = ("", "/data")
"""Where an answer has the name of what was made: in the body itself, or in what that wraps."""

TRIES = 3
"""How many requests that made something before are tried once more."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Resources that `maker` makes and `read` reads; `places` are by status of an answer, none where no link says."""

    maker: Operation
    read: Operation
    changes: tuple[Operation, ...]
    under: tuple[Operation, ...]
    places: Mapping[str, Places]


@dataclass(frozen=True, slots=True)
class Made:
    """Something that was made: where it is, whose it is, and the answer that says so."""

    url: str
    owner: str
    sent: Sent


def kinds_of(operations: Mapping[str, Operation]) -> list[Kind]:
    """Return the kinds of resources that the document tells how to make and how to read."""
    reads = [each for each in operations.values() if each.method == "GET" and NAMED.search(each.path)]
    return [kind for read in reads if (kind := _made(read, operations))]


def _made(read: Operation, operations: Mapping[str, Operation]) -> Kind | None:
    """Return what is made for an operation to read: by what links to it, else by a POST one step up its path."""
    linked = {label: places for label, each in operations.items() if (places := _linked(each, read, operations))}
    label = next(iter(linked), f"POST {NAMED.sub('', read.path)}")
    if label not in operations:
        return None
    changes = tuple(operations[f"{name} {read.path}"] for name in CHANGES if f"{name} {read.path}" in operations)
    under = tuple(each for each in operations.values() if _is_under(each, read))
    return Kind(operations[label], read, changes, under, linked.get(label, {}))


def _is_under(operation: Operation, read: Operation) -> bool:
    rest = operation.path.removeprefix(read.path)
    return operation.method == "GET" and rest.startswith("/") and rest != operation.path and "{" not in rest


def _linked(maker: Operation, read: Operation, operations: Mapping[str, Operation]) -> dict[str, Places]:
    """Return where a maker's answers say what it made, by status."""
    names = set(PARAMETER.findall(read.path))
    leads = [lead for lead in leads_of(maker, operations) if lead.target.label == read.label]
    usable = {lead.status: lead.fills("path") for lead in leads if lead.status.startswith("2")}
    return {status: places for status, places in usable.items() if places.keys() == names and maker.method == "POST"}


def url_of(kind: Kind, sent: Sent, base_url: str) -> str:
    """Return where something is that was made, empty where the answer does not say so."""
    places = kind.places.get(kind.maker.documented_as(sent.status), {})
    linked = {name: value_of(expression, sent, kind.maker.path) for name, expression in places.items()}
    values = linked if kind.places else _shaped(kind, sent)
    if not all(values.get(name) for name in PARAMETER.findall(kind.read.path)):
        return ""
    return base_url + PARAMETER.sub(lambda name: quote(values[name[1]], safe=""), kind.read.path)


def _shaped(kind: Kind, sent: Sent) -> dict[str, str]:
    """Return the values of a path that the answer's Location has, or its body under a usual name."""
    if found := parameters_in(kind.read.path, header_of(sent, "location")):
        return found
    held, last = values_of(sent.response_body), PARAMETER.findall(kind.read.path)[-1]
    places = [f"{place}/{name}" for place in WHERE for name in (last, *NAMES)]
    own = next((held[place] for place in places if held.get(place)), "")
    return {**parameters_in(kind.maker.path, sent.url), last: own}


def make(kind: Kind, ground: Ground, who: str) -> Made:
    """Make something as a user, or as who made it before where it belongs into something of his; raises Unclear."""
    why = f"nothing that {kind.maker.label} was sent was accepted"
    for sample in ground.accepted(kind.maker)[:TRIES]:
        owner = sample.identity if kind.maker.in_path else who
        answer = ground.ask.ask(kind.maker, sample.url, owner, body=sample.body, headers=sample.request_headers)
        url = url_of(kind, answer, ground.ask.base_url) if answer.status in SUCCESS else ""
        if url:
            return Made(url, owner, answer)
        why = f"{kind.maker.label}: {said(answer)}"
        if answer.status in SUCCESS:
            why = f"the answer of {kind.maker.label} does not say where that is"
    raise Unclear(why)


def alike(kind: Kind, ground: Ground, count: int = 2) -> list[Made]:
    """Return things that were made by the same request, each by a user of his own where the path lets them.

    Raises Unclear. What is read of one of them fills no cache from which a read of another could be answered.
    """
    made = [make(kind, ground, ground.ask.fresh()) for _ in range(count)]
    if len({each.sent.body for each in made}) > 1:
        raise Unclear(f"{kind.maker.label} did not take the same twice")
    return made


def read_of(made: Made, kind: Kind, ground: Ground) -> Sent:
    """Return what its maker reads of something."""
    return ground.ask.ask(kind.read, made.url, made.owner)


def served(made: Made, kind: Kind, ground: Ground) -> Sent:
    """Return the same where it is there; raises Unclear where it is not."""
    answer = read_of(made, kind, ground)
    if answer.status not in SUCCESS:
        raise Unclear(said(answer))
    return answer
