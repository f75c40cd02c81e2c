"""Processes that had not arrived in a phase when its suite began: until they did, their lines count for the one before.

Whether a process that says nothing was killed, which is harmless, or only stood still shows later: it is heard again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from seatrial.stack import Share

ACK = "data/ack"

SAME_S = 0.001
"""Two times of a file that differ by less are one: an archive in which it was copied has them as numbers of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A process, by the file in which it shows its phase, that was still in the phase `before` another one.

    `seen_s` is when it last showed it, `began_s` when it said that it began (0: never).
    """

    process: str
    phase: str
    before: str
    seen_s: float
    began_s: float


def missing(share: Share, phase: str) -> list[Missed]:
    """Return the processes whose last word is of another phase; raises EnvironmentFailure."""
    behind = [each for each in share.look(ACK) if each.text != phase]
    began = _began(share) if behind else {}
    return [
        Missed(
            process=each.name,
            phase=phase,
            before=each.text,
            seen_s=each.written_s,
            began_s=began.get(each.name, 0.0),
        )
        for each in behind
    ]


def describe_late(missed: Iterable[Missed], share: Share) -> list[dict[str, str | int]]:
    """Return by phase and service how many of these processes were heard again: they lived, and had not arrived."""
    seen, began = {each.name: each.written_s for each in share.look(ACK)}, _began(share)
    lived = (each for each in missed if _lived(each, seen, began))
    late = Counter((each.phase, each.before, each.process.partition("@")[0]) for each in lived)
    return [
        {"phase": phase, "before": before, "service": service, "processes": count}
        for (phase, before, service), count in late.items()
    ]


def told(late: Mapping[str, str | int]) -> str:
    """Return what that means, in a sentence without an end."""
    one = late["processes"] == 1
    return (
        f"{late['processes']} {'process' if one else 'processes'} of {late['service']} had not arrived in the phase "
        f"{late['phase']} when it began: what {'it' if one else 'they'} executed until then counts for {late['before']}"
    )


def _lived(missed: Missed, seen: Mapping[str, float], began: Mapping[str, float]) -> bool:
    """Return whether it was heard after it was missed; another process of the same number says nothing of it."""
    if missed.process not in seen:
        return True  # which it takes away at its own end alone
    heard_s, began_s = seen[missed.process], began.get(missed.process, 0.0)
    return abs(heard_s - missed.seen_s) > SAME_S and abs(began_s - missed.began_s) < SAME_S


def _began(share: Share) -> dict[str, float]:
    """Return when each process said that it began."""
    return {each.name.removesuffix(".json"): each.written_s for each in share.look("data/processes")}
