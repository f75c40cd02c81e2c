"""Which documented operation a request is one of, and which one is meant by its label."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence

from seatrial.core import UsageError
from seatrial.openapi._operations import Operation


def operation_at(method: str, path: str, operations: Mapping[str, Operation]) -> Operation | None:
    """Return the documented operation that a request is one of, if any; a path that is spelt out goes first."""
    for label in sorted(operations, key=lambda label: label.count("{")):
        known, _, template = label.partition(" ")
        pattern = "[^/]+".join(re.escape(part) for part in re.split(r"\{[^}]*\}", template))
        if known == method and re.fullmatch(pattern, path):
            return operations[label]
    return None


def selected(operations: Mapping[str, Operation], only: Sequence[str]) -> dict[str, Operation]:
    """Return the operations with these labels, all where none is named; raises UsageError for one that is not there."""
    for label in only:
        if label not in operations:
            near = difflib.get_close_matches(label, operations, n=1)
            raise UsageError(
                f"the document has no operation {label!r}",
                slug="contract-operation-unknown",
                where="--only",
                remedy=f"did you mean {near[0]!r}?" if near else "write its method and its full path: GET /items/{id}",
            )
    return {label: operations[label] for label in only or operations}
