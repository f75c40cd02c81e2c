"""Inputs whose values only the service can make, such as the cursor of a next page.

The document says so by a link from an answer to a query parameter. No schema tells such a value from one made up: to
refuse what the fuzzer made up is no fault, to refuse what the service handed out is one. Parameters of a path need no
such rule: where one names nothing, the answer is 404.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from seatrial.openapi import leads_of, operations_of

EXPRESSION = "$response."


def handed_out(document: Mapping[str, Any]) -> dict[str, set[str]]:
    """Return the query parameters that links fill from answers, by the label of their operation."""
    found: dict[str, set[str]] = defaultdict(set)
    for label, name, _ in _filled(document):
        found[label].add(name)
    return dict(found)


def fields_handed_out(document: Mapping[str, Any]) -> set[str]:
    """Return the fields of answers that hold such values: only who was given one can be sure that it is accepted."""
    return {expression.rpartition("/")[2] for _, _, expression in _filled(document)}


def _filled(document: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield operation, query parameter and expression of each link that fills one."""
    operations = operations_of(document)
    for lead in (lead for operation in operations.values() for lead in leads_of(operation, operations)):
        for name, expression in lead.fills("query").items():
            if expression.startswith(EXPRESSION):
                yield lead.target.label, name, expression
