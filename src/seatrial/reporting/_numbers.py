"""Numbers for people: the exact ones stand in verdict.json."""

from __future__ import annotations

from collections.abc import Sequence

UNIT_SIGNS = {"percent": " %", "per_s": " /s", "count": "", "ratio": "", "": ""}


MOST_DIGITS = 9


def figure(value: float | None, unit: str = "", *, digits: int = 2) -> str:
    """Return a number with its unit, rounded to so many digits behind the point."""
    if value is None:
        return "not measured"
    shown = f"{value:.0f}" if float(value).is_integer() else f"{value:.{digits}f}"
    return shown + UNIT_SIGNS.get(unit, f" {unit}")


def side_by_side(values: Sequence[float | None], unit: str = "", *, digits: int = 2) -> list[str]:
    """Return numbers as `figure` does, with more digits where those that differ would look the same."""
    many = next((many for many in range(digits, MOST_DIGITS) if _told_apart(values, many)), MOST_DIGITS)
    return [figure(value, unit, digits=many) for value in values]


def _told_apart(values: Sequence[float | None], digits: int) -> bool:
    return len({value if value is None else round(value, digits) for value in values}) == len(set(values))
