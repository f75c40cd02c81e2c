"""Inputs whose values only the service can make, such as the cursor of a next page.

The document says so by a link from an answer to a query parameter. No schema tells such a value from one made up: to
refuse what the fuzzer made up is no fault, to refuse what the service handed out is one. Parameters of a path need no
such rule: where one names nothing, the answer is 404.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from seatrial.fuzz._document import METHODS

EXPRESSION = "$response."


def handed_out(document: Mapping[str, Any]) -> dict[str, set[str]]:
    """Return the query parameters that links fill from answers, by the label of their operation.

    Links name their operation by its `operationId`; others are not understood, and excuse nothing.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for label, name, _ in _filled(document):
        found[label].add(name)
    return dict(found)


def fields_handed_out(document: Mapping[str, Any]) -> set[str]:
    """Return the fields of answers that hold such values: only who was given one can be sure that it is accepted."""
    return {expression.rpartition("/")[2] for _, _, expression in _filled(document)}


def _filled(document: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield operation, query parameter and expression of each link that fills one."""
    operations = {item["operationId"]: (label, item) for label, item in _operations(document) if "operationId" in item}
    for link in _links(document):
        label, operation = operations.get(link.get("operationId", ""), ("", {}))
        queries = {p.get("name") for p in operation.get("parameters", []) if p.get("in") == "query"}
        for name, expression in link.get("parameters", {}).items():
            parameter = name.removeprefix("query.")
            if parameter in queries and str(expression).startswith(EXPRESSION):
                yield label, parameter, str(expression)


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for path, item in document["paths"].items():
        yield from ((f"{method.upper()} {path}", item[method]) for method in METHODS if method in item)


def _links(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for _, operation in _operations(document):
        for answer in operation.get("responses", {}).values():
            yield from answer.get("links", {}).values()
