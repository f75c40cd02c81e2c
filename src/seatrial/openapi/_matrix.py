"""The contract's matrix: each documented answer by status and media type, each input by side, and how often it came.

documented operations + tallies of everything that was sent --fill--> rows --> figures, and what never came
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from seatrial.core import Documented, Measurement, Tally
from seatrial.openapi._find import finder
from seatrial.openapi._operations import Operation, key_of

SUCCESS = range(200, 300)
DEFAULT = "default"
EXPECTED = frozenset({"", "application/json"})
OWN_FAULTS = "5"
"""How statuses begin with which a service says that it is to blame."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A documented answer, and how often it came; `counts` is false where no percentage is about it."""

    status: str
    media: str
    count: int
    counts: bool = True


@dataclass(frozen=True, slots=True)
class Sides:
    """An input, how often a valid value of it was accepted, and how often an invalid one refused."""

    name: str
    valid: int
    invalid: int


@dataclass(frozen=True, slots=True)
class Row:
    """An operation: how often it was asked and served, and its cells; `others` came and are not documented so.

    `callers` is how often whom (empty: not known) was answered with which status.
    """

    documented: Documented
    asked: int
    served: int
    answers: tuple[Cell, ...]
    inputs: tuple[Sides, ...]
    others: Mapping[str, int]
    callers: Mapping[tuple[str, int], int]

    @property
    def label(self) -> str:
        """Return the operation's label."""
        return self.documented.operation

    @property
    def out_of_reach(self) -> bool:
        """Return whether nobody was served, and this run had no means to be."""
        return bool(self.documented.beyond) and not self.served


def documented_in(
    operations: Mapping[str, Operation], *, limited: Collection[int] = (), beyond: Mapping[str, str] | None = None
) -> tuple[Documented, ...]:
    """Return what a document promises; `limited` are a limiter's statuses, `beyond` why operations are out of reach."""
    reasons = beyond or {}
    return tuple(
        Documented(
            operation=operation.label,
            answers=tuple(sorted(operation.answers)),
            inputs=operation.told(operation.inputs),
            apart=tuple(s for s in sorted(operation.statuses) if s.startswith(OWN_FAULTS) or s in map(str, limited)),
            beyond=reasons.get(operation.label, ""),
            secured=operation.secured,
        )
        for operation in operations.values()
    )


def fill(documented: Sequence[Documented], tallies: Iterable[Tally]) -> list[Row]:
    """Return a row for each operation; what is none of them fills nothing."""
    known = {each.operation: each for each in documented}
    find: Callable[[str, str], Documented | None] = finder(known)
    mine: dict[str, list[Tally]] = defaultdict(list)
    for tally in tallies:
        method, _, path = tally.operation.partition(" ")
        if found := known.get(tally.operation) or find(method, path):
            mine[found.operation].append(tally)
    return [_row(each, mine[each.operation]) for each in documented]


def _row(documented: Documented, tallies: Sequence[Tally]) -> Row:
    came: Counter[tuple[str, str]] = Counter()
    others: Counter[str] = Counter()
    for tally in tallies:
        cells = list(_cells(documented, tally))
        came.update(dict.fromkeys(cells, tally.count))
        others.update({} if cells else {f"{tally.status} {tally.media}".strip(): tally.count})
    served = sum(tally.count for tally in tallies if tally.status in SUCCESS)
    lost = bool(documented.beyond) and not served
    return Row(
        documented=documented,
        asked=sum(tally.count for tally in tallies),
        served=served,
        answers=tuple(
            Cell(status, media, came[status, media], counts=status != DEFAULT and not (lost and status[0] == "2"))
            for status, media in documented.answers
        ),
        inputs=tuple(
            Sides(name, _count(tallies, name, "valid"), _count(tallies, name, "invalid")) for name in documented.inputs
        ),
        others=dict(sorted(others.items())),
        callers=_by_caller(tallies),
    )


def _by_caller(tallies: Iterable[Tally]) -> Counter[tuple[str, int]]:
    found: Counter[tuple[str, int]] = Counter()
    for tally in tallies:
        found[tally.caller, tally.status] += tally.count
    return found


def _cells(documented: Documented, tally: Tally) -> Iterator[tuple[str, str]]:
    """Yield the answers that came: of the media type, or of any where the document says nothing of a body."""
    statuses = {status for status, _ in documented.answers}
    key = key_of(tally.status, statuses - {DEFAULT}, default=DEFAULT in statuses)
    for status, media in documented.answers:
        if status == key and (not media or fnmatchcase(tally.media, media)):
            yield status, media


def _count(tallies: Iterable[Tally], name: str, side: str) -> int:
    return sum(tally.count for tally in tallies if name in getattr(tally, side))


def figures(rows: Sequence[Row]) -> tuple[Measurement, ...]:
    """Return what was exercised in percent of what is documented and within reach; none where nothing is."""
    within = [row for row in rows if not row.out_of_reach]
    cells = [(row, cell) for row in rows for cell in row.answers if cell.counts]
    client = [(row, cell) for row, cell in cells if cell.status not in row.documented.apart]
    valid = [bool(each.valid) for row in within for each in row.inputs]
    invalid = [bool(each.invalid) for row in rows for each in row.inputs]
    found = (
        _percent("operations", [bool(row.served) for row in within], "operations that were served (2xx)"),
        _percent("statuses", [bool(cell.count) for _, cell in cells], "documented answers (status, media type) seen"),
        _percent(
            "client-statuses",
            [bool(cell.count) for _, cell in client],
            "documented answers seen, of those that a request alone can bring about: without 5xx and a limiter's",
        ),
        _percent("parameters", valid + invalid, "sides of inputs tried: valid ones accepted, invalid ones refused"),
    )
    return tuple(figure for figure in found if figure)


def _percent(name: str, seen: Sequence[bool], definition: str) -> Measurement | None:
    if not seen:
        return None
    value = 100 * sum(seen) / len(seen)
    return Measurement(name=f"contract.{name}", value=value, unit="percent", definition=definition, samples=len(seen))


def never_came(rows: Iterable[Row]) -> list[str]:
    """Return in sentences which documented answers never came, by name, and which operations were out of reach."""
    found = [*rows]
    missing = {row.label: [cell for cell in row.answers if cell.counts and not cell.count] for row in found}
    named = [f"{label} {', '.join(map(_name_of, cells))}" for label, cells in missing.items() if cells]
    lost = [f"{row.label} was not served: {row.documented.beyond}" for row in found if row.out_of_reach]
    return [*([f"documented answers that never came: {'; '.join(named)}"] if named else []), *lost]


def _name_of(cell: Cell) -> str:
    """Return what people call an answer: JSON is what they expect."""
    return cell.status if cell.media in EXPECTED else f"{cell.status} ({cell.media})"
