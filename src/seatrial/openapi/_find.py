"""Which documented operation a request is one of, and which one is meant by its label."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from seatrial.core import UsageError
from seatrial.openapi._operations import Operation

Found = TypeVar("Found")


def operation_at(method: str, path: str, operations: Mapping[str, Found]) -> Found | None:
    """Return the documented operation that a request is one of, if any; a path that is spelt out goes first."""
    return finder(operations)(method, path)


def finder(operations: Mapping[str, Found]) -> Callable[[str, str], Found | None]:
    """Return a function that does the same for many requests, given what is known of operations by their labels."""
    ordered = sorted((label for label in operations if "{" in label), key=lambda label: label.count("{"))
    spelt_out = {label: found for label, found in operations.items() if "{" not in label}
    known = [(label.partition(" ")[0], _pattern(label.partition(" ")[2]), operations[label]) for label in ordered]

    def find(method: str, path: str) -> Found | None:
        if (label := f"{method} {path}") in spelt_out:
            return spelt_out[label]
        return next((found for name, pattern, found in known if name == method and pattern.fullmatch(path)), None)

    return find


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile("[^/]+".join(re.escape(part) for part in re.split(r"\{[^}]*\}", template)))


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
