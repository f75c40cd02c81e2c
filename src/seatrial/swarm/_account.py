"""What a load came to, taken in arrival by arrival: exact figures in memory that does not grow with their number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from seatrial.core import Tally
from seatrial.swarm._plan import DROPPED, OK, RAISED, Ledger, is_spoilt
from seatrial.swarm._rows import FATES, Kind, Row, Visit, fate
from seatrial.swarm._spool import MOST_HELD, Ordered, Series, Spool, ordered

MOST_WORDS = 10_000
"""So many causes, and so many media types, are told apart: a service may make up as many as there are requests."""

OTHER = "(other)"
"""What stands for all further ones."""


@dataclass(slots=True, eq=False)
class Group:
    """The requests of one kind: how many, how long they took, and in which words."""

    kind: Kind
    latency: Series
    service: Series
    count: int = 0
    media: dict[str, int] = field(default_factory=dict)
    causes: dict[str, int] = field(default_factory=dict)


class Shares:
    """What became of arrivals, by all of their rows or by those of one operation.

    Of `due` ones, `owed` failed whatever the generator may have spoilt; `fates` and `lags` are those of the others too.
    """

    __slots__ = ("_deadline_s", "due", "fates", "lags", "owed")

    def __init__(self, lags: Series, deadline_s: float) -> None:
        self._deadline_s = deadline_s
        self.lags = lags
        self.due = 0
        self.fates: dict[str, int] = dict.fromkeys(FATES, 0)
        self.owed = 0

    def take(self, rows: Iterable[Row]) -> None:
        """Take in some rows of an arrival of which none was taken in before."""
        worst, lag_ms, owed = OK, None, False
        for row in rows:
            if row.outcome != OK:
                worst = max(worst, fate(row.outcome), key=FATES.index)
                if row.outcome in DROPPED:
                    continue
                owed = owed or not is_spoilt(row.outcome, row.lag_ms, deadline_s=self._deadline_s)
            lag_ms = row.lag_ms
        self.due += 1
        self.fates[worst] += 1
        self.owed += owed
        if lag_ms is not None:
            self.lags.add(lag_ms)


class Account:
    """The figures of all requests; `folder` is for what memory has no room for.

    `setup` counts what users did before their first arrival, `total` the arrivals, and `operations` those that sent
    requests of one.
    """

    def __init__(self, folder: Path | None = None, *, deadline_s: float = 0.0, most_held: int = MOST_HELD) -> None:
        self._deadline_s = deadline_s
        self.spool = Spool(folder, most_held=most_held)
        self._groups: dict[tuple[str, int, str], Group] = {}
        self._setup: dict[tuple[str, int, str], Group] = {}
        self._words = 0
        self.rows = 0
        self.total = self._shares()
        self.operations: dict[str, Shares] = {}

    def take(self, visit: Visit) -> None:
        """Take in an arrival; raises OSError when there is no room for it on the disk."""
        self.rows += len(visit)
        if visit[0].arrival < 0:
            for row in visit:
                self._count(row, self._setup)
            return
        for row in visit:
            group = self._count(row, self._groups)
            group.latency.add(row.latency_ms)
            group.service.add(row.service_ms)
        self.total.take(visit)
        self._by_operation(visit)
        self.spool.make_room(4 * len(visit))

    def _count(self, row: Row, groups: dict[tuple[str, int, str], Group]) -> Group:
        group = groups.get((row.operation, row.status, row.outcome))
        if group is None:
            group = groups[row.kind] = Group(row.kind, self.spool.series(), self.spool.series())
        group.count += 1
        self._tell(group.media, row.media)
        if row.cause:
            self._tell(group.causes, row.cause)
        return group

    def _tell(self, words: dict[str, int], word: str) -> None:
        if word in words:
            words[word] += 1
            return
        told = word if self._words < MOST_WORDS else OTHER
        self._words += told not in words
        words[told] = words.get(told, 0) + 1

    def _by_operation(self, visit: Visit) -> None:
        first = visit[0]
        if len(visit) == 1:
            if first.outcome != RAISED:
                self._operation(first.operation).take(visit)
            return
        parts: dict[str, list[Row]] = {}
        for row in visit:
            if row.outcome != RAISED:
                parts.setdefault(row.operation, []).append(row)
        for operation, rows in parts.items():
            self._operation(operation).take(rows)

    def _operation(self, name: str) -> Shares:
        found = self.operations.get(name)
        if found is None:
            found = self.operations[name] = self._shares()
        return found

    def _shares(self) -> Shares:
        return Shares(self.spool.series(), self._deadline_s)

    @property
    def groups(self) -> list[Group]:
        """Return the requests of arrivals by kind, in the order of their names."""
        return [self._groups[kind] for kind in sorted(self._groups)]

    @property
    def setup(self) -> list[Group]:
        """Return those of users before their first arrival, likewise."""
        return [self._setup[kind] for kind in sorted(self._setup)]

    @property
    def sent(self) -> int:
        """Return how many rows are those of arrivals."""
        return sum(group.count for group in self._groups.values())

    def count(self, what: Callable[[Kind], bool]) -> int:
        """Return how many rows of arrivals are of such a kind."""
        return sum(group.count for kind, group in self._groups.items() if what(Kind(*kind)))

    def by_operation(self) -> dict[str, list[Group]]:
        """Return the timed groups of each operation, sorted by name."""
        found: dict[str, list[Group]] = {}
        for group in self.groups:
            if group.kind.timed:
                found.setdefault(group.kind.operation, []).append(group)
        return found

    def agrees(self, ledger: Ledger) -> bool:
        """Return whether rows and ledger tell the same of every arrival."""
        told = (ledger.answered, ledger.failed, ledger.unfinished, ledger.dropped)
        return ledger.adds_up and tuple(self.total.fates[kind] for kind in FATES) == told

    @property
    def lags_ms(self) -> Ordered:
        """Return the start lag of each arrival that began, ascending."""
        return ordered([self.total.lags])

    @property
    def tallies(self) -> tuple[Tally, ...]:
        """Return how often each operation was answered how, users' first requests among them."""
        counts: Counter[tuple[str, int, str]] = Counter()
        for group in (*self.groups, *self.setup):
            if group.kind.is_request and group.kind.status:
                counts.update({(*group.kind[:2], media): count for media, count in group.media.items()})
        return tuple(
            Tally(operation=operation, status=status, media=media, count=count)
            for (operation, status, media), count in counts.items()
        )
