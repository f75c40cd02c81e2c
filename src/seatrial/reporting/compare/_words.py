"""The words that every telling of differences has in common, each of which is one line without markup."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from seatrial.core import Verdict
from seatrial.reporting._numbers import figure
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

WORDS: Mapping[str, tuple[str, str]] = {"rate": ("fewer", "more"), "error_ratio": ("more errors", "fewer errors")}
SLOWER = ("slower", "faster")


def certainly(name: str, state: str) -> str:
    """Return what is certain of a figure: slower, faster, or that nothing is."""
    words = WORDS.get(name, SLOWER)
    told = {"worse": words[0], "better": words[1], "not-compared": "not compared"}
    return told.get(state, "not told apart")


def interval(name: str, found: Mapping[str, Any] | None) -> str:
    """Return a figure with its interval; a bound that is not known is a question mark."""
    if found is None:
        return "no figure"
    sides = [_number(found[side], name) if found[side] is not None else "?" for side in ("low", "high")]
    between = "" if sides == ["?", "?"] else f" ({sides[0]} to {sides[1]})"
    return f"{figure(found['value'], FIGURES[name])}{between}"


def lateness(lags_ms: Mapping[str, Mapping[str, float] | None]) -> str:
    """Return how late the generator began arrivals in each run, which tells how busy the machine was."""
    before, now = (_late(lags_ms[side]) for side in ("base", "candidate"))
    return (
        f"the generator began half of the arrivals {before}, then {now}: a busy machine keeps the service waiting too"
    )


def _late(lags_ms: Mapping[str, float] | None) -> str:
    return (
        f"within {figure(lags_ms['p50'], 'ms')} (99 % within {figure(lags_ms['p99'], 'ms')})" if lags_ms else "unknown"
    )


def change(name: str, found: Mapping[str, Any] | None) -> str:
    """Return how many times the base's figure another is, or of an error ratio by how much it is more."""
    if found is None:
        return ""
    sign, unit = ("+", "") if name == "error_ratio" else ("", " times")
    values = [found[side] for side in ("value", "low", "high")]
    value, low, high = ("?" if each is None else f"{each:{sign}.2f}" for each in values)
    return f"{value}{unit} ({low} to {high})"


def _number(value: float, name: str) -> str:
    return figure(value, "") if name == "error_ratio" else f"{value:.1f}"


def gate_words(gate: Mapping[str, Any] | None, unit: str) -> str:
    """Return how a rule ended in one run, and its value."""
    if gate is None:
        return "no such gate"
    aside = ", informational" if gate["informational"] else ""
    return f"{Verdict(gate['status']).words} ({figure(gate['value'], unit)}{aside})"


def percent(value: float | None) -> str:
    """Return a share, or that there is none."""
    return "unknown" if value is None else f"{value:.1f} %"


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
