"""Components of the services, from coverage/components.json: how much was reached, by whom, and by whom alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seatrial.core import GateResult, Verdict
from seatrial.record import Record
from seatrial.reporting._handed import read_handed
from seatrial.reporting._plain import escape

FUZZER = "contract"
TOTAL = "total"
SHOWN = 50
"""So many components are in summary.md; coverage/components.json has them all."""


def components_of(record: Record) -> dict[str, Any]:
    """Return components as the page shows them, with the rules about each; nothing where none were recorded."""
    found = read_handed(record.directory / "coverage" / "components.json", "coverage-1")
    return {**found, "rows": [_row(row, record.gates) for row in found["components"]]} if found else {}


def _row(row: Mapping[str, Any], gates: Sequence[GateResult]) -> dict[str, Any]:
    about = "coverage.total" if row["name"] == TOTAL else f"coverage.components.{row['name']}"
    rules = [gate for gate in gates if gate.metric == about]
    return {
        **row,
        "share": _percent(row["covered"], row["lines"]),
        "rules": rules,
        "open": any(gate.status is not Verdict.PASS for gate in rules),
        "by": [(called(suite), _percent(count, row["lines"])) for suite, count in _most_first(row["suites"])],
        "alone": [(called(suite), count) for suite, count in _most_first(row["only"])],
    }


def _percent(count: int, lines: int) -> float | None:
    return 100 * count / lines if lines else None


def _most_first(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(((name, count) for name, count in counts.items() if count), key=lambda pair: (-pair[1], pair[0]))


def called(suite: str) -> str:
    """Return what a reader calls whoever reached a line."""
    return "the fuzzer (contract)" if suite == FUZZER else suite


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
