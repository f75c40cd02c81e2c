"""A small real shop without any configuration: lists, items, links, and what only some may enter; notes what came.

`notes` of a running shop are method, path with query, headers and body of each request, in order.
"""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from documents import document

KEYS = ("lamp-1", "chair-2", "desk/3")
TEXT = {"type": "string"}
KEY = {"name": "itemId", "in": "path", "required": True, "schema": TEXT}
SIZES = ["small", "large"]
OK = {"200": {"description": "fine"}}
LINKED = {"200": {"description": "fine", "links": {"best": {"operationId": "offer", "parameters": {
    "code": "$response.body#/best/code"}}}}}  # fmt: skip
NAMED = {"type": "object", "required": ["name"], "properties": {"name": {**TEXT, "pattern": "^[a-z]{3,9}$"}}}


def with_path(name: str, schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return an operation with one parameter in its path."""
    return {
        "parameters": [{"name": name, "in": "path", "required": True, "schema": schema}], "responses": OK, **more,
    }  # fmt: skip


PATHS: dict[str, Any] = {
    "/items": {
        "get": {
            "parameters": [
                {"name": "limit", "in": "query", "schema": {"type": "integer", "default": 20}},
                {"name": "q", "in": "query", "schema": TEXT},
            ],
            "responses": OK,
        },
        "post": {
            "requestBody": {"required": True, "content": {"application/json": {"schema": NAMED}}},
            "responses": {"201": {"description": "made"}},
        },
    },
    "/items/{itemId}": {"parameters": [KEY], "get": {"responses": OK}, "delete": {"responses": OK}},
    "/items/{itemId}/reviews": {"parameters": [KEY], "get": {"responses": OK}},
    "/sizes/{size}": {"get": with_path("size", {**TEXT, "enum": SIZES})},
    "/start": {"get": {"responses": LINKED}},
    "/offers/{code}": {"get": with_path("code", TEXT, operationId="offer")},
    "/orders/{number}": {"get": with_path("number", {"type": "integer"})},
    "/me": {"get": {"security": [{"token": []}], "responses": OK}},
    "/keyed": {
        "get": {
            "security": [{"token": []}],
            "parameters": [
                {"name": "X-API-KEY", "in": "header", "required": True, "schema": {**TEXT, "example": "made-up"}}
            ],
            "responses": OK,
        }
    },
}
DOCUMENT = document(PATHS, components={"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}})
ANSWERS: dict[str, Any] = {
    "/openapi.json": DOCUMENT,
    "/items": {"total": len(KEYS), "items": [{"id": key, "name": key} for key in KEYS]},
    "/keyed": {},
    "/start": {"best": {"code": "half-price"}},
    "/offers/half-price": {},
    **{f"/sizes/{size}": {} for size in SIZES},
    **{f"/items/{key.replace('/', '%2F')}": {"id": key} for key in KEYS},
    **{f"/items/{key.replace('/', '%2F')}/reviews": [] for key in KEYS},
}
Note = tuple[str, str, dict[str, str], bytes]


class Shop(http.server.ThreadingHTTPServer):
    """The service, what it answers by path, and what came."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.notes: list[Note] = []
        self.answers: dict[str, Any] = ANSWERS
        self.limited: dict[str, list[str]] = {}  # what Retry-After says to a path's next requests, one by one
        self.owners: dict[str, str] = {}  # paths that are there for one X-API-Key alone

    @property
    def url(self) -> str:
        """Return where it is."""
        return f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    """Answer what there is, and 404 to anything else."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    server: Shop

    def log_message(self, *_: object) -> None:
        """Keep quiet."""

    def handle_any(self) -> None:
        """Answer one request."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.notes.append((self.command, self.path, dict(self.headers.items()), body))
        path = self.path.partition("?")[0]
        status = 201 if self.command == "POST" else 200 if path in self.server.answers else 404
        if self.headers.get("X-API-Key") != self.server.owners.get(path, self.headers.get("X-API-Key")):
            status = 404
        waits = self.server.limited.get(path)
        status = 429 if waits else status
        text = json.dumps(self.server.answers.get(path, {})).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if waits:
            self.send_header("Retry-After", waits.pop(0))
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    do_GET = do_POST = do_DELETE = do_HEAD = handle_any  # noqa: N815 - http.server's names


@contextmanager
def opened() -> Iterator[Shop]:
    """Serve until the body ends."""
    with Shop() as shop:
        threading.Thread(target=shop.serve_forever, args=(0.01,), daemon=True).start()
        yield shop
        shop.shutdown()
