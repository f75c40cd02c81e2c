"""Processes that had not arrived in a phase when its suite began: until they did, their lines count for the one before.

Whether a process that says nothing was killed, which is harmless, or only stood still shows later: it is heard again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

Seen = tuple[int, int]
"""When a process last showed its phase, and when it said that it began, both in ns (0: never)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A process, by the file in which it shows its phase, that was still in the phase `before` another one."""

    file: Path
    phase: str
    before: str
    seen: Seen


def missing(data: Path, phase: str) -> Iterator[Missed]:
    """Yield the processes whose last word, in the data folder of a share, is of another phase."""
    for file in (data / "ack").glob("[!.]*"):
        try:
            before = file.read_text(encoding="utf-8")
            seen = _seen(file)
        except FileNotFoundError:
            continue  # it ended just now
        if before != phase:
            yield Missed(file=file, phase=phase, before=before, seen=seen)


def describe_late(missed: Iterable[Missed]) -> list[dict[str, str | int]]:
    """Return by phase and service how many of these processes were heard again: they lived, and had not arrived."""
    late = Counter((each.phase, each.before, each.file.name.partition("@")[0]) for each in missed if _lived(each))
    return [
        {"phase": phase, "before": before, "service": service, "processes": count}
        for (phase, before, service), count in late.items()
    ]


def told(late: Mapping[str, str | int]) -> str:
    """Return what that means, in a sentence without an end."""
    return (
        f"{late['processes']} process(es) of {late['service']} had not arrived in the phase {late['phase']} when it "
        f"began: what they executed until they did counts for {late['before']}"
    )


def _lived(missed: Missed) -> bool:
    """Return whether it was heard after it was missed; another process of the same number says nothing of it."""
    try:
        seen = _seen(missed.file)
    except FileNotFoundError:
        return True  # which it takes away at its own end alone
    return seen[0] != missed.seen[0] and seen[1] == missed.seen[1]


def _seen(file: Path) -> Seen:
    """Return the times of a process; raises FileNotFoundError for one that has ended."""
    began = file.parents[1] / "processes" / f"{file.name}.json"
    return file.stat().st_mtime_ns, began.stat().st_mtime_ns if began.exists() else 0
