"""OpenAPI documents for tests, and a server that has nothing else."""

from __future__ import annotations

import http.server
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from servers import in_thread

OK = {"description": "an answer"}


def document(paths: Any, version: str = "3.1.0", **more: Any) -> dict[str, Any]:
    """Return a valid document with these paths."""
    named = {"swagger": version} if version == "2.0" else {"openapi": version}
    return {**named, "info": {"title": "A document", "version": "1"}, "paths": paths, **more}


def reading(**more: Any) -> dict[str, Any]:
    """Return a path that can be read."""
    return {"get": {"responses": {"200": OK}, **more}}


def told(data: Any) -> bytes:
    """Return data as JSON."""
    return json.dumps(data).encode()


@contextmanager
def serving(files: Mapping[str, bytes], *, status: int = 200) -> Iterator[str]:
    """Serve files on a free port, and yield the URL before their paths."""

    class Handler(http.server.BaseHTTPRequestHandler):
        """Answer with a file."""

        def do_GET(self) -> None:
            """Answer one request."""
            self.send_response(status if self.path in files else 404)
            self.end_headers()
            self.wfile.write(files.get(self.path, b""))

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with in_thread(Handler) as url:
        yield url
