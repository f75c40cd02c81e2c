"""Checks whose outcome is another one, and gates with both of their values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seatrial.core import GateResult
from seatrial.record import Record

NEVER = "never ended"


def checks_between(base: Record, candidate: Record) -> list[dict[str, Any]]:
    """Return the checks that ended differently, with the candidate's reason; last those of one run alone (null)."""
    slugs = dict.fromkeys([*base.planned, *base.results, *candidate.planned, *candidate.results])
    both = [(slug, _outcome(base, slug), _outcome(candidate, slug)) for slug in slugs]
    found = [
        {"check": slug, "base": before, "candidate": now, "reason": _reason(candidate, slug)}
        for slug, before, now in both
        if before != now
    ]
    return sorted(found, key=lambda check: None in {check["base"], check["candidate"]})


def _outcome(record: Record, check: str) -> str | None:
    if check in record.results:
        return record.results[check].outcome.value
    return NEVER if check in record.planned else None


def _reason(record: Record, check: str) -> str:
    return record.results[check].reason if check in record.results else ""


def gates_between(base: Record, candidate: Record) -> list[dict[str, Any]]:
    """Return every rule of either run, those first that ended differently."""
    return sorted(_gates(base, candidate), key=lambda gate: not gate["changed"])


def _gates(base: Record, candidate: Record) -> Iterator[dict[str, Any]]:
    before, now = ({gate.id: gate for gate in record.gates} for record in (base, candidate))
    for id_ in dict.fromkeys([*now, *before]):
        sides = {"base": _gate(before.get(id_)), "candidate": _gate(now.get(id_))}
        status = [side["status"] if side else None for side in sides.values()]
        yield {"id": id_, "unit": (now.get(id_) or before[id_]).unit, "changed": status[0] != status[1], **sides}


def _gate(gate: GateResult | None) -> dict[str, Any] | None:
    if gate is None:
        return None
    return {
        "status": gate.status.value,
        "value": gate.value,
        "threshold": gate.threshold,
        "informational": gate.informational,
        "reason": gate.reason,
    }
