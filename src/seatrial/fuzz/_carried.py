"""Credentials that stand in the query or in a cookie: the engine knows a header alone, which never leaves here."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

import requests

from seatrial.core.marks import mark_of, with_query, without_query
from seatrial.fuzz._messages import Key

HEADER = "X-Seatrial-Identity"
"""What says within the engine whose request it is."""

Headers = Sequence[tuple[str, str]]


def outgoing(request: requests.PreparedRequest, key: Key, name: str) -> requests.PreparedRequest:
    """Return the request that is sent: with somebody's key where the service looks for it, without our header."""
    sent, secret = request.copy(), key.secrets.get(name, "")
    sent.headers.pop(HEADER, None)
    if not secret:
        return sent
    if key.place == "query":
        sent.url = with_query(without_query(str(request.url), {key.name}), key.name, quote(secret, safe=""))
    else:
        sent.headers["Cookie"] = _with_cookie(sent.headers.get("Cookie", ""), key.name, secret)
    return sent


def _with_cookie(cookies: str, name: str, value: str) -> str:
    others = [each for each in cookies.split("; ") if each and each.partition("=")[0] != name]
    return "; ".join([*others, f"{name}={value}"])


def told(url: str, headers: Headers, key: Key | None, name: str) -> tuple[str, list[tuple[str, str]]]:
    """Return URL and headers as the record has them: a mark stands where the key of a request was."""
    if key is None:
        return url, list(headers)
    kept = [(header, value) for header, value in headers if header.lower() != HEADER.lower()]
    if not name:
        return url, kept
    if key.place == "query":
        return with_query(without_query(url, {key.name}), key.name, mark_of(name)), kept
    others = [(header, value) for header, value in kept if header.lower() != "cookie"]
    return url, [*others, ("Cookie", f"{key.name}={mark_of(name)}")]
