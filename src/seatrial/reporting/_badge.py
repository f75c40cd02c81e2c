"""badge.svg: the verdict, and the coverage where there is one, as a picture that loads nothing and is read out too."""

from __future__ import annotations

from typing import TextIO

from seatrial.core import Verdict
from seatrial.record import Record
from seatrial.reporting._verdict import verdict_of

COLOURS = {
    Verdict.PASS: "#1a6e2e",
    Verdict.FAIL: "#b3261e",
    Verdict.INCONCLUSIVE: "#7a5200",
    Verdict.WHEN_MERGED: "#7a5200",
}
"""White stands on each with a contrast of more than 6; the word says the same."""

NAME = "seatrial"
NAME_COLOUR = "#3d444d"
LETTER, MARGIN, HEIGHT = 7, 10, 20
"""Pixels. A letter is as wide as this at most; its text is stretched to fit, whatever font there is."""


def write_badge(record: Record, stream: TextIO) -> None:
    """Write the badge."""
    facts = verdict_of(record)
    coverage = facts["coverage"]
    parts = [(NAME, NAME_COLOUR), (facts["verdict"], COLOURS[Verdict(facts["verdict"])])]
    parts += [(f"coverage {coverage['lines_percent']:.0f} %", NAME_COLOUR)] if coverage else []
    stream.write(_drawn(parts))


def _drawn(parts: list[tuple[str, str]]) -> str:
    """Return the picture of words on their colours, side by side."""
    label = f"{parts[0][0]}: {', '.join(word for word, _ in parts[1:])}"
    drawn, left = "", 0
    for word, colour in parts:
        room = LETTER * len(word)
        drawn += f'<rect x="{left}" width="{room + 2 * MARGIN}" height="{HEIGHT}" fill="{colour}"/>'
        drawn += f'<text x="{left + MARGIN}" y="14" textLength="{room}">{word}</text>\n'
        left += room + 2 * MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left}" height="{HEIGHT}" viewBox="0 0 {left} {HEIGHT}" '
        f'role="img" aria-label="{label}">\n<title>{label}</title>\n'
        f'<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">\n{drawn}</g>\n</svg>\n'
    )
