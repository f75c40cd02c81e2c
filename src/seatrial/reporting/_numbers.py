"""Numbers for people: the exact ones stand in verdict.json."""

from __future__ import annotations

UNIT_SIGNS = {"percent": " %", "per_s": " /s", "count": "", "ratio": "", "": ""}


def figure(value: float | None, unit: str = "") -> str:
    """Return a number with its unit, rounded to two digits behind the point."""
    if value is None:
        return "not measured"
    shown = f"{value:.0f}" if float(value).is_integer() else f"{value:.2f}"
    return shown + UNIT_SIGNS.get(unit, f" {unit}")
