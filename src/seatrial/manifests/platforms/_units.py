"""Amounts of processors and of memory, as platforms write them."""

from __future__ import annotations

import re

POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?", re.IGNORECASE)
MILLI = re.compile(r"(\d+)m")


def cpus(value: object) -> float | None:
    """Return processors: 1, "0.5" or "500m"; None for what is none."""
    text = str(value).strip()
    if found := MILLI.fullmatch(text):
        return int(found[1]) / 1000
    return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else None


def memory(value: object, *, binary: bool = False) -> float | None:
    """Return bytes of "512Mi", or of "512M": millions, or where it is `binary`, as in compose, mebibytes."""
    found = AMOUNT.fullmatch(str(value).strip())
    if not found:
        return None
    base = 1024 if found[3] or binary else 1000
    return float(found[1]) * float(base ** POWERS[found[2].lower()])
