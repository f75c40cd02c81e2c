"""A small real service whose every operation can be given one defect: what the contract's checks are tried on.

    python contract_service.py PUBLIC_KEY_FILE QUOTA WINDOW_S [DEFECT ...]

Prints its port. Items belong to one user, and requests are limited by organisation, anonymous ones by address.
"""

import collections
import http.server
import json
import re
import sys
import time
import urllib.parse
from pathlib import Path
from typing import Any

import jwt

BEARER: list[dict[str, list[str]]] = [{"bearer": []}]
ERROR = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
NAME = {"type": "string", "minLength": 1, "maxLength": 20, "pattern": "^[a-z]*$"}
ITEM = {
    "type": "object",
    "required": ["id", "name"],
    "properties": {"id": {"type": "string", "minLength": 8}, "name": NAME},
}
INPUT = {"type": "object", "required": ["name"], "properties": {"name": NAME}, "additionalProperties": False}
OK = {"type": "object", "required": ["ok"], "properties": {"ok": {"type": "boolean"}}}
PAGE = {"type": "object", "required": ["next"], "properties": {"next": {"type": "string"}}}
LONG = 12
CURSOR = "made-by-the-service"


def answer(schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a documented JSON answer."""
    return {"description": "an answer", "content": {"application/json": {"schema": schema}}, **more}


def operation(schema: dict[str, Any], *, status: str = "200", secured: bool = True, **more: Any) -> dict[str, Any]:
    """Return a documented operation."""
    errors = {code: answer(ERROR) for code in ("400", "401", "422", "429", "500")}
    extra = more.pop("answers", {})
    return {"responses": {status: answer(schema), **errors, **extra}, "security": BEARER if secured else [], **more}


def with_body() -> dict[str, Any]:
    """Return a documented request body."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": INPUT}}}}


def document() -> dict[str, Any]:
    """Return what the service promises, which no defect changes."""
    key = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 8}}
    missing = {"404": answer(ERROR)}
    link = {"parameters": {"id": "$response.body#/id"}}
    made = answer(ITEM, links={"read": {**link, "operationId": "read"}, "remove": {**link, "operationId": "remove"}})
    cursor = {"name": "cursor", "in": "query", "schema": {"type": "string", "minLength": 1}}
    page = answer(PAGE, links={"next": {"operationId": "pages", "parameters": {"cursor": "$response.body#/next"}}})
    version = {"X-Version": {"required": True, "schema": {"type": "integer"}}}
    paths: dict[str, Any] = {
        "/items": {"post": operation(ITEM, status="201", answers={"201": made}, **with_body())},
        "/items/{id}": {
            "parameters": [key],
            "get": operation(ITEM, operationId="read", answers=missing),
            "delete": operation(OK, operationId="remove", answers={**missing, "409": answer(ERROR)}),
        },
        "/health": {"get": operation(OK, secured=False)},
        "/crash": {"post": operation(OK, **with_body())},
        "/drop": {"post": operation(OK, **with_body())},
        "/lenient": {"post": operation(OK, **with_body())},
        "/strict": {"post": operation(OK, **with_body())},
        "/headers": {"get": operation(OK, answers={"200": answer(OK, headers=version)})},
        "/pages": {"get": operation(PAGE, operationId="pages", answers={"200": page}, parameters=[cursor])},
        "/optional": {"get": {**operation(OK), "security": [{}, *BEARER]}},
    }
    for name in ("status", "media", "open", "bogus", "method", "allow", "once", "limited", "locked", "hang"):
        paths[f"/{name}"] = {"get": operation(OK)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "A service for tests", "version": "1"},
        "paths": paths,
        "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
    }


class Service(http.server.ThreadingHTTPServer):
    """The state of the service."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, key: str, quota: int, window_s: float, defects: set[str]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.key, self.quota, self.window_s, self.defects = key, quota, window_s, defects
        self.document = document()
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
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        try:
            return jwt.decode(token, self.server.key, algorithms=["RS256"]) if scheme == "Bearer" else None
        except jwt.InvalidTokenError:
            return None

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
        claims = self.claims()
        client = f"org:{claims['org']}" if claims else self.client_address[0]
        if self.server.over_quota(client) or (name == "limited" and self.has("limited")):
            return self.say(429, {"error": "slow down"})
        item = self.server.document["paths"].get("/items/{id}" if path.startswith("/items/") else path)
        if item is None:
            return self.say(404, {"error": "no such path"})
        return self.dispatch(name, item, claims, body)

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
        return claims is not None or (name == "bogus" and self.has("bogus") and "Authorization" in self.headers)

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

    def take(self, name: str, claims: dict[str, Any] | None, given: str) -> None:
        """Answer an operation with a body."""
        if name == "crash" and self.has("crash") and len(given) > LONG:
            return self.say(500, {"error": "oops"})
        if name == "drop" and self.has("drop") and len(given) > LONG:
            self.close_connection = True
            return None
        if name == "strict" and self.has("strict") and len(given) > LONG:
            return self.say(422, {"error": "too long for me"})
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
            return self.item(self.path.rpartition("/")[2], claims["sub"] if claims else "")
        if name == "pages":
            return self.page()
        self.server.seen[name] += 1
        if name == "hang" and self.has("hang"):
            time.sleep(60)
        if name == "once" and self.has("once") and self.server.seen[name] == 1:
            return self.say(500, {"error": "only once"})
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
        if owner != user:
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
