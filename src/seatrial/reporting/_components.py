"""Components of the services, from coverage/components.json: how much was reached, by whom, and by whom alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seatrial.core import GateResult, Verdict
from seatrial.record import Record
from seatrial.reporting._cost import cost_of
from seatrial.reporting._handed import read_handed
from seatrial.reporting._plain import escape
from seatrial.reporting._tree import TOTAL, called, most_first, percent, tree_of

SHOWN = 50
"""So many components are in summary.md; coverage/components.json has them all."""

LATEST = 5
"""So many services that were late for a suite are named."""

LINKED = 16
"""For the branches of so many components there is room on every page."""


def components_of(record: Record) -> dict[str, Any]:
    """Return components as the page shows them, with the rules about each; nothing where none were recorded."""
    found = read_handed(record.directory / "coverage" / "components.json", "coverage-1")
    if not found:
        return {}
    rows = [_row(row, record.gates) for row in found["components"]]
    tree = tree_of(found, [row["name"] for row in rows if row["open"]])
    linked = _linked(rows, found["incomplete"], tree["branches"])
    more = {"cost": cost_of(record, found["interpreters"]), "doubt": _doubt(found["late"])}
    return {**found, "rows": linked, "tree": tree, **more}


def _doubt(late: Sequence[Mapping[str, Any]]) -> str:
    """Return which lines may count for the suite before, empty where none may."""
    each = [
        f"when {one['phase']} began, {_processes(one)} had not arrived in it, and what ran there until then counts for "
        f"{one['before']}"
        for one in late
    ]
    more = f"; {len(each) - LATEST} more are in coverage/attribution.json" if len(each) > LATEST else ""
    return f"Who reached what is not sure: {'; '.join(each[:LATEST])}{more}." if each else ""


def _processes(late: Mapping[str, Any]) -> str:
    return f"{late['processes']} {'process' if late['processes'] == 1 else 'processes'} of {late['service']}"


def _linked(rows: list[dict[str, Any]], gap: str, branches: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Lead from rows to their branches of the tree, where all of these are on the page."""
    there = {} if gap or len(branches) > LINKED else {branch["name"]: branch["address"] for branch in branches}
    return [{**row, "branch": there.get(row["name"], "")} for row in rows]


def _row(row: Mapping[str, Any], gates: Sequence[GateResult]) -> dict[str, Any]:
    about = "coverage.total" if row["name"] == TOTAL else f"coverage.components.{row['name']}"
    rules = [gate for gate in gates if gate.metric == about]
    return {
        **row,
        "share": percent(row["covered"], row["lines"]),
        "rules": rules,
        "open": any(gate.status is not Verdict.PASS for gate in rules),
        "by": [(called(suite), percent(count, row["lines"])) for suite, count in most_first(row["suites"])],
        "alone": [(called(suite), count) for suite, count in most_first(row["only"])],
    }


def threshold(gate: GateResult) -> str:
    """Return what a rule about a percentage asks for: its number, and the baseline that this follows from."""
    if gate.threshold is None:
        return f"{gate.operator} baseline"
    from_ = f" (baseline {gate.baseline:.4g} %)" if gate.baseline is not None else ""
    return f"{gate.operator} {gate.threshold:.4g} %{from_}"


def component_lines(record: Record) -> Iterator[str]:
    """Yield the table of components as Markdown."""
    found = components_of(record)
    if not found:
        return
    yield from ("", "## Coverage of the services", "")
    if found["incomplete"]:
        yield from (f"{escape(found['incomplete'])}: no share is given.", "")
    yield "| component | lines | share | rule | reached by | by one suite alone | by no request |"
    yield "|---|---|---|---|---|---|---|"
    for row in found["rows"][:SHOWN]:
        yield f"| {' | '.join(map(escape, _cells(row, incomplete=bool(found['incomplete']))))} |"
    if len(found["rows"]) > SHOWN:
        yield f"\n{len(found['rows']) - SHOWN} more are in coverage/components.json."
    if found["doubt"]:
        yield from ("", escape(found["doubt"]))
    if found["cost"]:
        yield from ("", escape(found["cost"]))


def _cells(row: Mapping[str, Any], *, incomplete: bool) -> Iterator[str]:
    yield row["name"]
    yield str(row["lines"])
    yield "incomplete" if incomplete else _shown(row["share"])
    yield ", ".join(f"{threshold(gate)}: {gate.status.words}" for gate in row["rules"]) or "none"
    yield ", ".join(f"{suite} {_shown(share)}" for suite, share in row["by"]) or "nobody"
    yield ", ".join(f"{suite} {count}" for suite, count in row["alone"]) or "none"
    yield str(row["unreached"])


def _shown(share: float | None) -> str:
    return "no line" if share is None else f"{share:.1f} %"
