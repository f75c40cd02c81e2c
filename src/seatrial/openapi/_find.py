"""Which documented operation a request is one of."""

from __future__ import annotations

import re
from collections.abc import Mapping

from seatrial.openapi._operations import Operation


def operation_at(method: str, path: str, operations: Mapping[str, Operation]) -> Operation | None:
    """Return the documented operation that a request is one of, if any; a path that is spelt out goes first."""
    for label in sorted(operations, key=lambda label: label.count("{")):
        known, _, template = label.partition(" ")
        pattern = "[^/]+".join(re.escape(part) for part in re.split(r"\{[^}]*\}", template))
        if known == method and re.fullmatch(pattern, path):
            return operations[label]
    return None
