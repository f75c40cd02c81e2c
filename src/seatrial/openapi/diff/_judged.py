"""How bad changes are for a project: its own decisions about kinds, and the waivers that hold."""

from __future__ import annotations

import datetime as dt
import difflib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from seatrial.config import ContractSettings, ContractWaiverSettings
from seatrial.core import UsageError
from seatrial.openapi._pointers import pointer
from seatrial.openapi.diff._law import KINDS, Change, Level

LONGEST = 80


@dataclass(frozen=True, slots=True)
class Judged:
    """A change in all the operations that it is one of; `waived` says by whom and until when, `expired` since when."""

    change: Change
    level: Level
    operations: tuple[str, ...]
    waived: str = ""
    expired: str = ""

    @property
    def counts(self) -> bool:
        """Return whether nobody answers for it."""
        return not self.waived

    @property
    def title(self) -> str:
        """Return what changed where, in one line."""
        change = self.change
        shown = self.operations[0] if self.operations else ""
        where = ": ".join(part for part in (shown, change.place) if part)
        said = [_short(value) for value in (change.before, change.after)]
        told = "" if change.before is None and change.after is None else f": {said[0]} -> {said[1]}"
        more = f" (in {len(self.operations)} operations)" if len(self.operations) > 1 else ""
        return f"{where}: {change.kind}{told}{more}".removeprefix(": ")

    def as_json(self) -> dict[str, Any]:
        """Return everything about it as JSON can hold it."""
        change = self.change
        return {
            "level": self.level,
            "kind": change.kind,
            "side": change.side,
            "effect": change.effect,
            "operations": list(self.operations),
            "place": change.place,
            "old": pointer(change.old) if change.old else None,
            "new": pointer(change.new) if change.new else None,
            "before": change.before,
            "after": change.after,
            "waived": self.waived or None,
            "expired": self.expired or None,
        }


def judge_changes(changes: Iterable[Change], contract: ContractSettings, *, today: dt.date) -> list[Judged]:
    """Return changes with their levels, the worst first; one of a schema that many operations use is told once."""
    check_kinds(contract)
    found: dict[str, Judged] = {}
    for change in changes:
        judged = _judged(change, contract, today)
        key = _key(judged)
        known = found.get(key, judged).operations
        found[key] = Judged(
            found.get(key, judged).change,
            judged.level,
            tuple(dict.fromkeys([*known, *judged.operations])),
            judged.waived,
            judged.expired,
        )
    worst = list(Level)
    return sorted(found.values(), key=lambda judged: worst.index(judged.level))


def check_kinds(contract: ContractSettings) -> None:
    """Raise UsageError for a decision or a waiver about a kind of change that does not exist."""
    named = [("[contract.severity]", kind) for kind in contract.severity]
    for where, kind in [*named, *(("[[contract.waivers]]", waiver.kind) for waiver in contract.waivers)]:
        if kind not in KINDS:
            near = difflib.get_close_matches(kind, KINDS, n=1, cutoff=0.5)
            raise UsageError(
                f"there is no kind of change {kind!r}",
                slug="contract-kind",
                where=where,
                remedy=f"did you mean {near[0]!r}?" if near else "docs/how-to/compare-contracts.md lists them",
            )


def counting(judged: Iterable[Judged], level: Level) -> list[Judged]:
    """Return what is of a level, and nobody answers for."""
    return [each for each in judged if each.level is level and each.counts]


def _judged(change: Change, contract: ContractSettings, today: dt.date) -> Judged:
    waivers = [waiver for waiver in contract.waivers if waiver.kind == change.kind and _is_in(change, waiver.place)]
    holding = [waiver for waiver in waivers if dt.date.fromisoformat(waiver.expires) >= today]
    return Judged(
        change,
        change.level(contract.severity),
        (change.operation,) if change.operation else (),
        waived=next((_told(waiver) for waiver in holding), ""),
        expired=next((_told(waiver) for waiver in waivers if not holding), ""),
    )


def _told(waiver: ContractWaiverSettings) -> str:
    return f"until {waiver.expires} by {waiver.owner}: {waiver.reason}"


def _is_in(change: Change, place: str) -> bool:
    """Return whether a place is that of a change: its operation, what is in it, or where it is in the document."""
    pattern = ".*".join(map(re.escape, place.split("*")))
    there = (change.operation, f"{change.operation}: {change.place}", change.at)
    return not place or any(re.fullmatch(pattern, each) for each in there)


def _key(judged: Judged) -> str:
    """Return what is the same for one change of a schema wherever the schema is used."""
    change = judged.change
    parts = (change.kind, change.old, change.new, change.before, change.after, judged.level, judged.waived)
    alone = () if change.old and change.new else (change.operation, change.place)
    return json.dumps([*parts, judged.expired, *alone], default=str)


def _short(value: Any) -> str:
    told = "nothing" if value is None else value if isinstance(value, str) else json.dumps(value)
    return told if len(told) <= LONGEST else f"{told[:LONGEST]}..."


def summary(judged: Sequence[Judged]) -> Iterator[str]:
    """Yield how many changes there are of each level, and how many are waived."""
    for level in Level:
        yield f"{len(counting(judged, level))} {level}"
    waived = sum(not each.counts for each in judged)
    if waived:
        yield f"{waived} waived"
