"""OpenAPI documents: where they come from, what they document, and which lives of resources they promise.

Names are resolved on first use: the engine's process needs this package, but no client to fetch with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seatrial.core.lazy import resolver

if TYPE_CHECKING:
    from seatrial.openapi._find import operation_at, selected
    from seatrial.openapi._links import Lead, Lifecycle, Places, leads_of, lifecycles_of
    from seatrial.openapi._operations import Link, Operation, operations_of
    from seatrial.openapi._source import canonical, fetch_document, served_document

_HOMES = {
    "Lead": "_links",
    "Lifecycle": "_links",
    "Link": "_operations",
    "Operation": "_operations",
    "Places": "_links",
    "canonical": "_source",
    "fetch_document": "_source",
    "leads_of": "_links",
    "lifecycles_of": "_links",
    "operation_at": "_find",
    "operations_of": "_operations",
    "selected": "_find",
    "served_document": "_source",
}

__all__ = [
    "Lead",
    "Lifecycle",
    "Link",
    "Operation",
    "Places",
    "canonical",
    "fetch_document",
    "leads_of",
    "lifecycles_of",
    "operation_at",
    "operations_of",
    "selected",
    "served_document",
]
__getattr__ = resolver(__name__, _HOMES)
