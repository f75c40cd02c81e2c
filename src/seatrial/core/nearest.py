"""What to do about a name that does not exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def name_nearest(name: str, known: Iterable[str], *, called: str) -> str:
    """Return the nearest of the known names as a question, where one is near, and all of them behind what they are."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1)
    return (f"did you mean {near[0]!r}? " if near else "") + f"{called}: {', '.join(names)}"
