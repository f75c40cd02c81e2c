"""A service that is made from an OpenAPI document: it takes what the document allows, and answers with its examples."""

from __future__ import annotations

import http.server
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import jsonschema_rs
from servers import in_thread

from seatrial.openapi import fetch_document, operation_at, operations_of

SHARED = ("components", "definitions", "x-seatrial-files")


class Derived:
    """Decide on requests by a document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._operations = operations_of(document)
        self._shared = {key: document[key] for key in SHARED if key in document}

    def answer(self, method: str, path: str, query: str, body: bytes) -> tuple[int, object, dict[str, str]]:
        """Return status, body and headers."""
        found = operation_at(method, path, self._operations)
        if found is None:
            others = [m for m in ("GET", "PUT", "POST", "DELETE") if operation_at(m, path, self._operations)]
            return (405, {"error": "no"}, {"Allow": ", ".join(others)}) if others else (404, {"error": "what?"}, {})
        item = self._document["paths"][found.path]
        operation = item[method.lower()]
        if not self._allowed(operation, dict(parse_qsl(query, keep_blank_values=True)), body):
            return 422, {"error": "no"}, {}
        status = next(code for code in operation["responses"] if code.startswith("2"))
        return int(status), self._example(self._resolved(operation["responses"][status])), {}

    def _allowed(self, operation: Mapping[str, Any], query: Mapping[str, str], body: bytes) -> bool:
        parameters = [self._resolved(part) for part in operation.get("parameters", [])]
        bodies = [part["schema"] for part in parameters if part["in"] == "body"]
        if "requestBody" in operation:
            bodies = [self._resolved(operation["requestBody"])["content"]["application/json"]["schema"]]
        numbers = [query[part["name"]] for part in parameters if part["in"] == "query" and part["name"] in query]
        return all(re.fullmatch(r"[1-9]\d?", number) for number in numbers) and all(map(self._fits, bodies, [body]))

    def _fits(self, schema: Mapping[str, Any], body: bytes) -> bool:
        try:
            return jsonschema_rs.validator_for({**self._shared, **schema}).is_valid(json.loads(body))
        except ValueError:
            return False

    def _resolved(self, part: Any) -> Any:
        while "$ref" in part:
            target: Any = self._document
            for step in part["$ref"].split("/")[1:]:
                target = target[unquote(step).replace("~1", "/").replace("~0", "~")]
            part = target
        return part

    def _example(self, answer: Mapping[str, Any]) -> object:
        """Return what stands as an example, None for an answer without a body."""
        if "content" in answer:
            return answer["content"]["application/json"]["example"]
        return answer["examples"]["application/json"] if "schema" in answer else None


@contextmanager
def derived(source: str) -> Iterator[str]:
    """Run a service that is made from a document, and yield its URL."""
    service = Derived(fetch_document(source))

    class Handler(http.server.BaseHTTPRequestHandler):
        """Answer as the document says."""

        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def handle_any(self) -> None:
            """Answer one request."""
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            media = self.headers.get_content_type() == "application/json"
            status, data, headers = service.answer(self.command, parts.path, parts.query, body if media else b"")
            text = b"" if data is None else json.dumps(data).encode()
            self.send_response(status)
            if data is not None:
                headers |= {"Content-Type": "application/json", "Content-Length": str(len(text))}
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text if self.command != "HEAD" else b"")

        def __getattr__(self, name: str) -> Any:
            """Answer every method: http.server looks for `do_METHOD`."""
            if name.startswith("do_"):
                return self.handle_any
            raise AttributeError(name)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with in_thread(Handler) as url:
        yield url
