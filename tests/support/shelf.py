"""A small real service of books for tests, in a thread: each book belongs to an organisation.

A mistake in it is a class that does one thing otherwise. Who asks is told by `Authorization: Bearer ORGANISATION`.
"""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

from servers import in_thread

from seatrial.fuzz._messages import Sent

Headers = dict[str, str]
Answer = tuple[int, Any, Headers]
Book = dict[str, Any]
LIMIT = {"name": "limit", "in": "query", "schema": {"type": "integer"}}
OFFSET = {"name": "offset", "in": "query", "schema": {"type": "integer"}}
CURSOR = {"name": "after", "in": "query", "schema": {"type": "string"}}
PAGED: Mapping[str, list[dict[str, Any]]] = {
    "cursor": [LIMIT, CURSOR], "offset": [LIMIT, OFFSET], "header": [LIMIT], "none": [],
}  # fmt: skip
ID = {"name": "book", "in": "path", "required": True, "schema": {"type": "string"}}
CHANGES = (("POST /books", "/books"), ("PUT /books/{book}", "/books/x"), ("PATCH /books/{book}", "/books/x"))
BODY: dict[str, Any] = {"requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}}}


def document(*, links: bool = True, paging: str = "cursor", secured: bool = True) -> dict[str, Any]:
    """Return what is promised: with or without links, paged by a cursor, an offset, the answer's own link or not."""
    security: dict[str, Any] = {"security": [{"bearer": []}] if secured else []}
    read = {"read": {"operationId": "read", "parameters": {"book": "$response.body#/id"}}} if links else {}
    further = {"next": {"operationId": "list", "parameters": {"after": "$response.body#/next"}}}

    def operation(name: str, status: str = "200", answer: Any = None, **more: Any) -> dict[str, Any]:
        return {"operationId": name, "responses": {status: answer or {}}, **security, **more}

    return {
        "paths": {
            "/books": {
                "post": operation("make", "201", {"links": read}, **BODY),
                "get": operation(
                    "list", answer={"links": further if paging == "cursor" else {}}, parameters=PAGED[paging]
                ),
            },
            "/books/{book}": {
                "parameters": [ID],
                "get": operation("read"),
                "put": operation("put", **BODY),
                "patch": operation("patch", **BODY),
                "delete": operation("remove", "204"),
            },
            "/books/{book}/notes": {"parameters": [ID], "get": operation("notes")},
        }
    }


class Shelf:
    """The service: `books` are by id, each with the organisation that it belongs to under `of`."""

    paging = "cursor"

    def __init__(self) -> None:
        self.books: dict[str, Book] = {}
        self.count = 0

    def who(self, _query: Headers, headers: Mapping[str, list[str]]) -> str:
        """Return which organisation asks."""
        return ", ".join(headers["authorization"]).removeprefix("Bearer ")

    def answer(self, method: str, path: str, query: Headers, organisation: str, given: Any) -> Answer:
        """Answer a request."""
        name = path.strip("/").split("/")
        if method not in self.methods(len(name)):
            return self.not_allowed(method, len(name))
        if len(name) == 1:
            return self.make(organisation, given) if method == "POST" else self.listed(organisation, query)
        book = self.books.get(name[1])
        if book is None or not self.admits(method, book, organisation, notes=len(name) > 2):
            return self.missing()
        return getattr(self, method.lower())(book, given)  # type: ignore[no-any-return]

    def methods(self, depth: int) -> tuple[str, ...]:
        """Return which methods a path of so many parts takes."""
        return {1: ("GET", "POST"), 2: ("GET", "PUT", "PATCH", "DELETE")}.get(depth, ("GET",))

    def not_allowed(self, _method: str, depth: int) -> Answer:
        """Refuse a method."""
        return 405, {"error": "no"}, {"Allow": ", ".join(self.methods(depth))}

    def missing(self) -> Answer:
        """Say that there is nothing."""
        return 404, {"error": "no such book"}, {}

    def admits(self, _method: str, book: Book, organisation: str, *, notes: bool) -> bool:
        """Return whether somebody may reach a book."""
        del notes
        return bool(book["of"] == organisation)

    def make(self, organisation: str, given: Any) -> Answer:
        """Make a book."""
        self.count += 1
        book = {"id": f"book-{self.count:08}", "title": given["title"], "of": organisation, "pages": [1]}
        self.books[book["id"]] = book
        return 201, book, {}

    def get(self, book: Book, _given: Any) -> Answer:
        """Read a book."""
        return 200, book, {}

    def put(self, book: Book, given: Any) -> Answer:
        """Write a book anew."""
        book["title"] = given["title"]
        return 200, book, {}

    patch = put

    def delete(self, book: Book, _given: Any) -> Answer:
        """Remove a book."""
        del self.books[book["id"]]
        return 204, None, {}

    def listed(self, organisation: str, query: Headers) -> Answer:
        """List an organisation's books."""
        mine = [book for book in self.books.values() if book["of"] == organisation]
        start, size = int(query.get("after") or query.get("offset") or 0), int(query.get("limit", 20))
        shown, end = self.page(mine, start, size), start + size
        further = str(end) if end < len(mine) else None
        link = {"Link": f'</books?limit={size}&after={further}>; rel="next"'} if further else {}
        return 200, {"items": shown, "next": further}, link if self.paging == "header" else {}

    def page(self, mine: list[Book], start: int, size: int) -> list[Book]:
        """Return what stands on a page."""
        return mine[start : start + size]


@contextmanager
def serving(shelf: Shelf) -> Iterator[str]:
    """Serve a shelf, and yield where it is."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Keep quiet."""

        def handle_any(self) -> None:
            """Answer one request."""
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path, _, query = self.path.partition("?")
            asked = dict(urllib.parse.parse_qsl(query))
            shown = {name: self.headers.get_all(name, []) for name in ("authorization", "cookie")}
            organisation = shelf.who(asked, shown)
            status, body, headers = shelf.answer(
                self.command, path, asked, organisation, json.loads(sent) if sent else None
            )
            content = b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            usual = {"Content-Type": "application/json", "Content-Length": str(len(content))}
            for name, value in {**usual, **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"" if self.command == "HEAD" else content)

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = handle_any  # noqa: N815 - http.server's

    with in_thread(Handler) as url:
        yield url


def sent_before(url: str, titles: Sequence[str], reads: Sequence[tuple[str, str]]) -> list[Sent]:
    """Return what the fuzzer is taken to have sent: each change was accepted with every title, and what was read."""
    asked = [(label, path, f'{{"title": "{title}"}}') for label, path in CHANGES for title in titles]
    return [
        Sent(
            number=number,
            operation=label,
            mode="positive",
            method=label.partition(" ")[0],
            url=url + path,
            identity="fuzzer",
            request_headers=[("Content-Type", "application/json"), ("Authorization", "{{secret:fuzzer}}")],
            body=body.encode(),
            at_s=0.0,
            status=201 if label == "POST /books" else 200,
            response_body="{}",
        )
        for number, (label, path, body) in enumerate([*asked, *((label, path, "") for label, path in reads)])
    ]
