"""report.html: one self-contained page that needs no script."""

from __future__ import annotations

import base64
import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from hashlib import sha256
from typing import Any, TextIO

import jinja2
from markupsafe import Markup

from seatrial.core import Exchange, Finding, Outcome, Verdict, content
from seatrial.core.plain import LONGEST, plain
from seatrial.record import Record
from seatrial.reporting._access import access_of
from seatrial.reporting._addresses import address
from seatrial.reporting._budget import when, without_budget
from seatrial.reporting._components import components_of, threshold
from seatrial.reporting._heatmap import heatmap_of
from seatrial.reporting._history import history_of
from seatrial.reporting._load import loads_of
from seatrial.reporting._matrix import matrix_of
from seatrial.reporting._numbers import figure
from seatrial.reporting._patch import patch_of
from seatrial.reporting._room import Rooms
from seatrial.reporting._slowest import slowest_loaded, slowest_recorded
from seatrial.reporting._trace_lines import Logged, lines_around, lines_by_trace
from seatrial.reporting._trend import trend_of
from seatrial.reporting._verdict import findings_of, verdict_of

GOOD = frozenset({Outcome.PASSED, Outcome.NOT_APPLICABLE})
ALIKE = 60
"""So many figures of one definition are shown."""


def write_html(record: Record, stream: TextIO, *, limits: dict[str, Any] | None = None) -> None:
    """Write the page: verdict, gates, findings with their requests, checks, figures, and what was not verified."""
    template = environment().get_template("report.html.j2")
    stream.write(template.render(**_context(record), limits=limits))


@functools.cache
def environment() -> jinja2.Environment:
    """Return what every page is made with: foreign text is plain and escaped, and nothing missing passes silently.

    One for all pages of a process, which compiles each template once.
    """
    folder = content("reports") / "templates"
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    script = (folder / "page.js").read_text(encoding="utf-8")
    found.filters.update(figure=figure, shortened=lambda text, longest: plain(text, longest=longest))
    found.globals.update(
        address=address,
        longest=LONGEST,
        script=Markup(script),  # noqa: S704 - ours
        script_hash=_hash(script),
    )
    return found


def _shown(value: Any) -> Any:
    """Return what stands on a page for a value: no text is longer than people read, or holds what they do not see."""
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _hash(script: str) -> Markup:
    """Return by what a content security policy knows the one script that may run."""
    digest = base64.b64encode(sha256(script.encode()).digest()).decode()
    return Markup("sha256-{}").format(Markup(digest))  # noqa: S704 - base64


def _context(record: Record) -> dict[str, Any]:
    facts, matrix = verdict_of(record), matrix_of(record) if record.documented else None
    checks, loads = list(_checks(record)), loads_of(record.directory, record.gates)
    budgets = [budget for load in loads for budget in load["budgets"]]
    return {
        "fit": Rooms().fit,
        "facts": facts,
        "findings": list(_addressed(findings_of(record))),
        "evidence_of": functools.partial(_evidence, record),
        "lines_of": functools.partial(_lines, record, lines_by_trace(record)),
        "checks": checks,
        "gates": list(_gates(record)),
        "history": history_of(record),
        "suites": _suites(checks),
        "stages": _stages(facts),
        "stacks": record.stacks,
        "outcomes": [(outcome, record.count(outcome)) for outcome in Outcome],
        "matrix": matrix,
        "access": access_of(matrix) if matrix else None,
        "heatmap": heatmap_of(matrix) if matrix else None,
        "loads": loads,
        "budgets": budgets,
        "without_budget": without_budget(loads, budgets),
        "when": when,
        "slowest_loaded": slowest_loaded(loads),
        "slowest_recorded": slowest_recorded(record),
        "definitions": _definitions(facts["measurements"]),
        "components": components_of(record),
        "threshold": threshold,
        "patch": patch_of(record),
        "pictures": sorted(picture.stem for picture in (record.directory / "web").glob("*.png")),
        "has_coverage": (record.directory / "coverage" / "html" / "index.html").is_file(),
    }


def _addressed(findings: Sequence[Finding]) -> Iterator[tuple[Finding, str]]:
    """Yield findings with their addresses on the page; of those with one fingerprint only the first has one."""
    taken: set[str] = set()
    for finding in findings:
        yield finding, "" if finding.fingerprint in taken else f"finding-{finding.fingerprint}"
        taken.add(finding.fingerprint)


def _gates(record: Record) -> Iterator[dict[str, Any]]:
    """Yield gates with their addresses on the page, of one rule only the first; one that is `open` does not hold.

    `again`: a gate before it has the same reason.
    """
    taken, reasons = set[str](), set[str]()
    for gate in record.gates:
        there = "" if gate.id in taken else address("gate", gate.id)
        trend, is_open = trend_of(gate, record.earlier), gate.status is not Verdict.PASS
        shown = {"status": gate.status.value, "words": gate.status.words, "address": there, "trend": trend}
        yield {**asdict(gate), **shown, "open": is_open, "again": gate.reason in reasons}
        taken.add(gate.id)
        reasons.add(gate.reason)


def _evidence(record: Record, finding: Finding) -> list[Exchange]:
    return [record.exchanges[id_] for id_ in finding.evidence if id_ in record.exchanges]


def _lines(record: Record, by_trace: Mapping[str, list[Logged]], finding: Finding) -> list[Logged]:
    return lines_around(_evidence(record, finding), by_trace)


def _checks(record: Record) -> Iterator[dict[str, Any]]:
    """Yield each planned check with its outcome; one that is `open` is to be seen before those that are not."""
    for check in record.planned.values():
        result = record.results.get(check.check)
        outcome = result.outcome if result else Outcome.INCONCLUSIVE
        reason = result.reason if result else "the check never ended"
        yield {"check": check, "outcome": outcome.value, "reason": reason, "open": outcome not in GOOD}


def _suites(checks: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    names = dict.fromkeys(row["check"].suite for row in checks)
    return [_suite(name, [row for row in checks if row["check"].suite == name]) for name in names]


def _suite(name: str, checks: Sequence[dict[str, Any]]) -> dict[str, Any]:
    passed = sum(row["outcome"] == Outcome.PASSED for row in checks)
    return {"name": name, "planned": len(checks), "passed": passed, "open": any(row["open"] for row in checks)}


def _definitions(measurements: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return definitions, each with the figures that it defines: most figures of a load have one of few."""
    together: dict[str, list[dict[str, Any]]] = {}
    for measured in measurements:
        together.setdefault(measured["definition"], []).append(measured)
    return [
        {"definition": text, "measurements": each[:ALIKE], "count": len(each), "left": max(len(each) - ALIKE, 0)}
        for text, each in together.items()
    ]


def _stages(facts: dict[str, Any]) -> list[tuple[str, float, float | None]]:
    spent: dict[str, float] = {}
    for stage in facts["stages"]:
        spent[stage["stage"]] = spent.get(stage["stage"], 0.0) + stage["duration_s"]
    return [(stage, seconds, facts["budget_s"].get(stage)) for stage, seconds in spent.items()]
