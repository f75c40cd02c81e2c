"""What stands in place of a secret, where a secret comes from, and how long a refusal is waited for."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import email.utils
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests
from servers import in_thread

from seatrial.config import AuthSettings, IdentitySettings, Settings
from seatrial.core import EnvironmentFailure, Exchange, Identity, Request, UsageError
from seatrial.core.curl import curl_for
from seatrial.core.marks import before, mark_of, masked, masked_query, with_query, without_query
from seatrial.core.scripts import roles
from seatrial.fuzz._allowance import Client, Rota
from seatrial.fuzz._carried import HEADER, outgoing, told
from seatrial.fuzz._messages import Broken, Key, Learned, Message, Source
from seatrial.fuzz._patience import TRIES, Patience, told_s
from seatrial.fuzz._renewals import Renewals
from seatrial.http import AddressPool, IdentityPool, SigningKey
from seatrial.signin import Means, People, Token, obtain, renew
from seatrial.signin._means import LARGEST, Login

MARK = mark_of("ann")
NOW = dt.datetime(2030, 1, 1, 12, 0, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("name", "own", "prefix"),
    [
        ("Authorization", "Bearer t", ""),
        ("Authorization", "Basic t", "Basic "),
        ("authorization", "Token t", "Token "),
        ("Authorization", "raw", ""),
        ("Cookie", "session=s", "session="),
        ("X-API-Key", "two words", ""),
    ],
)
def test_a_mark_keeps_what_is_no_secret(name: str, own: str, prefix: str) -> None:
    """The scheme and a cookie's name stay, but for Bearer, which every mark of a token stands for."""
    assert before(name, own) == prefix
    assert masked(name, own, own, MARK) == prefix + MARK
    assert masked(name, "anything else", own, MARK) == MARK


@pytest.mark.parametrize(
    ("url", "shown", "bare"),
    [
        ("http://h/a?k=1", f"http://h/a?k={MARK}", "http://h/a"),
        ("http://h/a?b=k&k=1&c=2", f"http://h/a?b=k&k={MARK}&c=2", "http://h/a?b=k&c=2"),
        ("http://h/a?b=2&%6b=1#k=3", f"http://h/a?b=2&%6b={MARK}#k=3", "http://h/a?b=2&#k=3"),
        ("http://h/k=1?kk=2", "http://h/k=1?kk=2", "http://h/k=1?kk=2"),
        ("http://h/a?", "http://h/a?", "http://h/a?"),
    ],
)
def test_a_key_in_the_query_is_hidden_and_left_out(url: str, shown: str, bare: str) -> None:
    """It is the parameter of that name, however it is written, and nothing else."""
    assert masked_query(url, {"k"}, MARK) == shown
    assert without_query(url, {"k"}) == bare


def test_a_key_is_put_before_the_fragment() -> None:
    """What is added to a query stands in it."""
    assert with_query("http://h/a", "k", "1") == "http://h/a?k=1"
    assert with_query("http://h/a?b=2#c", "a key", "1") == "http://h/a?b=2&a%20key=1#c"


@pytest.mark.parametrize(
    ("identity", "secret"),
    [
        (Identity(name="a", headers={"Authorization": "Bearer t"}), "t"),
        (Identity(name="a", headers={"Authorization": "Basic t"}), "t"),
        (Identity(name="a", headers={"X-Key": "two words"}), "two words"),
        (Identity(name="a", headers={"Cookie": "session=a=b"}), "a=b"),
        (Identity(name="a", query={"k": "t"}), "t"),
        (Identity(name="a"), ""),
    ],
)
def test_a_secret_by_itself(identity: Identity, secret: str) -> None:
    """It is what stands for the mark of an identity in a line for a shell."""
    assert identity.secret == secret
    assert "headers" not in repr(identity)
    assert "query" not in repr(identity)


