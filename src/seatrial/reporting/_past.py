"""A run as later ones know it: one line of the history."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from seatrial.core import Verdict
from seatrial.record import PastGate, PastRun, Record
from seatrial.reporting._verdict import verdict_of


def past_run(record: Record) -> PastRun:
    """Return a run as later ones know it: of one that broke no figures, as those of a part say nothing."""
    started, facts = record.origin, verdict_of(record)
    broke = bool(record.failure or record.damage)
    return PastRun(
        run=started.run,
        time=started.started,
        project=started.project,
        profile=started.profile,
        stack=started.stack,
        asked=re.sub(r" --seed \d+", "", started.command),
        suites=started.suites,
        commit=record.commit,
        verdict=Verdict(facts["verdict"]),
        broke=broke,
        duration_s=facts["duration_s"],
        **({} if broke else _figures(facts)),
    )


def _figures(facts: dict[str, Any]) -> dict[str, Any]:
    covered = facts["coverage"]
    return {
        "gates": tuple(map(_gate, facts["gates"])),
        "coverage": {"total": covered["lines_percent"], **covered["components"]} if covered else {},
        "findings": Counter(finding["severity"] for finding in facts["findings"]),
        "checks": facts["checks"],
    }


def _gate(gate: dict[str, Any]) -> PastGate:
    kept = {name: gate[name] for name in ("id", "metric", "value", "unit", "informational")}
    return PastGate(**kept, status=Verdict(gate["status"]))
