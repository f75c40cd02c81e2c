"""The edge of the service: other origins, headers for browsers, large bodies, and input that makes no sense."""

from __future__ import annotations

import http.client
import re
import secrets
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from seatrial.config import ContractSettings, CorsSettings, ErrorSettings, SecuritySettings, Settings
from seatrial.core import Identity
from seatrial.core.fence import SAFE
from seatrial.core.inside import STACK_TRACE, unescaped
from seatrial.http import IdentityPool
from seatrial.openapi import operation_at, operations_of, served_document
from seatrial.plugin import Defects, check, inconclusive, not_applicable, not_enveloped, not_tested

CLIENT_ERROR, SERVER_ERROR, TOO_LARGE = 400, 500, 413
ALLOWED, WITH_CREDENTIALS = "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"


def ask_first(client: httpx.Client, origin: str, cors: CorsSettings) -> httpx.Response:
    """Send the preflight of a page of this origin (the Fetch standard, 3.2)."""
    headers = {"Access-Control-Request-Method": cors.method, "Access-Control-Request-Headers": "authorization"}
    return client.options(cors.path, headers={"Origin": origin, **headers})


@check("security.cors-preflight", title="pages of the declared origin may ask", severity="medium", safe=True)
def test_cors_preflight(client: httpx.Client, cors: CorsSettings) -> None:
    """A preflight without a token is answered with 2xx, the origin and the method: otherwise the web page is dead."""
    answer = ask_first(client, cors.origin, cors)
    assert answer.is_success, f"the preflight of {cors.path} answers {answer.status_code}"
    assert answer.headers.get(ALLOWED) in _names_of(cors), f"{ALLOWED} is {answer.headers.get(ALLOWED)!r}"
    methods = answer.headers.get("Access-Control-Allow-Methods", "")
    safe = cors.method in {"GET", "POST"}
    assert safe or {cors.method, "*"} & set(re.split(r"\s*,\s*", methods)), f"{cors.method} is not among {methods!r}"
    assert not cors.credentials or answer.headers.get(WITH_CREDENTIALS) == "true", f"{WITH_CREDENTIALS} is not true"


def _names_of(cors: CorsSettings) -> set[str]:
    """Return what may stand for the origin: with credentials, browsers take `*` for nobody."""
    return {cors.origin} if cors.credentials else {cors.origin, "*"}


@check(
    "security.cors-origin-refused",
    title="pages of other origins may not read",
    severity="high",
    cwe=(942, 346),
    owasp=("API8:2023",),
    safe=True,
)
def test_cors_origin_refused(client: httpx.Client, cors: CorsSettings, defects: Defects) -> None:
    """No origin that nobody named is allowed, neither by a preflight nor by the answer: any page could read for it."""
    scheme, _, host = cors.origin.partition("://")
    method = cors.method if cors.method in SAFE else "GET"  # nothing is changed to see it
    for origin in ("https://origin.invalid", "null", f"{cors.origin}.origin.invalid", f"{scheme}://not{host}"):
        for answer in (
            ask_first(client, origin, cors),
            client.request(method, cors.path, headers={"Origin": origin}),
        ):
            if answer.headers.get(ALLOWED) in {origin, "*"}:
                title = f"{answer.request.method} {cors.path} allows the origin {origin}"
                defects.add(title, cause="foreign-origin-allowed", operation=f"{answer.request.method} {cors.path}")
    defects.none()


@check(
    "security.cors-on-errors",
    title="pages of the declared origin may read errors",
    severity="low",
    presupposes=("security.cors-preflight",),
    safe=True,
)
def test_cors_on_errors(client: httpx.Client, cors: CorsSettings, settings: Settings, defects: Defects) -> None:
    """Answers of 4xx allow the origin too: without that, a page sees a network failure where it should say why."""
    paths = [f"/no-such-path-{secrets.token_hex(4)}"]
    paths += [settings.auth.protected] if settings.auth and settings.auth.protected else []
    for path in paths:
        answer = client.get(path, headers={"Origin": cors.origin})
        if answer.status_code >= CLIENT_ERROR and answer.headers.get(ALLOWED) not in _names_of(cors):
            title = f"GET {path} answers {answer.status_code} without {ALLOWED}"
            defects.add(title, cause=f"missing-on-{answer.status_code}", operation=f"GET {path}")
    defects.none()


