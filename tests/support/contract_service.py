"""A small real service whose every operation can be given one defect: what the contract's checks are tried on.

    python contract_service.py PUBLIC_KEY_FILE QUOTA WINDOW_S [DEFECT ...]

With the variable CONTRACT_DOOR others are let in than who holds a signed token (contract_doors.py). What it promises
stands in contract_document.py, what can be wrong with it in contract_defects.py. Prints its port.
Items belong to one user, and requests are limited by organisation, anonymous ones by address.
"""

import collections
import http.server
import json
import math
import os
import re
import sys
import time
import urllib.parse
from pathlib import Path
from typing import Any

import jwt
from contract_defects import INSTEAD, KNOWN
from contract_document import CURSOR, document
from contract_doors import LOGINS, Door


class Service(http.server.ThreadingHTTPServer):
    """The state of the service."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, key: str, quota: int, window_s: float, defects: set[str]) -> None:
        if unknown := defects - KNOWN:
            raise ValueError(f"no such defect: {', '.join(sorted(unknown))}")
        super().__init__(("127.0.0.1", 0), Handler)
        self.key, self.quota, self.window_s, self.defects = key, quota, window_s, defects
        self.document = document()
        self.door = Door(os.environ["CONTRACT_DOOR"]) if "CONTRACT_DOOR" in os.environ else None
        self.items: dict[str, tuple[str, str]] = {}
        self.gone: set[str] = set()
        self.hits: dict[str, collections.deque[float]] = collections.defaultdict(collections.deque)
        self.seen: collections.Counter[str] = collections.Counter()

    def over_quota(self, client: str) -> bool:
        """Count a request; rejected ones are free."""
        hits, now = self.hits[client], time.monotonic()
        while hits and hits[0] < now - self.window_s:
            hits.popleft()
        if len(hits) >= self.quota:
            return True
        hits.append(now)
        return False


class Handler(http.server.BaseHTTPRequestHandler):
    """Answer one request after the other on a connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    server: Service

    def log_message(self, *_: object) -> None:
        """Keep quiet."""

    def say(self, status: int, body: object, headers: dict[str, str] | None = None, media: str = "") -> None:
        """Answer with JSON."""
        text = json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", media or "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    def claims(self) -> dict[str, Any] | None:
        """Return whose token it is, or None."""
        if self.server.door:
            return self.server.door.claims(self.headers, self.path)
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        try:
            return jwt.decode(token, self.server.key, algorithms=["RS256"]) if scheme == "Bearer" else None
        except jwt.InvalidTokenError:
            return None

    @property
    def seen(self) -> collections.Counter[str]:
        """Return how often each operation was asked."""
        return self.server.seen

    def has(self, defect: str) -> bool:
        """Return whether this run has a defect."""
        return defect in self.server.defects

    def handle_any(self) -> None:
        """Decide on one request."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0]
        name = path.split("/")[1]
        if path == "/openapi.json":
            return self.say(200, self.server.document)
        if self.server.door and path in LOGINS:
            return self.say(*self.server.door.answer(self.headers, body))
        claims = self.claims()
        client = f"org:{claims['org']}" if claims else self.client_address[0]
        if self.server.over_quota(client) or (name == "limited" and self.has("limited")):
            return self.say(429, {"error": "slow down"}, self.how_long())
        item = self.server.document["paths"].get("/items/{id}" if path.startswith("/items/") else path)
        if item is None:
            return self.say(404, {"error": "no such path"})
        return self.dispatch(name, item, claims, body)

    def how_long(self) -> dict[str, str]:
        """Return what says when to come back, where this run says so: in whole seconds, or as a date."""
        if self.has("dated"):
            return {"Retry-After": self.date_time_string(int(time.time() + self.server.window_s) + 1)}
        return {"Retry-After": f"{math.ceil(self.server.window_s)}"} if self.has("timed") else {}

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = do_TRACE = handle_any  # noqa: N815 - http.server's names

    def __getattr__(self, name: str) -> Any:
        """Answer every other method too: http.server looks for `do_METHOD`."""
        if name.startswith("do_"):
            return self.handle_any
        raise AttributeError(name)

    def dispatch(self, name: str, item: dict[str, Any], claims: dict[str, Any] | None, body: bytes) -> None:
        """Refuse what is not allowed, and let the operation answer the rest."""
        found = item.get(self.command.lower())
        if found is None and not (name == "method" and self.has("method")):
            methods = ", ".join(key.upper() for key in item if key != "parameters")
            return self.say(405, {"error": "no"}, {} if name == "allow" and self.has("allow") else {"Allow": methods})
        secured = bool(found and found["security"] and {} not in found["security"])
        if secured and not self.may_enter(name, claims):
            return self.say(401, {"error": "who are you?"})
        if found and "requestBody" in found:
            given = self.valid(body, strictly=not (name == "lenient" and self.has("lenient")))
            if given is None:
                return self.say(422, {"error": "invalid"})
            return self.take(name, claims, given)
        return self.give(name, claims)

    def may_enter(self, name: str, claims: dict[str, Any] | None) -> bool:
        """Return whether credentials are accepted."""
        if name == "locked" and self.has("locked"):
            return False
        if name == "open" and self.has("open"):
            return True
        return claims is not None or (name == "bogus" and self.has("bogus") and self.shows_something())

    def shows_something(self) -> bool:
        """Return whether a request has credentials where they belong, good or not."""
        door = self.server.door
        return bool(door.held(self.headers, self.path)) if door else "Authorization" in self.headers

    def valid(self, body: bytes, *, strictly: bool) -> str | None:
        """Return the name that a body holds, or None for an invalid body."""
        if self.headers.get_content_type() != "application/json":
            return None
        try:
            given = json.loads(body)
        except ValueError:
            return None
        if not strictly:
            return str(given)[:20]
        if not isinstance(given, dict) or given.keys() != {"name"} or not isinstance(given["name"], str):
            return None
        return given["name"] if re.fullmatch(r"[a-z]{1,20}", given["name"]) else None

    def wrongly(self, name: str, given: str) -> bool:
        """Return whether a defect answered for the operation."""
        found = [answer for (defect, where), answer in INSTEAD.items() if where == name and self.has(defect)]
        return any(answer(self, given) for answer in found)

    def take(self, name: str, claims: dict[str, Any] | None, given: str) -> None:
        """Answer an operation with a body."""
        if self.wrongly(name, given):
            return None
        if name != "items":
            return self.say(200, {"ok": True})
        self.server.seen["item"] += 1
        key = f"item-{self.server.seen['item']:08}"
        if not self.has("vanish"):
            self.server.items[key] = (claims["sub"] if claims else "", given)
        return self.say(201, {"id": key, "name": given})

    def give(self, name: str, claims: dict[str, Any] | None) -> None:
        """Answer an operation without a body."""
        if name == "items":
            return self.item(self.path.partition("?")[0].rpartition("/")[2], claims["sub"] if claims else "")
        if name == "pages":
            return self.page()
        self.server.seen[name] += 1
        if self.wrongly(name, ""):
            return None
        status = 203 if name == "status" and self.has("status") else 200
        media = "text/plain" if name == "media" and self.has("media") else ""
        return self.say(status, {"ok": True}, {} if self.has("headers") else {"X-Version": "1"}, media)

    def page(self) -> None:
        """Answer with a cursor, and take no other."""
        given = urllib.parse.parse_qs(self.path.partition("?")[2], keep_blank_values=True).get("cursor", [CURSOR])
        if given != [CURSOR] or (self.has("forgetful") and "cursor" in self.path):
            return self.say(422, {"error": "no such page"})
        return self.say(200, {"next": CURSOR})

    def item(self, key: str, user: str) -> None:
        """Read or remove an item; nobody sees another user's."""
        if key in self.server.gone and self.has("brittle"):
            return self.say(500, {"error": "where is it?"})
        owner, given = self.server.items.get(key, ("", ""))
        if not owner or (owner != user and not self.has("shared")):
            return self.say(404, {"error": "no such item"})
        if self.command == "DELETE":
            if self.has("clinging"):
                return self.say(409, {"error": "not now"})
            if not self.has("undead"):
                del self.server.items[key]
                self.server.gone.add(key)
            return self.say(200, {"ok": True})
        return self.say(200, {"id": key, "name": 7 if self.has("schema") else given})


if __name__ == "__main__":
    _, key_file, quota_text, window_text, *wanted = sys.argv
    service = Service(Path(key_file).read_text(), int(quota_text), float(window_text), set(wanted))
    print(service.server_port, flush=True)  # noqa: T201 - whoever starts it reads the port
    service.serve_forever()
