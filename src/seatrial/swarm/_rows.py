"""What the load process wrote down: one row a request, with latencies as they were measured."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from sys import intern
from typing import NamedTuple

from seatrial.swarm._plan import COLUMNS, DROPPED, FAILED, OK, RAISED, TASK, UNFINISHED

METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
FATES = (OK, FAILED, UNFINISHED, "dropped")
"""What can become of an arrival, the worse after the better."""

Visit = Sequence["Row"]
"""The rows of one arrival; those of what users do before their first one come one by one."""


class Kind(NamedTuple):
    """What requests have in common that are counted together."""

    operation: str
    status: int
    outcome: str

    @property
    def good(self) -> bool:
        """Return whether such a request succeeded."""
        return self.outcome == OK

    @property
    def began(self) -> bool:
        """Return whether its arrival began at all."""
        return self.outcome not in DROPPED

    @property
    def timed(self) -> bool:
        """Return whether its latency is one: that of a request, or of an arrival without any."""
        return self.outcome != RAISED

    @property
    def is_request(self) -> bool:
        """Return whether something was sent; otherwise a task failed without a request."""
        return not self.operation.startswith(f"{TASK} ")

    @property
    def is_http(self) -> bool:
        """Return whether the service was asked; otherwise a user told of a time of its own, which has no status."""
        return bool(self.status) or self.operation.partition(" ")[0] in METHODS


@dataclass(slots=True, kw_only=True)  # not frozen, which takes three times as long: there are millions
class Row:
    """A request of an arrival; `latency_ms` counts from the due time for the first one of each arrival."""

    arrival: int
    due_s: float
    lag_ms: float
    identity: str
    operation: str
    status: int
    media: str
    outcome: str
    latency_ms: float
    service_ms: float
    cause: str

    @property
    def kind(self) -> Kind:
        """Return what it is counted as."""
        return Kind(self.operation, self.status, self.outcome)


def visits_of(file: Path) -> Iterator[Visit]:
    """Yield each arrival of a file whose rows are in their order; of a file that is not there, none."""
    if not file.is_file():
        return
    with file.open(encoding="utf-8", newline="\n") as stream:
        yield from visits_in(rows_in(stream))


def visits_in(rows: Iterable[Row]) -> Iterator[Visit]:
    """Yield each arrival of rows in their order."""
    for number, visit in itertools.groupby(rows, key=attrgetter("arrival")):
        if number < 0:
            yield from ([row] for row in visit)
        else:
            yield list(visit)


def rows_in(lines: Iterable[str]) -> Iterator[Row]:
    """Yield the whole rows of what a load process wrote; equal words are one in memory, however many rows have them."""
    whole = itertools.takewhile(lambda line: line.endswith("\n"), lines)
    for cells in csv.reader(itertools.islice(whole, 1, None)):
        if len(cells) != len(COLUMNS):
            return
        arrival, due_s, lag_ms, identity, operation, status, media, outcome, latency_ms, service_ms, cause = cells
        yield Row(
            arrival=int(arrival), due_s=float(due_s), lag_ms=float(lag_ms), identity=intern(identity),
            operation=intern(operation), status=int(status), media=intern(media), outcome=intern(outcome),
            latency_ms=float(latency_ms), service_ms=float(service_ms), cause=intern(cause),
        )  # fmt: skip


def fate(outcome: str) -> str:
    """Return what the outcome of a row alone says of its arrival: one of FATES."""
    if outcome in DROPPED:
        return "dropped"
    return outcome if outcome in {OK, UNFINISHED} else FAILED
