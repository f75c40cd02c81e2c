"""What a request counts for: a batch as many times as it has items."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import urlsplit


def cost_of(url: str, body: bytes | str | None, batches: Mapping[str, str]) -> int:
    """Return the cost of a request; `batches` maps a path to the field of the body that holds its list."""
    field = batches.get(urlsplit(url).path)
    if field is None or not body:
        return 1
    try:
        items = json.loads(body)[field]
    except (ValueError, LookupError, TypeError, RecursionError):  # broken on purpose: it is refused as it is
        return 1
    return max(1, len(items)) if isinstance(items, list) else 1
