"""What leads to a place on a page: the same in every run, so that a link to it may be kept."""

from __future__ import annotations

import re
from hashlib import sha256

LONGEST = 60


def address(kind: str, name: str) -> str:
    """Return the address of a thing; a name that cannot stand in one as it is has its hash at the end."""
    word = re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-")[:LONGEST]
    return (
        f"{kind}-{word}" if word == name else f"{kind}-{word}-{sha256(name.encode('utf-8', 'replace')).hexdigest()[:6]}"
    )
