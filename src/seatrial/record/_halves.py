"""Halves of characters (lone surrogates): JSON can name one, a check repeats it, and no UTF-8 file can hold it."""

from __future__ import annotations

from typing import Any

import msgspec

from seatrial.record._events import AnyEvent


def spelled(event: AnyEvent) -> AnyEvent:
    r"""Return an event with each half of a character written as Python would, as in `\ud800`."""
    whole: AnyEvent = msgspec.convert(_spelled(msgspec.to_builtins(event)), AnyEvent)
    return whole


def _spelled(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, dict):
        return {_spelled(key): _spelled(each) for key, each in value.items()}
    return [_spelled(each) for each in value] if isinstance(value, (list, tuple)) else value
