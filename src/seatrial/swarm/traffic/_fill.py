"""Requests of operations with parameters in their paths: filled with what the service's own answers say there is."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any
from urllib.parse import quote

from seatrial.openapi import Lead, Operation, leads_of
from seatrial.swarm.traffic._made import Made, Makings
from seatrial.swarm.traffic._requests import READS, Prepared, Traffic, quoted, tell, unsendable
from seatrial.swarm.traffic._values import MOST, pointed_at, values_in

PARAMETER = re.compile(r"\{([^{}]+)\}")
FINE = range(200, 400)
NOT_OURS = frozenset({403, 404, 410})
"""What may be so for a valid request of this user; all else (401, 422, ...) is the load's own news, and stays in."""

PARENTS = 3
"""How many lists are read for the values of one parameter, where those lists have parameters themselves."""

UNKNOWN = "no list or link of the service has a value for its path, and it answered 404 to those made of the document"
LIMITED = "its path could not be tried: the service answered 429 when it was asked ahead"
SILENT = "its path could not be tried: the service did not answer when it was asked ahead"
MADE_UP = {404: UNKNOWN, 410: UNKNOWN, 429: LIMITED, 0: SILENT}
"""Why a path that was made of a document is not sent, by what was answered to it (0: nothing)."""

REFUSED = "it answered {status}, as documented, when it was asked once before"
OF_ONE = "another user was refused it: only the user that its list was asked as may ask for it"
UNTRIED = "no list or link of the service has a value for its path, and it writes, so that none is tried"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service said: status 0 stands for no answer, `data` None for a body that is no JSON."""

    status: int
    data: Any = None


def needed_for(chosen: Iterable[str], operations: Mapping[str, Operation]) -> list[str]:
    """Return the labels of which requests are needed: those that are sent, and reads that know values for them."""
    found = dict.fromkeys(chosen)
    for label in [name for name in found if PARAMETER.search(name)]:
        found |= dict.fromkeys(one for one in operations if operations[one].method == "GET" and _knows(one, label))
        leads = (one for one in operations.values() if one.method == "GET" and _leads(one, label, operations))
        found |= dict.fromkeys(one.label for one in leads)
    return list(found)


def _knows(one: str, label: str) -> bool:
    """Return whether an operation is the list of another's path, or of the beginning of it, or has the same path."""
    path, other = one.partition(" ")[2], label.partition(" ")[2]
    return path == other or (other.startswith(f"{path}/") and "{" in other[len(path) :])


def _leads(one: Operation, label: str, operations: Mapping[str, Operation]) -> list[Lead]:
    return [lead for lead in leads_of(one, operations) if lead.target.label == label]


