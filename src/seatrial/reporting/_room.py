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
    "gates": 14_000,
    "not": 12_000,
    "findings": 60_000,
    "findings-short": 20_000,
    "evidence": 12_000,
    "log-lines": 6_000,
    "suites": 96_000,
    "checks": 84_000,
    "limits": 6_000,
    "contract": 34_000,
    "loads": 58_000,
    "load-operations": 8_000,
    "figures": 30_000,
    "components": 6_000,
    "stacks": 4_000,
    "time": 4_000,
}
"""Bytes for each list. What is within another's (evidence, logs, operations of a load, checks) takes of that one's."""

WITHIN = frozenset({"evidence", "log-lines", "load-operations", "checks"})


@dataclass(frozen=True, slots=True)
class Fitted:
    """Rows as they are written, in the order in which they came, and how many there was no room for."""

    shown: tuple[tuple[Any, Markup], ...]
    left: tuple[Any, ...]

    @property
    def html(self) -> Markup:
        """Return all that is shown."""
        return Markup().join(text for _, text in self.shown)


def fit(rows: Iterable[Any], write: Callable[[Any], Markup], share: str, *, first: str = "") -> Fitted:
    """Return the rows that a share has room for, those whose attribute `first` is true before the others.

    The first one that does not fit ends it: what is left out is all of less weight.
    """
    listed: Sequence[Any] = list(rows)
    room, kept = ROOM[share], dict[int, Markup]()
    for number in sorted(range(len(listed)), key=lambda n: not _weighty(listed[n], first)):
        text = write(listed[number])
        room -= len(text.encode())
        if room < 0:
            break
        kept[number] = text
    shown = tuple((listed[number], kept[number]) for number in sorted(kept))
    return Fitted(shown, tuple(row for number, row in enumerate(listed) if number not in kept))


def _weighty(row: Any, name: str) -> bool:
    return not name or bool(row[name] if isinstance(row, Mapping) else getattr(row, name))
