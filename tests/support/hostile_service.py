"""A service that is hostile in every field that it controls: markup, terminal escapes, invalid UTF-8, 10 MB.

    python hostile_service.py PORT

`GET /a` has it in the reason of its status, in headers (trace ids too) and in the body; `/long` has 10 MB of it,
`/broken` a status line that is none, `/metrics` no samples, `/openapi.json` a document that is hostile in every text.
Each answer is logged with it, and a module of a hostile name is run.
"""

from __future__ import annotations

import http.server
import json
import sys
from pathlib import Path

MARKUP = "<script>alert(1)</script><img src=x onerror=alert(2)>]]>--><!--|[x](javascript:alert(3))@everyone[/red]"
ESCAPES = "\x1b[31m\x1b]0;owned\x07\x9b31m\u202e\u200b\x00\x08\r"
TEXT = f"{MARKUP}{{{{ 7 * 7 }}}}{ESCAPES}"
BYTES = TEXT.encode() + b"\xff\xfe\xc3(\xed\xa0\x80"
LONG = 10 * 2**20
IN_HEADER = MARKUP.encode() + b"\x1b[31m\x9b31m\xff\xfe"
"""What comes through in a header, and in a status line but for the escape: a terminal takes the byte 9b for one too."""

NAME = "<img src=x onerror=alert(4)>\x1b[31m.py"
MODULE = "def run():\n    return 1\n\nrun()\n"


def answers(status: str = "200") -> dict[str, object]:
    """Return documented answers whose texts are hostile."""
    schema = {"type": "object", "required": [TEXT], "properties": {TEXT: {"type": "integer"}}}
    return {status: {"description": TEXT, "content": {"application/json": {"schema": schema}}}}


def document() -> bytes:
    """Return an OpenAPI document that is hostile in each text, with half a character in two of them."""
    read = {"operationId": TEXT, "summary": TEXT, "description": TEXT, "tags": [TEXT], "responses": answers()}
    paths = {"/a": {"get": read}, f"/{MARKUP}\x1b[31m\u202e": {"get": {**read, "operationId": TEXT + "\ud800"}}}
    info = {"title": f"{TEXT}\ud800", "description": TEXT, "version": TEXT}
    return json.dumps({"openapi": "3.1.0", "info": info, "paths": paths}).encode()


class Handler(http.server.BaseHTTPRequestHandler):
    """Answer everything."""

    def log_message(self, *_: object) -> None:
        """Log what the service wants to."""
        sys.stdout.buffer.write(b"log " + BYTES + b"\n")
        sys.stdout.buffer.flush()

    def answer(self, body: bytes, *, kind: str = "application/json", status: bytes = b"200") -> None:
        """Send a status line and headers that are hostile, and a body."""
        self.log_message()
        self.wfile.write(b"HTTP/1.0 " + status + b" " + IN_HEADER + b"\r\nContent-Type: " + kind.encode() + b"\r\n")
        self.wfile.write(b"X-Trace-Id: " + IN_HEADER + b"\r\nX-Hostile: " + IN_HEADER + b"\r\n")
        self.wfile.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def do_GET(self) -> None:
        """Answer one request."""
        if self.path == "/openapi.json":
            return self.answer(document())
        if self.path == "/metrics":
            return self.answer(BYTES, kind="text/plain")
        if self.path == "/long":
            return self.answer(BYTES * (LONG // len(BYTES)))
        return self.answer(BYTES, status=b"2\x1b[31m" if self.path == "/broken" else b"200")

    do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_HEAD = do_GET  # noqa: N815 - what http.server looks for


def run_module(folder: Path) -> None:
    """Run a module whose file has a hostile name, as whatever measures coverage sees it."""
    file = folder / NAME
    exec(compile(file.read_text(), str(file), "exec"), {"__name__": "hostile"})  # noqa: S102 - written by this file


if __name__ == "__main__":
    run_module(Path("own"))
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
