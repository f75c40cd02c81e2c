"""A small real service with answers that no generated input brings about, and one that it never gives.

Notes have unique titles, and belong to nobody; who signs in gets a token that can be renewed once. A body has at most
so many bytes, an address and a header too.
"""

from __future__ import annotations

import http.server
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from documents import document
from servers import in_thread

USER, PASSWORD, REFRESH = "somebody", "sea-trials", "renew-me"
BODY_BYTES, ADDRESS, HEADER = 4_096, 8_192, 20_000
JSON = "application/json"
TEXT = {"type": "string", "minLength": 1, "maxLength": 20, "pattern": "^[a-z-]+$"}
FORM = re.compile("[a-z-]{1,20}")
NEVER = "410"
"""The status that is documented for a note and never comes."""


def answers(*statuses: str) -> dict[str, Any]:
    """Return documented answers of JSON."""
    schema = {"type": "object"}
    return {status: {"description": "an answer", "content": {JSON: {"schema": schema}}} for status in statuses}


def taking(*fields: str) -> dict[str, Any]:
    """Return a documented body of texts."""
    properties = dict.fromkeys(fields, TEXT)
    schema = {"type": "object", "required": list(fields), "properties": properties, "additionalProperties": False}
    return {"required": True, "content": {JSON: {"schema": schema}}}


EDGE = ("413", "414", "431")
OF_BODY = ("400", "415", "422", *EDGE)
FIELDS = {"/notes": ["title"], "/sign-in": ["user", "password"], "/renew": ["refresh"]}
MADE = answers("201", "409", *OF_BODY)
MADE["201"]["links"] = {"read": {"operationId": "read", "parameters": {"title": "$response.body#/title"}}}
PATHS = {
    "/notes": {"post": {"requestBody": taking(*FIELDS["/notes"]), "responses": MADE}},
    "/notes/{title}": {
        "get": {
            "operationId": "read",
            "parameters": [{"name": "title", "in": "path", "required": True, "schema": TEXT}],
            "responses": answers("200", "404", NEVER, *EDGE),
        }
    },
    "/sign-in": {"post": {"requestBody": taking(*FIELDS["/sign-in"]), "responses": answers("200", "401", *OF_BODY)}},
    "/renew": {"post": {"requestBody": taking(*FIELDS["/renew"]), "responses": answers("200", "401", *OF_BODY)}},
}
DOCUMENT = document(PATHS)


class Handler(http.server.BaseHTTPRequestHandler):
    """Answer one request after the other; `notes` are those of this server."""

    protocol_version = "HTTP/1.1"
    notes: set[str]

    def log_message(self, *_: object) -> None:
        """Keep quiet."""

    def say(self, status: int, body: object = None) -> None:
        """Answer with JSON, and end the connection: the body may not have been read."""
        text = json.dumps(body or {}).encode()
        self.send_response(status)
        self.send_header("Content-Type", JSON)
        self.send_header("Content-Length", str(len(text)))
        self.send_header("Connection", "close")
        if status == 405:
            self.send_header("Allow", "GET" if self.path.startswith("/notes/") else "POST")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    def __getattr__(self, name: str) -> Any:
        """Refuse every other method: http.server looks for `do_METHOD`."""
        if name.startswith("do_"):
            return lambda: self.say(405)
        raise AttributeError(name)

    def too_large(self) -> int:
        """Return the status of a request that is too large, 0 for another one."""
        if len(self.path) > ADDRESS:
            return 414
        if sum(map(len, self.headers.values())) > HEADER:
            return 431
        return 413 if int(self.headers.get("Content-Length") or 0) > BODY_BYTES else 0

    def do_GET(self) -> None:
        """Serve the document, or a note."""
        path = self.path.partition("?")[0]
        if path == "/openapi.json":
            return self.say(200, DOCUMENT)
        if status := self.too_large():
            return self.say(status)
        if not path.startswith("/notes/"):
            return self.say(405 if path in FIELDS else 404)
        return self.say(200 if path.removeprefix("/notes/") in self.notes else 404)

    def do_POST(self) -> None:
        """Read a body, and do what it asks for."""
        path, status = self.path.partition("?")[0], self.too_large()
        if status or path not in FIELDS:
            return self.say(status or (405 if path.startswith("/notes/") else 404))
        status, given = self.given(FIELDS[path])
        return self.say(status) if status else self.take(path, given)

    def given(self, fields: list[str]) -> tuple[int, list[str]]:
        """Return the values of a body's fields, or the status that it is refused with."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get_content_type() != JSON:
            return 415, []
        try:
            found = json.loads(body)
        except ValueError:
            return 400, []
        named = found if isinstance(found, dict) and sorted(found) == sorted(fields) else {}
        texts = [named[field] for field in fields if isinstance(named.get(field), str) and FORM.fullmatch(named[field])]
        return (0, texts) if len(texts) == len(fields) else (422, [])

    def take(self, path: str, given: list[str]) -> None:
        """Keep a note, or let somebody in."""
        if path == "/notes":
            new = given[0] not in self.notes
            self.notes.add(given[0])
            return self.say(201 if new else 409, {"title": given[0]})
        good = given in ([USER, PASSWORD], [REFRESH])
        return self.say(200 if good else 401, {"refresh": REFRESH} if good else None)


@contextmanager
def notes_service() -> Iterator[str]:
    """Run the service, and yield its URL."""
    handler = type("Notes", (Handler,), {"notes": set()})
    with in_thread(handler) as url:
        yield url
