"""Texts that no event holds as they came: halves of characters, and those that have no end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from seatrial.record._events import AnyEvent

LONGEST = 2**18
"""So many characters of a text stand in an event: of what is longer, a reader sees nothing more."""

SEAM = 8192
"""How much goes off the end of a text that was cut: half a secret may stand there."""

Change = Callable[[str], str]


def spelled(event: AnyEvent) -> AnyEvent:
    r"""Return an event with each half of a character (which JSON can name) written as Python would, as in `\ud800`."""
    return _changed(event, lambda text: text.encode(errors="backslashreplace").decode())


def bounded(event: AnyEvent, redact: Change) -> AnyEvent:
    """Return an event in which no text is longer than `LONGEST`; secrets are replaced before one is cut."""
    return _changed(event, lambda text: text if len(text) <= LONGEST else _cut(text, redact))


def _cut(text: str, redact: Change) -> str:
    return f"{redact(text[:LONGEST])[:-SEAM]}... (cut: {len(text):,} characters)"


def _changed(event: AnyEvent, change: Change) -> AnyEvent:
    changed: AnyEvent = msgspec.convert(_in(msgspec.to_builtins(event), change), AnyEvent)
    return changed


def _in(value: Any, change: Change) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(key): _in(each, change) for key, each in value.items()}
    return [_in(each, change) for each in value] if isinstance(value, (list, tuple)) else value
