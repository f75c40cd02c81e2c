"""Where the document's links lead, and which lives of resources they promise: made, read, removed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from seatrial.openapi._operations import Operation

Places = Mapping[str, str]
"""Where in an answer the values of a path's parameters stand: an expression for each."""


@dataclass(frozen=True, slots=True)
class Lead:
    """A link whose operation is known; `status` is that of the answer, `values` its expressions by parameter."""

    status: str
    target: Operation
    values: Mapping[str, str]

    def fills(self, place: str) -> dict[str, str]:
        """Return the parameters of a place that are filled, with their expressions; links may qualify their names."""
        names = (name.removeprefix(f"{place}:") for name in self.target.inputs if name.startswith(f"{place}:"))
        found = {name: self.values.get(f"{place}.{name}", self.values.get(name)) for name in names}
        return {name: expression for name, expression in found.items() if expression is not None}


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """What an answer of `maker` made can be read, and removed at the same path.

    `places` are by status of such an answer.
    """

    maker: Operation
    read: Operation
    remove: Operation
    places: Mapping[str, Places]

    @property
    def name(self) -> str:
        """Return the operations that say which one it is."""
        return f"{self.maker.label}, {self.remove.label}"


def leads_of(operation: Operation, operations: Mapping[str, Operation]) -> Iterator[Lead]:
    """Yield where an operation's answers lead."""
    known = {each.operation_id: each for each in operations.values() if each.operation_id}
    for link in operation.links:
        if link.operation_id in known:
            yield Lead(link.status, known[link.operation_id], dict(link.parameters))


def lifecycles_of(operations: Mapping[str, Operation]) -> list[Lifecycle]:
    """Return what the document promises: some 2xx answer links to a GET and a DELETE of one and the same path."""
    return [found for maker in operations.values() for found in _made_by(maker, operations)]


def _made_by(maker: Operation, operations: Mapping[str, Operation]) -> Iterator[Lifecycle]:
    ways: dict[str, dict[str, Places]] = defaultdict(dict)
    for lead in leads_of(maker, operations):
        ways[lead.target.label][lead.status] = lead.fills("path")
    for remove in [operations[label] for label in ways if operations[label].method == "DELETE"]:
        read = ways.get(f"GET {remove.path}", {})
        named = {name for name in remove.inputs if name.startswith("path:")}
        places = {
            status: place
            for status, place in ways[remove.label].items()
            if status.startswith("2") and read.get(status) == place and 0 < len(named) == len(place)
        }
        if places:
            yield Lifecycle(maker, operations[f"GET {remove.path}"], remove, places)
