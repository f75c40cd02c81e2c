"""The JSON lines of services' logs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from seatrial.stack import Stack

PATIENCE_S = 5.0
POLL_S = 0.05
Line = Mapping[str, Any]


def lines_where(stack: Stack, services: Sequence[str], wanted: Callable[[Line], bool]) -> list[Line]:
    """Return the JSON lines of these services that are wanted, as soon as there are any; none after 5 s."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        text = "\n".join(stack.log(service) for service in services)
        found = [line for line in map(_parse, text.splitlines()) if wanted(line)]
        if found or time.monotonic() > deadline:
            return found
        time.sleep(POLL_S)


def _parse(line: str) -> Line:
    start = line.find("{")
    try:
        value = json.loads(line[start:]) if start >= 0 else {}
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