class Filler:
    """Make requests out of what was made of a document; `ask` sends one ahead, and is only given reads.

    Operations that were `named` by somebody are sent although they are refused. `ask_other` sends as another user,
    where several send the load: what has values for one of them alone is left out.
    """

    def __init__(
        self,
        operations: Mapping[str, Operation],
        makings: Makings,
        ask: Callable[[Prepared], Answer],
        *,
        named: Collection[str] = (),
        ask_other: Callable[[Prepared], Answer] | None = None,
    ) -> None:
        self._named = named
        self._ask_other = _once(ask_other) if ask_other else None
        self._operations = operations
        self._makings = makings
        self._ask = _once(ask)
        self._filled: dict[str, list[Prepared]] = {}
        self._why: dict[str, str] = {}
        self._open = 0

    def traffic(self, chosen: Sequence[str], left_out: Mapping[str, Iterable[str]]) -> Traffic:
        """Return the requests of operations by turns, each operation as often as any other."""
        columns = [found for label in chosen if (found := self.requests(label))]
        length = max(map(len, columns), default=0)
        rows = ([column[number % len(column)] for column in columns] for number in range(length))
        unfilled: dict[str, list[str]] = defaultdict(list)
        for label in chosen:
            if label in self._why:
                unfilled[self._why[label]].append(label)
        told = tell({why: labels for why, labels in {**left_out, **unfilled}.items() if labels})
        return Traffic(requests=tuple(chain.from_iterable(rows)), left_out=told)

    def requests(self, label: str) -> list[Prepared]:
        """Return the requests of an operation, none where its path cannot be filled.

        What is found of others meanwhile may lack what this one has for them: it is forgotten when this is found.
        """
        if label not in self._filled:
            final = None if self._open else frozenset(self._filled)
            self._filled[label] = []  # who needs itself for its values has none
            self._filled[label] = self._found(label)
            if final is not None:
                self._filled = {one: found for one, found in self._filled.items() if one in final or one == label}
        return self._filled[label]

    def _found(self, label: str) -> list[Prepared]:
        operation = self._operations[label]
        self._why.pop(label, None)
        self._open += 1
        found = self._accepted(operation, self._of_all(operation, self._made(operation)))
        self._open -= 1
        return found

    def _of_all(self, operation: Operation, found: list[Prepared]) -> list[Prepared]:
        """Return those whose paths hold for more than one of the users."""
        if not PARAMETER.search(operation.path):
            return found
        shared = [one for one in found if not self._is_of_one(operation, one)]
        if found and not shared:
            self._why[operation.label] = OF_ONE
        return shared

    def _is_of_one(self, operation: Operation, request: Prepared) -> bool:
        """Return whether one user may read a path, and another may not; of what writes, a GET of its path tells."""
        if self._ask_other is None:
            return False
        if operation.method not in READS:
            reading = self._operations.get(f"GET {operation.path}")
            made = self._sendable(reading) if reading else []
            if reading is None or not made:
                return False
            request = _paired(reading, made, [request.path.partition("?")[0]])[0]
        statuses = {ask(request).status for ask in (self._ask, self._ask_other)}
        return bool(statuses & NOT_OURS) and any(status in FINE for status in statuses)

    def _accepted(self, operation: Operation, found: list[Prepared]) -> list[Prepared]:
        """Return a read's requests, none where the first of them is not for this user, as the document says by name."""
        if not found or operation.method not in READS or operation.label in self._named:
            return found
        status = self._ask(found[0]).status
        refused = status in NOT_OURS and operation.documented_as(status) not in {"", "default"}
        if refused:
            self._why[operation.label] = REFUSED.format(status=status)
        return [] if refused else found

    def _made(self, operation: Operation) -> list[Prepared]:
        made = self._sendable(operation)
        if not made:
            odd = [unsendable(operation.method, one.headers) for one in self._makings.made.get(operation.label, [])]
            why = self._makings.failed.get(operation.label, next(iter(odd), "nothing came"))
            self._why[operation.label] = f"no valid request can be made of it ({why})"
            return []
        if not PARAMETER.search(operation.path):
            return [_prepared(operation, one, one.path.partition("?")[0]) for one in made]
        paths = self._linked(operation) or self._listed(operation)
        return _paired(operation, made, paths) if paths else self._tried(operation, made)

    def _sendable(self, operation: Operation) -> list[Made]:
        made = self._makings.made.get(operation.label, [])
        return [one for one in made if not unsendable(operation.method, one.headers)]

    def _linked(self, operation: Operation) -> list[str]:
        """Return paths that links of the service's reads fill."""
        names = set(PARAMETER.findall(operation.path))
        paths = dict[str, None]()
        for other in [one for one in self._operations.values() if one.method == "GET" and one is not operation]:
            for lead in _leads(other, operation.label, self._operations):
                for request in self.requests(other.label)[:PARENTS]:
                    values = dict(pointed_at(self._ask(request).data, lead.fills("path")))
                    if names <= values.keys():
                        paths[_path(operation.path, values)] = None
        return list(paths)[:MOST]

    def _listed(self, operation: Operation) -> list[str]:
        """Return paths with what the list before the last parameter has for it."""
        head, name, tail = _cut(operation.path)
        label = f"GET {head.rstrip('/')}"
        parents = self.requests(label)[:PARENTS] if head.endswith("/") and label in self._operations else []
        found = (
            f"{parent.path.partition('?')[0]}/{quote(value, safe='')}{tail}"
            for parent in parents
            for value in values_in(self._ask(parent).data, name)
        )
        return list(islice(dict.fromkeys(found), MOST))

    def _tried(self, operation: Operation, made: Sequence[Made]) -> list[Prepared]:
        """Return those with made-up paths that the service knows; of one that writes, those of its path's GET.

        What writes is never tried: it needs paths that are read, or values that the document names.
        """
        if operation.method not in READS and not all(one.named for one in made):
            reading = f"GET {operation.path}"
            known = self.requests(reading) if reading in self._operations else []
            if not known:
                self._why[operation.label] = UNTRIED
            return _paired(operation, made, [one.path.partition("?")[0] for one in known]) if known else []
        asked = [_prepared(operation, one, one.path.partition("?")[0]) for one in made]
        if operation.method not in READS:
            return asked
        why = [self._why_unknown(request, named=one.named) for request, one in zip(asked, made, strict=True)]
        known = [request for request, reason in zip(asked, why, strict=True) if not reason]
        if not known:
            self._why[operation.label] = next(reason for reason in MADE_UP.values() if reason in why)
        return known

    def _why_unknown(self, request: Prepared, *, named: bool) -> str:
        """Return why a path of a document is not sent; what it names one by one is known, unless it is not there."""
        why = MADE_UP.get(self._ask(request).status, "")
        return "" if named and why != UNKNOWN else why


def _once(ask: Callable[[Prepared], Answer]) -> Callable[[Prepared], Answer]:
    """Return what asks the same but once."""
    known: dict[tuple[str, str, str], Answer] = {}

    def once(request: Prepared) -> Answer:
        key = (request.method, request.path, request.body)
        if key not in known:
            known[key] = ask(request)
        return known[key]

    return once


def _cut(template: str) -> tuple[str, str, str]:
    """Return what stands before the last parameter of a path, its name, and what stands behind it."""
    last = list(PARAMETER.finditer(template))[-1]
    return template[: last.start()], last[1], template[last.end() :]


def _path(template: str, values: Mapping[str, str]) -> str:
    return PARAMETER.sub(lambda found: quote(values[found[1]], safe=""), template)


def _prepared(operation: Operation, made: Made, path: str) -> Prepared:
    query = made.path.partition("?")[1:]
    return Prepared(
        method=operation.method,
        path=quoted("".join([path, *query])),
        name=operation.path,
        headers=made.headers,
        body=made.body.decode("utf-8", "surrogateescape"),
    )


def _paired(operation: Operation, made: Sequence[Made], paths: Sequence[str]) -> list[Prepared]:
    """Return a request for each path, with what was made besides by turns."""
    return [_prepared(operation, made[number % len(made)], path) for number, path in enumerate(paths)]
