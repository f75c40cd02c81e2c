"""Which claims a declared policy makes."""

from __future__ import annotations

from collections.abc import Mapping

from seatrial.throttle._policy import Policy
from seatrial.throttle._step import Kind

BY_ADDRESS = (
    "anonymous-by-address",
    "forwarded-for-ignored",
    "sibling-headers-ignored",
    "junk-token",
    "refused-counted",
)
BY_USER = ("another-token", "another-address", "victim-unharmed")
WAYS: Mapping[Kind, str] = {
    "again": "another-token",
    "colleague": "another-token",
    "moved": "another-address",
}
"""Who comes by another way to a quota that is used up, and the claim that this decides."""

FROM_AFAR = ("anonymous-by-address", "another-address", "refused-counted", "victim-unharmed", "network-bounded")
"""Claims that take clients with an address of their own."""


def promises(policy: Policy, claim: str) -> bool:
    """Return whether a policy promises it: what is not declared is not assumed."""
    settings = policy.settings
    promised = {
        "headers-truthful": settings.headers != "none",
        "retry-after-honoured": settings.retry_after,
        "health-exempt": bool(settings.exempt),
        "path-parameter-in-key": bool(settings.path_template),
        "body-field-in-key": bool(settings.bypass_fields),
        "exemption-narrow": bool(settings.exempt),
        "statuses-counted": bool(settings.costs),
        "edge-bounded": policy.slides,
        "store-returns": bool(settings.store),
        "network-bounded": bool(settings.proxy) and settings.anonymous_by == "address",
        **dict.fromkeys(BY_ADDRESS, settings.anonymous_by == "address"),
        **dict.fromkeys(BY_USER, bool(settings.authenticated_by)),
    }
    return promised.get(claim, True)
