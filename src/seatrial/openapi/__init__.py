"""OpenAPI documents: where they come from, what they document, and which lives of resources they promise.

Names are resolved on first use: the engine's process needs this package, but no client to fetch with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seatrial.core.lazy import resolver

if TYPE_CHECKING:
    from seatrial.openapi._filled import filled
    from seatrial.openapi._find import finder, operation_at, selected
    from seatrial.openapi._links import Lead, Lifecycle, Places, leads_of, lifecycles_of
    from seatrial.openapi._matrix import Cell, Row, Sides, documented_in, figures, fill, never_came
    from seatrial.openapi._operations import Link, Operation, operations_of
    from seatrial.openapi._pointers import look_up, steps_of
    from seatrial.openapi._source import canonical, fetch_document, served_document

_HOMES = {
    "Cell": "_matrix",
    "Lead": "_links",
    "Lifecycle": "_links",
    "Link": "_operations",
    "Operation": "_operations",
    "Places": "_links",
    "Row": "_matrix",
    "Sides": "_matrix",
    "canonical": "_source",
    "documented_in": "_matrix",
    "fetch_document": "_source",
    "figures": "_matrix",
    "fill": "_matrix",
    "filled": "_filled",
    "finder": "_find",
    "leads_of": "_links",
    "lifecycles_of": "_links",
    "look_up": "_pointers",
    "never_came": "_matrix",
    "operation_at": "_find",
    "operations_of": "_operations",
    "selected": "_find",
    "served_document": "_source",
    "steps_of": "_pointers",
}

__all__ = [
    "Cell",
    "Lead",
    "Lifecycle",
    "Link",
    "Operation",
    "Places",
    "Row",
    "Sides",
    "canonical",
    "documented_in",
    "fetch_document",
    "figures",
    "fill",
    "filled",
    "finder",
    "leads_of",
    "lifecycles_of",
    "look_up",
    "never_came",
    "operation_at",
    "operations_of",
    "selected",
    "served_document",
    "steps_of",
]
__getattr__ = resolver(__name__, _HOMES)
