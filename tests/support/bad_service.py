"""A service that never comes to an end, or comes to one too early: what the fuzzer must come through.

    python bad_service.py MODE

Prints its port. `GET /a` takes a whole number `q`; `MODE` is how it answers.
"""

import http.server
import itertools
import json
import os
import sys
import time
from typing import Any

ANSWER = {"description": "an answer", "content": {"application/json": {"schema": {"type": "object"}}}}
NUMBER = {"in": "query", "name": "q", "schema": {"type": "integer"}}
READ = {"parameters": [NUMBER], "responses": {"200": ANSWER, "422": ANSWER}}
DOCUMENT = {"openapi": "3.1.0", "info": {"title": "Bad", "version": "1"}, "paths": {"/a": {"get": READ}}}
UNTIL_IT_DIES = 8
AFTER = 3
"""How many requests are answered as they should be: the engine begins with two or three of its own."""

DRIP_S = 0.05
MB = 1024 * 1024
ASKED = itertools.count()


class Handler(http.server.BaseHTTPRequestHandler):
    """Answer as the mode says."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Keep quiet."""

    def say(self, status: int, body: object, **headers: str) -> None:
        """Answer with JSON."""
        text = json.dumps(body).encode()
        self.begin(status, **{"Content-Length": str(len(text)), **headers})
        self.wfile.write(text if self.command != "HEAD" else b"")

    def begin(self, status: int, **headers: str) -> None:
        """Send status and headers."""
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def handle_any(self) -> None:
        """Answer one request."""
        if self.path == "/openapi.json":
            return self.say(200, DOCUMENT)
        number, mode = next(ASKED), sys.argv[1]
        if mode == "dies" and number >= UNTIL_IT_DIES:
            os._exit(1)
        if mode in BODIES and self.command == "GET" and number >= AFTER:
            return BODIES[mode](self)
        return self.judge()

    def judge(self) -> None:
        """Answer as documented."""
        given = self.path.partition("?")[2].removeprefix("q=")
        if sys.argv[1] != "yes" and self.command != "GET":
            return self.say(405, {}, Allow="GET")
        if sys.argv[1] != "yes" and given and not given.lstrip("-").isdigit():
            return self.say(422, {})
        return self.say(200, {})

    def drip_headers(self) -> None:
        """Send a header that never ends."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        self.drip()

    def drip_body(self) -> None:
        """Send a body that never ends, a byte at a time."""
        self.begin(200, **{"Content-Length": "100000000"})
        self.drip()

    def drip(self) -> None:
        """Send spaces for as long as somebody listens."""
        while True:
            self.wfile.write(b" ")
            self.wfile.flush()
            time.sleep(DRIP_S)

    def large(self) -> None:
        """Send 100 MB."""
        self.begin(200, **{"Content-Length": str(100 * MB)})
        for _ in range(100):
            self.wfile.write(b" " * MB)

    def __getattr__(self, name: str) -> Any:
        """Answer every method: http.server looks for `do_METHOD`."""
        if name.startswith("do_"):
            return self.handle_any
        raise AttributeError(name)


BODIES = {"drips": Handler.drip_body, "drips-headers": Handler.drip_headers, "large": Handler.large}


class Server(http.server.ThreadingHTTPServer):
    """Take no notice of who hangs up."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Keep quiet."""


if __name__ == "__main__":
    server = Server(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)  # noqa: T201 - whoever starts it reads the port
    server.serve_forever()