@check(
    "security.headers-present",
    title="answers tell browsers to be careful",
    severity="medium",
    cwe=(693,),
    owasp=("API8:2023",),
    safe=True,
)
def test_headers_present(
    client: httpx.Client, settings: Settings, security: SecuritySettings, defects: Defects
) -> None:
    """Each declared header is on good answers and on errors: a browser obeys only what it is told every time."""
    if not security.headers:
        not_applicable("[security] headers is not declared")
    paths = [settings.stack.ready, f"/no-such-path-{secrets.token_hex(4)}"]
    paths += [settings.auth.protected] if settings.auth and settings.auth.protected else []
    for answer in map(client.get, paths):
        for name, wanted in security.headers.items():
            if not re.fullmatch(wanted, answer.headers.get(name, "")):
                title = f"{name} is {answer.headers.get(name)!r} on a {answer.status_code}, not {wanted}"
                defects.add(title, cause=name.lower(), operation=f"GET {answer.request.url.path}")
    defects.none()


def in_chunks(body: bytes, size: int = 65_536) -> Iterator[bytes]:
    """Yield a body in pieces, so that its length is not announced."""
    for start in range(0, len(body), size):
        yield body[start : start + size]


@check(
    "security.body-too-large-refused",
    title="a body that is too large is refused",
    severity="medium",
    cwe=(770,),
    owasp=("API4:2023",),
)
def test_body_too_large_refused(someone: Callable[[], httpx.Client], security: SecuritySettings) -> None:
    """One byte more than the limit is answered with 413, with and without an announced length; the limit is not."""
    if security.body_path is None or security.body_bytes is None:
        not_applicable("[security] body_path and body_bytes are not declared")
    path, body, headers = security.body_path, b" " * security.body_bytes, {"Content-Type": "application/json"}
    status = someone().post(path, content=body + b" ", headers=headers).status_code
    assert status == TOO_LARGE, f"POST {path} with {len(body) + 1} bytes answers {status}"
    status = someone().post(path, content=in_chunks(body + b" "), headers=headers).status_code
    assert status == TOO_LARGE, f"POST {path} with {len(body) + 1} bytes in chunks answers {status}"
    status = someone().post(path, content=body, headers=headers).status_code
    assert status != TOO_LARGE, f"POST {path} with {len(body)} bytes, which is the limit, answers {status}"


@dataclass(frozen=True, slots=True)
class Oddity:
    """A request that makes no sense; `wrong` ones are errors, others may as well be served."""

    what: str
    method: str
    path: str
    options: dict[str, Any] = field(default_factory=dict)
    wrong: bool = True


def body(what: str, path: str, content: bytes, kind: str = "application/json") -> Oddity:
    """Return a POST with an odd body."""
    return Oddity(what, "POST", path, {"content": content, "headers": {"Content-Type": kind}})


def oddities(settings: Settings) -> list[Oddity]:
    """Return what a curious stranger tries first, on the paths that the project declares."""
    known = settings.auth.protected if settings.auth and settings.auth.protected else settings.stack.ready
    found = [
        Oddity("an unknown path", "GET", f"/no-such-path-{secrets.token_hex(4)}"),
        Oddity("an unknown path with bytes that are no text", "GET", "/no-such-path-%FF%FE%00"),
        Oddity("an unknown method", "PROPFIND", known),
        Oddity("a query with bytes that are no text", "GET", f"{known}?a=%FF%FE%00&%FF=1", wrong=False),
        Oddity("a cursor that was made up", "GET", f"{known}?cursor=bWFkZS11cA&page=-1", wrong=False),
        Oddity("a header with bytes that are no text", "GET", known, {"headers": {b"X-Odd": b"\xff\xfe"}}, wrong=False),
        Oddity("a header of 40,000 bytes", "GET", known, {"headers": {"X-Odd": "a" * 40_000}}, wrong=False),
        Oddity("an address of 20,000 bytes", "GET", f"{known}?a={'a' * 20_000}", wrong=False),
        Oddity("a media type that does not exist", "GET", known, {"headers": {"Accept": ";;q=9"}}, wrong=False),
    ]
    if settings.auth and settings.auth.protected:
        found += odd_tokens(settings.auth.protected)
    if settings.security and settings.security.body_path:
        found += odd_bodies(settings.security.body_path)
    if settings.jobs:
        names = (
            "no-such-id",
            "%00",
            "%FF%FE",
            "-1",
            "9" * 300,
            "%27%20OR%201=1",
            "00000000-0000-4000-8000-000000000000",
        )
        found += [Oddity(f"the id {name[:40]}", "GET", f"{settings.jobs.submit}/{name}") for name in names]
    return found


