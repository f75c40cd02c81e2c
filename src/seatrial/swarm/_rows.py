"""What the load process wrote down: one row a request, with latencies as they were measured."""

from __future__ import annotations

import csv
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from sys import intern

from seatrial.core import Tally
from seatrial.swarm._plan import COLUMNS, DROPPED, FAILED, OK, RAISED, TASK, UNFINISHED, Ledger

METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
FATES = (OK, FAILED, UNFINISHED, "dropped")
"""What can become of an arrival, the worse after the better."""


@dataclass(frozen=True, slots=True, kw_only=True)
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
    def good(self) -> bool:
        """Return whether the request succeeded."""
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


def read_rows(file: Path) -> list[Row]:
    """Return the whole rows of a file; what a killed writer left of the last one is not there."""
    if not file.is_file():
        return []
    with file.open(encoding="utf-8", newline="\n") as stream:
        return list(rows_in(stream))


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


def arrivals_in(rows: list[Row]) -> dict[int, str]:
    """Return what became of each arrival, as its rows say: the counterpart of the ledger."""
    found: dict[int, str] = {}
    for row in rows:
        if row.arrival >= 0:
            found[row.arrival] = max(found.get(row.arrival, OK), fate(row), key=FATES.index)
    return found


def fate(row: Row) -> str:
    """Return what a row alone says of its arrival: one of FATES."""
    if row.outcome in DROPPED:
        return "dropped"
    return row.outcome if row.outcome in {OK, UNFINISHED} else FAILED


def agrees(ledger: Ledger, rows: list[Row]) -> bool:
    """Return whether rows and ledger tell the same of every arrival."""
    ended = list(arrivals_in(rows).values())
    told = (ledger.answered, ledger.failed, ledger.unfinished, ledger.dropped)
    return ledger.adds_up and tuple(ended.count(kind) for kind in FATES) == told


def lags_ms(rows: list[Row]) -> list[float]:
    """Return the start lag of each arrival that began, ascending."""
    return sorted({row.arrival: row.lag_ms for row in rows if row.arrival >= 0 and row.began}.values())


def tallies_of(rows: Iterable[Row]) -> tuple[Tally, ...]:
    """Return how often each operation was answered how."""
    answered = Counter((row.operation, row.status, row.media) for row in rows if row.is_request and row.status)
    return tuple(
        Tally(operation=operation, status=status, media=media, count=count)
        for (operation, status, media), count in answered.items()
    )