@pytest.mark.parametrize(
    ("headers", "url", "words"),
    [
        ((("Authorization", f"Basic {MARK}"),), "http://h/a", ['"Authorization: Basic $SEATRIAL_TOKEN_ORG_A"']),
        ((("Cookie", f"session={MARK}"),), "http://h/a", ['"Cookie: session=$SEATRIAL_TOKEN_ORG_A"']),
        ((), f"http://h/a?k={MARK}", ['"http://h/a?k=$SEATRIAL_TOKEN_ORG_A"']),
    ],
)
def test_lines_have_a_variable_where_the_key_belongs(
    headers: tuple[tuple[str, str], ...], url: str, words: list[str]
) -> None:
    """A shell that has the variable sends the same request."""
    request = Request(method="GET", url=url, headers=headers)
    exchange = Exchange(id="x", operation="", identity="ann", request=request, response=None, sent_s=0, received_s=0)
    line = curl_for(exchange, roles([exchange]))
    assert all(word in line for word in words), line


def asked(url: str = "http://h/a?b=1", **headers: str) -> requests.PreparedRequest:
    """Return a request as the engine makes it."""
    return requests.Request("GET", url, headers={HEADER: "ann", **headers}).prepare()


@pytest.mark.parametrize(
    ("key", "name", "url", "cookie"),
    [
        (Key(place="query", name="k", secrets={"ann": "a/b"}), "ann", "http://h/a?b=1&k=a%2Fb", "x=1; k=0"),
        (Key(place="query", name="b", secrets={"ann": "2"}), "ann", "http://h/a?b=2", "x=1; k=0"),
        (Key(place="cookie", name="k", secrets={"ann": "a"}), "ann", "http://h/a?b=1", "x=1; k=a"),
        (Key(place="cookie", name="k", secrets={"ann": "a"}), "", "http://h/a?b=1", "x=1; k=0"),
    ],
)
def test_what_leaves_has_the_key_and_what_is_told_has_a_mark(key: Key, name: str, url: str, cookie: str) -> None:
    """The engine's own header goes nowhere; the key goes nowhere else, and nobody has one."""
    request = asked(Cookie="x=1; k=0")
    sent = outgoing(request, key, name)
    assert (sent.url, sent.headers["Cookie"], HEADER in sent.headers) == (url, cookie, False)
    assert request.headers[HEADER] == "ann", "what is told is made from the request as it was"
    shown = told(str(request.url), [(HEADER, MARK), ("Accept", "*/*")], key, name)
    assert MARK in str(shown) if name else "secret" not in str(shown)
    assert HEADER not in str(shown)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3", 3.0),
        ("0", 0.0),
        (" 120 ", 120.0),
        (email.utils.format_datetime(NOW + dt.timedelta(seconds=90), usegmt=True), 90.0),
        (email.utils.format_datetime(NOW - dt.timedelta(seconds=90), usegmt=True), 0.0),
        ("soon", None),
        ("-1", None),
        ("", None),
        ("²", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    """Anything else says nothing."""
    assert told_s({"Retry-After": text}, NOW) == seconds


def waits(headers: dict[str, str], *, budget_s: float = 100.0, until_s: float = 1000.0) -> list[float]:
    """Return how long a request waits that is refused each time."""
    patience, done = Patience(budget_s, until_s), list[float]()
    while (wait_s := patience.wait_s("GET /a", done, headers, 0.0)) is not None:
        done.append(wait_s)
    assert patience.wait_s("GET /a", [], headers, 0.0) is None, "it is not waited for a second time"
    assert Patience(budget_s, until_s).wait_s("GET /b", [], {"Retry-After": "1"}, 0.0) is not None or until_s < 1
    return done


def test_waits_are_bounded() -> None:
    """They double up to half of the budget, follow what they are told, and end with the time that is left."""
    assert waits({}) == [1, 2, 4, 8, 16]
    assert waits({}, until_s=3.5) == [1, 2]
    assert waits({"Retry-After": "2"}) == [2.0] * TRIES
    assert waits({"Retry-After": "51"}) == []
    assert waits({}, until_s=0.5) == []


def test_who_rests_is_passed_over() -> None:
    """Others send meanwhile; where nobody may, the one that has to wait least."""
    ann, bob = (Client.limited(name, {}, "", 0.0) for name in ("ann", "bob"))
    rota = Rota([ann, bob], uses=10)
    ann.by_pace.rest(7.0)
    assert rota.next(5.0) is bob
    bob.by_pace.rest(9.0)
    assert rota.next(5.0) is ann
    assert ann.by_pace.wait_s(5.0, 10) == 2.0
    assert not ann.by_pace.wait_s(7.0, 10)


def people(tmp_path: Path, environment: dict[str, str], *identities: IdentitySettings, **auth: Any) -> People:
    """Return who is declared."""
    settings = Settings(auth=AuthSettings(**auth), identities=identities, root=tmp_path)
    return People(settings, lambda _name, _value: None, environment=environment)


def identity(name: str, organisation: str, variable: str) -> IdentitySettings:
    """Return a declared user."""
    return IdentitySettings(name=name, organisation=organisation, variable=variable)


def test_declared_users_come_by_turns(tmp_path: Path) -> None:
    """One of each organisation first; several of one are of one; more than there are cannot be had."""
    known = people(
        tmp_path,
        {"A": "key-a", "B": "key-b", "C": "key-c"},
        identity("ann", "acme", "A"), identity("abe", "acme", "B"), identity("bob", "globex", "C"),
        IdentitySettings(name="eve", organisation="", auth="none"),
        kind="api-key",
    )  # fmt: skip
    pool = IdentityPool(
        AuthSettings(kind="api-key"), key=SigningKey.generate(), run="r", seed=1,
        addresses=AddressPool("none", seed=1), named=known._declared, people=known,  # noqa: SLF001
    )  # fmt: skip
    assert [pool.lease(1)[0].name for _ in range(4)] == ["ann", "bob", "abe", "ann"]
    assert {each.name for each in pool.lease(2, organisation="acme")} == {"ann", "abe"}
    assert pool.named("bob").headers == {"X-API-Key": "key-c"}
    assert not pool.named("eve").headers
    with pytest.raises(UsageError, match="2 users of one organisation are wanted, and 1 are declared"):
        pool.lease(2, organisation="globex")
    assert pool.again(pool.named("bob")) == pool.named("bob")
    assert not pool.forged(pool.named("bob")).headers


def jwt_until(seconds: float) -> str:
    """Return a token that says when it ends; nobody signed it."""
    claims = base64.urlsafe_b64encode(json.dumps({"exp": time.time() + seconds}).encode()).decode().rstrip("=")
    return f"e30.{claims}.s"


def test_a_token_that_has_expired_is_said_so(tmp_path: Path) -> None:
    """Before anything is sent, where nothing can renew it; a token that says nothing is taken as it is."""
    with pytest.raises(UsageError, match=r"the token of 'user' has expired \[auth-token-expired\]"):
        people(tmp_path, {"T": jwt_until(-5)}, kind="bearer", variable="T").identities()
    (user,) = people(tmp_path, {"T": jwt_until(500)}, kind="bearer", variable="T", scheme="Token").identities()
    assert user.headers["Authorization"].startswith("Token e30.")
    for text in ("opaque", "a.b.c", "a.W10.c"):
        assert people(tmp_path, {"T": text}, kind="bearer", variable="T").identities()


def test_what_ends_is_renewed_before_it_does(tmp_path: Path) -> None:
    """A command runs again for a token that is about to end, and not for one that is not."""
    (tmp_path / "count").write_text(f"echo x >> ran; echo {jwt_until(3600)}")
    known = people(tmp_path, {}, kind="bearer", command=("sh", "count"))
    assert known.identities() == known.identities()
    assert (tmp_path / "ran").read_text() == "x\n"
    means, token = known.tokens()["user"]
    known.learn("user", Token(value=token.value, renew_at=time.time() - 1, ends_at=time.time() + 5))
    known.identities()
    assert (tmp_path / "ran").read_text() == "x\nx\n"
    assert means.renewable


def renewals(folder: Path, script: str, token: Token) -> tuple[Renewals, list[Message], list[tuple[str, str, str]]]:
    """Return what renews a token by a command, what it tells, and what it puts in place."""
    means = Means(who="ann", source="s", command=["sh", "-c", script], folder=str(folder))
    heard, put = list[Message](), list[tuple[str, str, str]]()
    sources = {"ann": Source(means=means, token=token)}
    return Renewals(sources, lambda *words: put.append(words), heard.append), heard, put


def test_a_refused_token_is_another_one_once(tmp_path: Path) -> None:
    """It is told before it is used; an operation that refuses the new one too is believed from then on."""
    renewing, heard, put = renewals(tmp_path, "echo new", Token(value="old"))
    assert renewing.after_refusal("ann", lambda: "GET /a", again=False)
    assert (heard, put) == ([Learned(who="ann", token=Token(value="new"))], [("ann", "old", "new")])
    assert not renewing.after_refusal("ann", lambda: "GET /a", again=True)
    assert not renewing.after_refusal("ann", lambda: "GET /a", again=False)
    assert renewing.after_refusal("ann", lambda: "GET /b", again=False)
    assert not renewing.after_refusal("bob", lambda: "GET /b", again=False)
    assert len(put) == 2


def test_a_token_is_renewed_in_time(tmp_path: Path) -> None:
    """One that is about to end is, others are not."""
    renewing, _, put = renewals(tmp_path, "echo new", Token(value="old", renew_at=time.time() - 1))
    renewing.in_time("ann")
    renewing.in_time("ann")
    renewing.in_time("bob")
    assert put == [("ann", "old", "new")]


def test_what_cannot_be_renewed_is_told_once(tmp_path: Path) -> None:
    """It leaves the rest open, as nobody is let in any more."""
    renewing, heard, put = renewals(tmp_path, "exit 3", Token(value="old"))
    assert not renewing.after_refusal("ann", lambda: "GET /a", again=False)
    assert not renewing.after_refusal("ann", lambda: "GET /b", again=False)
    (broken,) = heard
    assert isinstance(broken, Broken)
    assert (broken.fatal, put) == (True, [])
    assert "the token of 'ann' ended, and the command that prints the token of 'ann' ended with 3" in broken.message


def test_a_known_token_that_ends_is_told(tmp_path: Path) -> None:
    """Nothing renews what an environment variable holds; one that does not say when it ends is merely refused."""
    for ends_at, told_of in ((time.time() - 1, 1), (time.time() + 99, 0), (None, 0)):
        heard: list[Message] = []
        means = Means(who="ann", source="$T", known="old", folder=str(tmp_path))
        token = Token(value="old", ends_at=ends_at)
        renewing = Renewals({"ann": Source(means=means, token=token)}, lambda *_: None, heard.append)
        assert not renewing.after_refusal("ann", lambda: "GET /a", again=False)
        assert len(heard) == told_of
    assert obtain(means).value == "old"


@contextmanager
def doorman(answers: Mapping[str, tuple[int, bytes]]) -> Iterator[str]:
    """Serve these answers to POSTs by their paths, and yield where."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Keep quiet."""

        def do_POST(self) -> None:
            """Answer."""
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, body = answers[self.path]
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(OSError):  # who has read enough goes
                self.wfile.write(body)

    with in_thread(Handler) as url:
        yield url


def at_the_door(url: str) -> Means:
    """Return who signs in there."""
    fields = {name: name for name in ("token_field", "expires_field", "refresh_field")}
    renewal = {"refresh_url": f"{url}/renew", "refresh_body": {"by": "{refresh_token}"}}
    login = msgspec.convert({"url": f"{url}/login", "body": {}, "form": False, **fields, **renewal}, Login)
    return Means(who="ann", source="[auth.login]", login=login)


@pytest.mark.parametrize(("status", "value"), [(200, "renewed"), (401, "anew")])
def test_who_was_signed_out_signs_in_again(status: int, value: str) -> None:
    """A refresh token that is refused is no end as long as the login lets its user in."""
    renewed = json.dumps({"token_field": "renewed"}).encode()
    with doorman({"/login": (200, b'{"token_field": "anew"}'), "/renew": (status, renewed)}) as url:
        assert renew(at_the_door(url), Token(value="old", refresh="r")).value == value


def test_answer_to_a_login_is_read_to_a_bound() -> None:
    """A longer one holds no token."""
    answer = json.dumps({"token_field": "t", "more": "x" * LARGEST}).encode()
    with doorman({"/login": (200, answer)}) as url, pytest.raises(EnvironmentFailure) as caught:
        obtain(at_the_door(url))
    assert caught.value.slug == "auth-login-without-token"
