"""The words that every telling of differences has in common, each of which is one line without markup."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from seatrial.core import Verdict
from seatrial.reporting._numbers import figure, side_by_side
from seatrial.reporting.compare._figures import FIGURES

HEADINGS: Mapping[str, str] = {
    "new": "new",
    "fixed": "fixed",
    "not-looked-at": "not looked at again",
    "still": "still there",
    "unconfirmed": "not confirmed",
    "flaky": "flaky",
    "waived": "waived",
}
"""What becomes of findings, in the order in which it is told."""

ERRORS = "error_ratio"
WORDS: Mapping[str, tuple[str, str]] = {"rate": ("fewer", "more"), ERRORS: ("more errors", "fewer errors")}
SLOWER = ("slower", "faster")
CHANGES: Mapping[str, str] = {"rate": "times as many", ERRORS: "percentage points"}
LITTLE = 0.1
"""Of a ratio below, two digits after the point say too little."""

SIDES = ("base", "candidate")


def certainly(name: str, state: str) -> str:
    """Return what is certain of a figure: slower, faster, or that nothing is."""
    words = WORDS.get(name, SLOWER)
    told = {"worse": words[0], "better": words[1], "not-compared": "not compared"}
    return told.get(state, "not certain")


def interval(name: str, found: Mapping[str, Any] | None) -> str:
    """Return a figure with its interval; a bound that is not known is a question mark."""
    if found is None:
        return "no figure"
    sides = [_number(found[side], name) if found[side] is not None else "?" for side in ("low", "high")]
    value = figure(100 * found["value"], "percent") if name == ERRORS else figure(found["value"], FIGURES[name])
    return f"{value}{_bounds(*sides)}"


def _bounds(low: str, high: str) -> str:
    return "" if low == high == "?" else f" ({low} to {high})"


def lateness(lags_ms: Mapping[str, Mapping[str, float] | None]) -> str:
    """Return how late the generator began arrivals, which tells how busy the machine was; empty unless of both runs."""
    each = [f"{_late(lags)} in the {side}" for side in SIDES if (lags := lags_ms[side])]
    if len(each) < len(SIDES):
        return ""
    return (
        f"how late the generator began half of the arrivals: {', '.join(each)}; a machine that keeps it waiting keeps "
        "the service waiting too"
    )


def _late(lags_ms: Mapping[str, float]) -> str:
    return f"up to {figure(lags_ms['p50'], 'ms')} (99 %: up to {figure(lags_ms['p99'], 'ms')})"


def change(name: str, found: Mapping[str, Any] | None) -> str:
    """Return how many times the base's figure another is, or of an error ratio by how much it is more."""
    if found is None:
        return ""
    values = (found[side] for side in ("value", "low", "high"))
    value, low, high = ("?" if each is None else _changed(each, name) for each in values)
    return f"{value} {CHANGES.get(name, 'times as long')}{_bounds(low, high)}"


def _changed(value: float, name: str) -> str:
    if name == ERRORS:
        return f"{100 * value:+.2f}"
    return f"{value:.2f}" if value >= LITTLE else f"{value:.2g}"


def told_apart(name: str, found: Mapping[str, Any]) -> str:
    """Return what is certain of a figure, and by how much it changed."""
    return ", ".join(filter(None, [certainly(name, found["state"]), change(name, found["change"])]))


def _number(value: float, name: str) -> str:
    if name == ERRORS:
        return figure(100 * value)
    digits = next(digits for digits, least in ((0, 100), (1, 10), (2, -math.inf)) if value >= least)
    return f"{value:.{digits}f}"


def gate_words(gate: Mapping[str, Any]) -> list[str]:
    """Return how a rule ended in each run, and its value."""
    sides = [gate[side] for side in SIDES]
    values = side_by_side([side["value"] if side else None for side in sides], gate["unit"])
    return [_ended(side, value) for side, value in zip(sides, values, strict=True)]


def _ended(side: Mapping[str, Any] | None, value: str) -> str:
    if side is None:
        return "no such gate"
    return f"{Verdict(side['status']).words} ({value}{', informational' if side['informational'] else ''})"


def shares(each: Mapping[str, Any]) -> list[str]:
    """Return the percentages of both runs; unknown is one that a run does not have."""
    values = [each[side] for side in SIDES]
    told = side_by_side(values, "percent", digits=1)
    return ["unknown" if value is None else text for value, text in zip(values, told, strict=True)]


def told_file(file: Mapping[str, Any]) -> str:
    """Return which lines of a file are newly reached, and which no longer."""
    if None in {file["base"], file["candidate"]}:
        side = SIDES[file["base"] is None]
        return f"{file['file']} (in the {side} alone): lines reached: {file[side]}"
    if not file["same"]:
        return f"{file['file']} (other statements now): lines reached: {file['base']} -> {file['candidate']}"
    parts = [f"newly reached {file['newly']}" if file["newly"] else ""]
    parts += [f"no longer reached {file['no_longer']}" if file["no_longer"] else ""]
    return f"{file['file']}: {'; '.join(filter(None, parts))}"


def figures_told(operation: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the figures of an operation that a reader needs: how much went well only where that is not the same."""
    for name, found in operation["figures"].items():
        if (
            name not in WORDS
            or found["base"] is None
            or found["base"] != found["candidate"]
            or not operation["operation"]
        ):
            yield name, found


ALL_OPERATIONS = "all operations"