def odd_tokens(path: str) -> list[Oddity]:
    """Return tokens that are none: they come before authentication, so that anybody can send them."""
    tokens = {
        "a token that is one word": b"token",
        "a token of 20,000 characters": b"a" * 20_000,
        "a token with bytes that are no text": b"\xff\xfe.\xff.\xff",
    }
    return [
        Oddity(what, "GET", path, {"headers": {b"Authorization": b"Bearer " + token}}) for what, token in tokens.items()
    ]


def odd_bodies(path: str) -> list[Oddity]:
    """Return bodies of which none is what a service asked for."""
    return [
        body("a body that is no JSON", path, b'{"a":'),
        body("an empty body", path, b""),
        body("a JSON body of another type", path, b"[1, 2]"),
        body("a JSON body that is no UTF-8", path, b'{"a": "\xff\xfe"}'),
        body("a JSON body with half a character", path, rb'{"\ud800": "\ud800"}'),
        body("a JSON body nested 5000 deep", path, b"[" * 5000),
        body("a JSON body with a number of 5000 digits", path, b'{"a": ' + b"9" * 5000 + b"}"),
        body("a body of another media type", path, b"<a/>", "application/xml"),
        body("a media type that is malformed", path, b"{}", ";;/"),
    ]


@pytest.fixture
def someone(
    settings: Settings, client_as: Callable[[Identity | None], httpx.Client], identities: IdentityPool
) -> Callable[[], httpx.Client]:
    """Return a function that opens a client of a fresh user, or of nobody where there are no users."""
    return lambda: client_as(identities.lease(1)[0] if settings.auth else None)


@pytest.fixture
def odd_answers(someone: Callable[[], httpx.Client], settings: Settings) -> list[tuple[Oddity, httpx.Response | None]]:
    """Send every oddity; None stands for no answer."""
    client = someone()

    def answer(odd: Oddity) -> httpx.Response | None:
        try:
            return client.request(odd.method, odd.path, **odd.options)
        except httpx.TransportError:
            return None

    return [(odd, answer(odd)) for odd in oddities(settings)]


Answers = list[tuple[Oddity, httpx.Response | None]]


@check(
    "security.bad-input-handled",
    title="input that makes no sense is the client's fault",
    severity="high",
    cwe=(20, 755),
    owasp=("API8:2023",),
)
def test_bad_input_handled(odd_answers: Answers, security: SecuritySettings, defects: Defects) -> None:
    """Odd requests are answered, never with 5xx, and with 4xx where they cannot be right: they wake nobody up."""
    del security
    for odd, answer in odd_answers:
        status = answer.status_code if answer else 0
        lowest = CLIENT_ERROR if odd.wrong else 1
        if not lowest <= status < SERVER_ERROR:
            title = f"{odd.what} is answered with {status}" if status else f"{odd.what} gets no answer"
            defects.add(title, cause=f"answers-{status}", operation=f"{odd.method} {odd.path.partition('?')[0][:80]}")
    defects.none()


