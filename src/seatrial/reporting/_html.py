"""report.html: one self-contained page that needs no script."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any, TextIO

import jinja2

from seatrial.core import Finding, Outcome, content
from seatrial.record import Record
from seatrial.reporting._load import loads_of
from seatrial.reporting._matrix import matrix_of
from seatrial.reporting._verdict import findings_of, verdict_of

UNIT_SIGNS = {"percent": " %", "per_s": " /s", "count": "", "ratio": "", "": ""}


def write_html(record: Record, stream: TextIO, *, limits: dict[str, Any] | None = None) -> None:
    """Write the page: verdict, gates, findings with their requests, checks, figures, and what was not verified."""
    template = environment().get_template("report.html.j2")
    stream.write(template.render(**_context(record), limits=limits))


@functools.cache
def environment() -> jinja2.Environment:
    """Return what every page is made with: foreign text is escaped, and nothing that is missing passes silently.

    One for all pages of a process, which compiles each template once.
    """
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(content("reports") / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["figure"] = figure
    return found


def figure(value: float | None, unit: str = "") -> str:
    """Return a number for people: the exact one stands in verdict.json."""
    if value is None:
        return "not measured"
    shown = f"{value:.0f}" if float(value).is_integer() else f"{value:.2f}"
    return shown + UNIT_SIGNS.get(unit, f" {unit}")


def _context(record: Record) -> dict[str, Any]:
    facts = verdict_of(record)
    return {
        "facts": facts,
        "findings": list(_addressed(findings_of(record))),
        "exchanges": record.exchanges,
        "suites": _suites(record),
        "stages": _stages(facts),
        "stacks": record.stacks,
        "outcomes": [(outcome, record.count(outcome)) for outcome in Outcome],
        "matrix": matrix_of(record) if record.documented else None,
        "loads": loads_of(record.directory),
        "has_coverage": (record.directory / "coverage" / "html" / "index.html").is_file(),
    }


def _addressed(findings: Sequence[Finding]) -> Iterator[tuple[Finding, str]]:
    """Yield findings with their addresses on the page; of those with one fingerprint only the first has one."""
    taken: set[str] = set()
    for finding in findings:
        yield finding, "" if finding.fingerprint in taken else f"finding-{finding.fingerprint}"
        taken.add(finding.fingerprint)


def _suites(record: Record) -> dict[str, list[dict[str, Any]]]:
    suites: dict[str, list[dict[str, Any]]] = {}
    for check in record.planned.values():
        result = record.results.get(check.check)
        suites.setdefault(check.suite, []).append(
            {
                "check": check,
                "outcome": result.outcome.value if result else "inconclusive",
                "reason": result.reason if result else "the check never ended",
            }
        )
    return suites


def _stages(facts: dict[str, Any]) -> list[tuple[str, float, float | None]]:
    spent: dict[str, float] = {}
    for stage in facts["stages"]:
        spent[stage["stage"]] = spent.get(stage["stage"], 0.0) + stage["duration_s"]
    return [(stage, seconds, facts["budget_s"].get(stage)) for stage, seconds in spent.items()]
