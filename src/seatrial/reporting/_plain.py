"""Foreign text in Markdown."""

from __future__ import annotations

from seatrial.core.plain import visible


def escape(text: str) -> str:
    """Keep foreign text from becoming a table cell, a tag or an image, and what it hides from being hidden."""
    one_line = visible(" ".join(text.split()))
    return one_line.replace("|", "\\|").replace("<", "&lt;").replace("[", "\\[")
