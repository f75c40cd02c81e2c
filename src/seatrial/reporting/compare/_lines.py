"""Differences as lines of a terminal, each with a style: what is worse is told by words too, never by colour alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from seatrial.core.plain import plain_line
from seatrial.reporting.compare._findings import STATES, listed
from seatrial.reporting.compare._words import (
    ALL_OPERATIONS,
    HEADINGS,
    figures_told,
    gate_words,
    interval,
    lateness,
    shares,
    told_apart,
    told_file,
)

Line = tuple[str, str]
"""A style that rich knows (empty: none), and a text."""

SHOWN = 30
"""So many of a kind are listed: the JSON has them all."""

STYLES: Mapping[str, str] = {
    "new": "bold red", "fixed": "green", "not-looked-at": "yellow", "flaky": "yellow", "unconfirmed": "yellow",
    "worse": "bold red", "better": "green", "fail": "bold red", "failed": "bold red", "pass": "green",
    "passed": "green",
}  # fmt: skip


def lines_of(found: Mapping[str, Any]) -> Iterator[Line]:
    """Yield what differs between two runs, whatever is worst first within each part."""
    yield from _sides(found)
    yield from _findings(found["findings"])
    yield from _checks(found["checks"])
    yield from _gates(found["gates"])
    yield from _coverage(found["coverage"])
    yield from _contract(found["contract"])
    for scenario in found["load"]:
        yield from _scenario(scenario)


def _sides(found: Mapping[str, Any]) -> Iterator[Line]:
    for name in ("base", "candidate"):
        side = found[name]
        reason = plain_line(side["reason"])
        yield STYLES.get(side["verdict"], "yellow"), f"{name:<10} {side['run'] or '?'}  {side['verdict']}: {reason}"
    for each in found["conditions"]:
        yield "", f"differs:   {each['what']}: {plain_line(each['base'])} -> {plain_line(each['candidate'])}"
    for note in found["notes"]:
        yield "yellow", f"note:      {plain_line(note)}"


def _findings(found: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    counts = [f"{len(listed(found, state))} {HEADINGS[state]}" for state in STATES if listed(found, state)]
    yield from _title(f"findings: {', '.join(counts) or 'none'}")
    for state in STATES:
        yield from _shortened(_finding(each) for each in listed(found, state))


def _finding(each: Mapping[str, Any]) -> Line:
    unseen = f" [{plain_line(each['unseen'])}]" if each["state"] == "not-looked-at" else ""
    before = " [the base did not look]" if each["state"] == "new" and each["unseen"] else ""
    what = " ".join(plain_line(word) for word in (each["operation"], each["title"]) if word)
    words = f"{HEADINGS[each['state']]:<19} {each['severity']:<8} {each['check']}: {what}{unseen}{before}"
    return STYLES.get(each["state"], ""), f"  {words}"


def _checks(found: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    yield from _title(f"checks: {len(found) or 'none'} changed")
    yield from _shortened(
        (
            STYLES.get(each["candidate"] or "", "yellow"),
            f"  {each['check']}: {each['base'] or 'not in the run'} -> {each['candidate'] or 'not in the run'}"
            + (f" ({plain_line(each['reason'])})" if each["reason"] else ""),
        )
        for each in found
    )


def _gates(found: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    changed = sum(gate["changed"] for gate in found)
    yield from _title(f"gates: {changed or 'none'} of {len(found)} ended differently")
    yield from _shortened(map(_gate, found))


def _gate(gate: Mapping[str, Any]) -> Line:
    before, now = gate_words(gate)
    status = gate["candidate"]["status"] if gate["candidate"] else ""
    style = STYLES.get(status, "yellow") if gate["changed"] else ""
    return style, f"  {gate['id']}: {before}" + (f" -> {now}" if before != now else ", the same")


def _coverage(found: Mapping[str, Any] | None) -> Iterator[Line]:
    if found is None:
        return
    yield from _title("coverage of the services")
    for gap in found["incomplete"]:
        yield "yellow", f"  {plain_line(gap)}: no lines are compared"
    yield from _shortened(("", f"  {row['name']}: {' -> '.join(shares(row))}") for row in found["components"])
    yield from _shortened(("", f"  {line}") for line in map(told_file, found["files"]))


def _contract(found: Mapping[str, Any] | None) -> Iterator[Line]:
    if found is None:
        return
    yield from _title("how much of the contract was exercised")
    for name, each in found["figures"].items():
        yield "", f"  {name}: {' -> '.join(shares(each))}"
    for name, words in (("added", "only the candidate documents"), ("removed", "only the base documents")):
        yield from _shortened(("", f"  {words} {plain_line(each)}") for each in found[name])
    for name, words in (("newly", "newly exercised"), ("no_longer", "no longer exercised")):
        yield from _shortened(
            ("", f"  {words}: {plain_line(each['operation'])} {plain_line(each['what'])}") for each in found[name]
        )


def _scenario(scenario: Mapping[str, Any]) -> Iterator[Line]:
    yield from _title(f"load {scenario['scenario']}" + (": not compared" if scenario["why"] else ""))
    for note in (*scenario["why"], *scenario["notes"]):
        yield "yellow", f"  {plain_line(note)}"
    if late := lateness(scenario["lag_ms"]):
        yield "", f"  {late}"
    rows = [row for operation in scenario["operations"] for row in _rows(operation)]
    widths = [max((len(row[1][at]) for row in rows), default=0) for at in range(5)]
    for style, cells in rows:
        yield style, "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip()


def _rows(operation: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    name = plain_line(operation["operation"], longest=60) or ALL_OPERATIONS
    for figure, found in figures_told(operation):
        values = (interval(figure, found["base"]), interval(figure, found["candidate"]))
        yield STYLES.get(found["state"], ""), (name, figure, *values, told_apart(figure, found))
        name = ""


def _title(text: str) -> Iterator[Line]:
    yield "", ""
    yield "bold", text


def _shortened(lines: Iterable[Line]) -> Iterator[Line]:
    every = list(lines)
    yield from every[:SHOWN]
    if len(every) > SHOWN:
        yield "", f"  and {len(every) - SHOWN} more: --json has them all"
