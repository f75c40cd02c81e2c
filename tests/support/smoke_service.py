"""A small service that keeps what it promises but for the defects that it is given, and remembers who asked what."""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Collection, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar

QUOTA = 5
ORIGIN = "https://app.example"
OK, CREATED, UNAUTHORIZED, NOT_FOUND, TOO_MANY, UNAVAILABLE = 200, 201, 401, 404, 429, 503
PARAMETER = {"in": "query", "name": "limit", "schema": {"type": "integer"}}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Things", "version": "1"},
    "paths": {
        "/things": {"get": {"parameters": [PARAMETER], "responses": {"200": {"description": "things"}}}},
        "/orders": {"get": {"responses": {"200": {"description": "orders"}}}},
    },
}
SETTINGS = f"""
[stack]
ready = "/health"
[auth]
public_key_variable = "KEY"
protected = "/things"
[health]
basic = "/health"
detailed = "/health/detailed"
liveness = "/health/live"
readiness = "/health/ready"
dependencies = {{ database = "db" }}
[tracing]
[cors]
origin = "{ORIGIN}"
path = "/things"
[security.headers]
X-Content-Type-Options = "nosniff"
[contract]
baseline = "published.json"
[[limits]]
quota = {QUOTA}
window_s = 60
anonymous_by = "address"
retry_after = true
path = "/limited"
"""
"""What it promises, but for [smoke] and [tls]."""


class Handler(BaseHTTPRequestHandler):
    """Answer one request; `service` makes one that has its own memory and defects."""

    protocol_version = "HTTP/1.1"
    seen: ClassVar[list[tuple[str, str]]]
    defects: ClassVar[frozenset[str]]
    limited: ClassVar[Iterator[int]]

    def log_message(self, *_: object) -> None:
        """Keep quiet."""

    def answer(self) -> None:
        """Answer a request of any method."""
        self.seen.append((self.command, self.path))
        status, body = self.found(self.path.partition("?")[0])
        text = json.dumps(body).encode()
        self.send_response(status)
        for name, value in self.answered().items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text if self.command != "HEAD" else b"")

    def has(self, defect: str) -> bool:
        """Return whether it was given a defect."""
        return defect in self.defects

    def found(self, path: str) -> tuple[int, object]:
        """Return status and body."""
        if self.command == "OPTIONS":
            return OK, {}
        if path == "/limited":
            return (TOO_MANY if next(self.limited) >= QUOTA and not self.has("limiter off") else OK), {}
        known: dict[str, tuple[int, object]] = {
            "/health": (OK, {} if self.has("no status") else {"status": "ok"}),
            "/health/detailed": (OK, {} if self.has("dependency unnamed") else {"database": "ok"}),
            "/health/live": (UNAVAILABLE if self.has("not alive") else OK, {}),
            "/health/ready": (UNAVAILABLE if self.has("not ready") else OK, {}),
            "/things": (OK if self.has("open to all") else UNAUTHORIZED, {}),
            "/openapi.json": (NOT_FOUND if self.has("no document") else OK, self.document()),
            "/token": (CREATED, {"access_token": "of-a-user"}),
        }
        return known.get(path, (NOT_FOUND, {}))

    def document(self) -> object:
        """Return the document that it serves."""
        gone = {"/orders"} if self.has("operation gone") else set()
        return {**DOCUMENT, "paths": {path: item for path, item in DOCUMENT["paths"].items() if path not in gone}}

    def answered(self) -> dict[str, str]:
        """Return the headers of an answer."""
        trace = "a" * 16 if self.has("one trace") else self.headers.get("X-Trace-ID", uuid.uuid4().hex)
        headers = {"Content-Type": "application/json", "X-Trace-ID": trace, "Retry-After": "30"}
        headers |= {} if self.has("sniffing allowed") else {"X-Content-Type-Options": "nosniff"}
        headers["Strict-Transport-Security"] = f"max-age={0 if self.has('forgotten') else 31_536_000}"
        origin = self.headers.get("Origin", "")
        if origin == ORIGIN or self.has("any origin"):
            headers |= {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true"}
        return headers

    def __getattr__(self, name: str) -> Any:
        """Answer every method: http.server looks for `do_METHOD`."""
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)


def service(seen: list[tuple[str, str]], defects: Collection[str] = ()) -> type[Handler]:
    """Return what serves it: `seen` gets the method and path of every request."""
    given = {"seen": seen, "defects": frozenset(defects), "limited": itertools.count()}
    return type("Service", (Handler,), given)
