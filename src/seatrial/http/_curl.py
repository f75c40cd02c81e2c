"""A request as a line that anybody can run."""

from __future__ import annotations

import shlex

from seatrial.core import Exchange

DULL = {"host", "accept", "accept-encoding", "connection", "user-agent", "content-length"}


def curl_for(exchange: Exchange) -> str:
    """Return a curl command; what authenticates stands in it as `$TOKEN`."""
    request = exchange.request
    words = ["curl", "-i", "-X", request.method]
    for name, value in request.headers:
        if name.lower() not in DULL:
            words += ["-H", f"{name}: Bearer $TOKEN" if "{{secret:" in value else f"{name}: {value}"]
    words += ["--data-raw", request.body] if request.body else []
    quoted = [f'"{word}"' if "$TOKEN" in word else shlex.quote(word) for word in [*words, request.url]]
    return " ".join(quoted)
