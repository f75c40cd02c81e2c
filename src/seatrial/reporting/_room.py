"""How much of a page each of its lists may take: whole rows, as many as there is room for, and how many are left out.

A service decides how many findings, operations and answers there are, and how long they are; the page stays one that
every browser and every mail program opens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

LIMIT_BYTES = 400_000
"""No report.html is larger."""

ROOM: Mapping[str, int] = {
    "gates": 16_000,
    "not": 10_000,
    "findings": 48_000,
    "findings-short": 14_000,
    "evidence": 12_000,
    "log-lines": 6_000,
    "suites": 60_000,
    "limits": 5_000,
    "access": 20_000,
    "history": 8_000,
    "history-figures": 4_000,
    "contract": 26_000,
    "loads": 44_000,
    "load-operations": 8_000,
    "budgets": 5_000,
    "slowest": 4_000,
    "slowest-recorded": 4_000,
    "figures": 16_000,
    "components": 4_000,
    "tree": 40_000,
    "patch": 4_000,
    "pictures": 2_000,
    "stacks": 3_000,
    "time": 3_000,
}
"""Bytes that each list has whatever stands before it; what it leaves, those after it may take."""

WITHIN = frozenset({"evidence", "log-lines", "load-operations"})
"""Lists within another's rows, which take of that one's room: so much for each row, and no more."""

FILLING: Mapping[str, tuple[str, int]] = {"checks": ("suites", 12_000), "leaves": ("tree", 8_000)}
"""Lists that may take all of another one's room but for so many bytes."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """Rows as they are written, in the order in which they came, and how many there was no room for."""

    shown: tuple[tuple[Any, Markup], ...]
    left: tuple[Any, ...]

    @property
    def html(self) -> Markup:
        """Return all that is shown."""
        return Markup().join(text for _, text in self.shown)


class Rooms:
    """The room of one page: its lists are fitted in the order in which they stand on it."""

    def __init__(self) -> None:
        self._spare = 0

    def fit(self, rows: Iterable[Any], write: Callable[[Any], Markup], share: str, *, first: str = "") -> Fitted:
        """Return the rows that a list has room for, those whose attribute `first` is true before the others.

        The first one that does not fit ends it: what is left out is all of less weight.
        """
        listed: Sequence[Any] = list(rows)
        room, kept = self.room(share), dict[int, Markup]()
        for number in sorted(range(len(listed)), key=lambda n: not _weighty(listed[n], first)):
            text = write(listed[number])
            size = len(text.encode())
            if size > room:
                break
            room, kept[number] = room - size, text
        if share not in WITHIN and share not in FILLING:
            self._spare = room
        shown = tuple((listed[number], kept[number]) for number in sorted(kept))
        return Fitted(shown, tuple(row for number, row in enumerate(listed) if number not in kept))

    def room(self, share: str) -> int:
        """Return how many bytes a list may take now."""
        if share in FILLING:
            other, kept = FILLING[share]
            return self.room(other) - kept
        return ROOM[share] + (0 if share in WITHIN else self._spare)


def _weighty(row: Any, name: str) -> bool:
    return not name or bool(row[name] if isinstance(row, Mapping) else getattr(row, name))
