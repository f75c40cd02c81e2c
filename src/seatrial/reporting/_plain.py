"""Foreign text as people may see it: whatever a terminal or a page would obey, or hide, is written out."""

from __future__ import annotations

from unicodedata import category

LONGEST = 2_000
"""So many characters of a text are shown: a service may have written the rest."""

LAYOUT = "\t\n\r"


def plain(text: str, *, longest: int = LONGEST) -> str:
    """Return a text cut to so many characters, with what cannot be seen in it written as Python would.

    That is escapes and other controls, marks of direction, what has no width, and halves of characters.
    """
    cut = text if len(text) <= longest else f"{text[: longest - 3]}..."
    return cut if cut.isprintable() else "".join(map(_seen, cut))


def _seen(character: str) -> str:
    """Return a character, or what Python writes for it; all that a XML document may not hold is not printable."""
    kept = character.isprintable() or character in LAYOUT or category(character) == "Zs"
    return character if kept else ascii(character)[1:-1]


def escape(text: str) -> str:
    """Keep foreign text from becoming a table cell, a tag or an image."""
    one_line = " ".join(text.split())
    return one_line.replace("|", "\\|").replace("<", "&lt;").replace("[", "\\[")
