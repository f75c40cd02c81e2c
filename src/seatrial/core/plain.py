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
    return visible(text if len(text) <= longest else f"{text[: longest - 3]}...")


def plain_line(text: str, *, longest: int = LONGEST) -> str:
    """Return a text as `plain` does, as one line: a terminal would write over what stands before a bare return."""
    return plain(" ".join(text[: longest + 1].split()), longest=longest)


def visible(text: str, *, layout: str = LAYOUT) -> str:
    """Return a text of any length with what cannot be seen in it, but for `layout`, written as Python would."""
    if text.isprintable():
        return text
    return "".join(character if character in layout else _seen(character) for character in text)


def _seen(character: str) -> str:
    """Return a character, or what Python writes for it; all that a XML document may not hold is not printable."""
    return character if character.isprintable() or category(character) == "Zs" else ascii(character)[1:-1]