@check(
    "security.bad-input-documented",
    title="input that makes no sense gets a documented answer",
    severity="low",
    cwe=(20,),
)
def test_bad_input_documented(  # noqa: PLR0913, PLR0917 - fixtures
    odd_answers: Answers,
    client: httpx.Client,
    settings: Settings,
    contract: ContractSettings,
    security: SecuritySettings,
    defects: Defects,
) -> None:
    """Each status below 500 is documented for its operation: clients handle what they were told of, and no more."""
    del contract, security
    operations = operations_of(served_document(settings, str(client.base_url)))
    seen = [
        (odd, answer.status_code, operation_at(odd.method, odd.path.partition("?")[0], operations))
        for odd, answer in odd_answers
        if answer
    ]
    judged = [(odd, status, found) for odd, status, found in seen if found and status < SERVER_ERROR]
    if not judged:
        inconclusive("no odd request was one of a documented operation")
    for odd, status, operation in judged:
        if not operation.documented_as(status):
            title = f"{odd.what} is answered with {status}, which is not documented"
            defects.add(title, cause=f"undocumented-{status}", operation=operation.label)
    defects.none()


@check("security.errors-enveloped", title="errors have one form", severity="medium")
def test_errors_enveloped(odd_answers: Answers, errors: ErrorSettings, settings: Settings, defects: Defects) -> None:
    """Each error has the declared fields, with its own trace id: clients are written against one form."""
    seen = [(odd, answer) for odd, answer in odd_answers if answer is not None and answer.is_error]
    if not seen:
        inconclusive("not one request was answered with an error")
    for odd, answer in seen:
        if problem := not_enveloped(answer, errors, settings.tracing):
            title = f"{odd.what}: the answer of {answer.status_code} {problem}"
            defects.add(title, cause=problem.replace(" ", "-"), operation=f"{odd.method} {odd.path[:80]}")
    defects.none()


NO_HTTP = {
    "a request line that is none": b"nonsense\r\n\r\n",
    "a method that nobody knows": b"FROB / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "an address with bytes that are no text": b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "NUL in a header": b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Odd: \x00\r\n\r\n",
    "a length that is no number": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: many\r\n\r\n",
}
"""What a server answers by itself, since no application could make anything of it."""


@check("security.malformed-request-enveloped", title="what is no HTTP is answered in the same form", severity="low")
def test_malformed_request_enveloped(
    client: httpx.Client, errors: ErrorSettings, settings: Settings, defects: Defects
) -> None:
    """What the server or a proxy answers by itself has the declared fields too: its trace id is all that is known."""
    if client.base_url.scheme != "http":
        not_tested("bytes are sent as they are, which TLS would hide")
    seen = {what: answer for what, sent in NO_HTTP.items() if (answer := answer_to(sent, client.base_url))}
    if not seen:
        inconclusive("not one malformed request was answered")
    for what, answer in seen.items():
        if answer.is_error and (problem := not_enveloped(answer, errors, settings.tracing)):
            title = f"{what}: the answer of {answer.status_code} {problem}"
            defects.add(title, cause=problem.replace(" ", "-"), operation="no HTTP")
    defects.none()


def answer_to(sent: bytes, url: httpx.URL) -> httpx.Response | None:
    """Send bytes and return the answer; None where the connection just ends, which a server may do."""
    try:
        with socket.create_connection((url.host, url.port or 80), timeout=10) as connection:
            connection.sendall(sent)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            return httpx.Response(answer.status, headers=answer.getheaders(), content=answer.read())
    except (OSError, http.client.HTTPException):
        return None


@check(
    "security.no-stack-trace",
    title="errors show nothing of the inside",
    severity="medium",
    cwe=(209,),
    owasp=("API8:2023",),
)
def test_no_stack_trace(odd_answers: Answers, security: SecuritySettings, defects: Defects) -> None:
    """No answer to an odd request holds a stack trace: it tells an attacker which libraries to look up."""
    del security
    for odd, answer in odd_answers:
        if answer and (found := STACK_TRACE.search(unescaped(answer.text))):
            title = f"{odd.what}: the answer of {answer.status_code} holds {found[0].strip()[:60]!r}"
            defects.add(title, cause="stack-trace", operation=f"{odd.method} {odd.path[:80]}")
    defects.none()
