"""Who is let into the service for tests, where that is not the holder of a signed token.

A door is JSON: where a request has its key and the keys that are known, or the accounts that sign in for a token, and
how long such a token is good.
"""

import base64
import http.cookies
import itertools
import json
import time
import urllib.parse
from collections.abc import Mapping
from email.message import Message
from typing import Any

LOGINS = {"/login", "/token"}
Claims = dict[str, Any]


class Door:
    """Know keys by the users that they are of, and hand out tokens."""

    def __init__(self, text: str) -> None:
        told: dict[str, Any] = json.loads(text)
        self.place, self.name = told.get("place", "header"), told.get("name", "Authorization")
        self.scheme = told.get("scheme", "")
        self.keys: dict[str, str] = told.get("keys", {})
        self.accounts: dict[str, str] = told.get("accounts", {})
        self.uses, self.expires_in = told.get("uses", 1_000_000), told.get("expires_in", 0)
        self.logins = told.get("logins", 1_000_000)
        self.left: dict[str, list[float]] = {}
        self.refresh: dict[str, str] = {}
        self.numbers = itertools.count(1)

    def claims(self, headers: Message, path: str) -> Claims | None:
        """Return whose key a request has, or None."""
        key = self.held(headers, path)
        if key not in self.keys or not self.good(key):
            return None
        return {"sub": self.keys[key], "org": self.keys[key]}

    def held(self, headers: Message, path: str) -> str:
        """Return the key of a request; empty where it has none, or more than one."""
        if self.place == "query":
            found = urllib.parse.parse_qs(path.partition("?")[2]).get(self.name, [])
            return found[0] if len(found) == 1 else ""
        if self.place == "cookie":
            cookie = http.cookies.SimpleCookie(headers.get("Cookie", "")).get(self.name)
            return cookie.value if cookie else ""
        scheme, held = self.scheme, headers.get(self.name, "")
        return held.removeprefix(scheme) if held.startswith(scheme) else ""

    def good(self, key: str) -> bool:
        """Use a token once, if it is one that ends, and return whether it was good."""
        left = self.left.get(key)
        if left is None:
            return True
        left[0] -= 1
        return left[0] >= 0 and time.monotonic() < left[1]

    def answer(self, headers: Message, body: bytes) -> tuple[int, dict[str, Any]]:
        """Answer a login, or a refresh token's holder."""
        form = headers.get_content_type() == "application/x-www-form-urlencoded"
        given: Mapping[str, str] = dict(urllib.parse.parse_qsl(body.decode())) if form else json.loads(body)
        user = self.refresh.pop(given.get("refresh_token", ""), "")
        if not user and self.accounts.get(given.get("username", ""), "") == given.get("password"):
            user = given["username"]
        self.logins -= 1
        return (200, self.issued(user)) if user and self.logins >= 0 else (401, {"error": "who are you?"})

    def issued(self, user: str) -> dict[str, Any]:
        """Return a new token of a user."""
        number = next(self.numbers)
        token, again = f"issued-{user}-{number:06}", f"refresh-{user}-{number:06}"
        self.keys[token], self.refresh[again] = user, user
        self.left[token] = [self.uses, time.monotonic() + (self.expires_in or 1_000_000)]
        expiry = {"expires_in": self.expires_in} if self.expires_in else {}
        return {"access_token": token, "refresh_token": again, "token_type": "bearer", **expiry}


def basic(user: str, password: str) -> str:
    """Return what Basic authentication sends."""
    return base64.b64encode(f"{user}:{password}".encode()).decode()
