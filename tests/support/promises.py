"""What most limits of the tests promise besides their quota: nothing is assumed that is not declared."""

from __future__ import annotations

from typing import Any

PROMISES: dict[str, Any] = {
    "authenticated_by": ("organisation", "user"),
    "anonymous_by": "address",
    "headers": "x-ratelimit-epoch",
    "retry_after": True,
}

PROMISED = """\
authenticated_by = ["organisation", "user"]
anonymous_by = "address"
headers = "x-ratelimit-epoch"
retry_after = true
"""
"""The same in a `[[limits]]` block."""
