"""Requests of the engine on their way: led on, refused by a limiter, and with a token that has ended."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from documents import document

from seatrial.fuzz._carried import HEADER
from seatrial.fuzz._messages import Key, Learned, Message, Order, SentAgain, Source
from seatrial.fuzz._turns import PLACEHOLDER, TURN, Turns
from seatrial.signin import Means, Token


class Door(http.server.BaseHTTPRequestHandler):
    """Lead /old on to /new; serve each user twice; and take one token alone at /token, none at /never."""

    protocol_version = "HTTP/1.1"
    asked: list[tuple[str, str]]

    def do_GET(self) -> None:
        """Answer, and note who asked for what."""
        who = self.headers.get("X-Key", "")
        self.asked.append((self.path, who))
        self.send_response(self.status(self.path.partition("?")[0], who))
        self.send_header("Location", "/new?api_key=" if "new" in self.path else "/new")
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"done")

    def status(self, path: str, who: str) -> int:
        """Return what becomes of a request."""
        if path == "/old":
            return 307
        if path == "/never" or (path == "/token" and who != "new"):
            return 401
        return 429 if path == "/few" and self.asked.count((self.path, who)) > 2 else 200

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@contextmanager
def installed(monkeypatch: pytest.MonkeyPatch, **more: Any) -> Iterator[tuple[str, list[Any], list[Message]]]:
    """Let requests of this process go by turns to a service; what is installed ends with the test."""
    monkeypatch.setattr(requests.Session, "send", requests.Session.send)
    asked: list[Any] = []
    heard: list[Message] = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Fresh", (Door,), {"asked": asked})) as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{running.server_port}"
        common: dict[str, Any] = {
            "document": document({}), "base_url": url, "seed": 1, "examples": 1, "addresses": [], "by_address": url,
            "uses": 100, "most": 100, "window_s": 0.0, "limited": [429], "budget_s": 60.0,
        }  # fmt: skip
        Turns(Order(**{**common, **more}), until_s=time.monotonic() + 60, tell=heard.append).install()
        yield url, asked, heard
        running.shutdown()


def test_a_key_in_the_query_goes_where_a_request_is_led(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second request has it too, what the engine sees has none, and the answer is there to be read."""
    key = Key(place="query", name="api_key", secrets={"ann": "a/b"})
    with installed(monkeypatch, identities=[("ann", {HEADER: "ann"})], key=key) as (url, asked, _):
        answer = requests.get(f"{url}/old?x=1", headers={HEADER: PLACEHOLDER}, timeout=5)
        nobody = requests.get(f"{url}/old", timeout=5)
    assert [path for path, _ in asked] == ["/old?x=1&api_key=a%2Fb", "/new?api_key=a%2Fb", "/old", "/new"]
    assert answer.text == nobody.text == "done"
    assert answer.request.headers[HEADER] == "ann"
    assert "a%2Fb" not in str(answer.request.url)


def test_who_was_refused_lets_others_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that a limiter refused is sent by another user, at once; that is told, and nothing is slept away."""
    people = [(name, {"X-Key": name}) for name in ("ann", "bob")]
    with installed(monkeypatch, identities=people) as (url, asked, heard):
        began_s = time.monotonic()
        answers = [requests.get(f"{url}/few", headers={"X-Key": PLACEHOLDER}, timeout=5) for _ in range(4)]
        took_s = time.monotonic() - began_s
    assert [answer.status_code for answer in answers] == [200] * 4
    assert [who for _, who in asked] == ["ann", "ann", "ann", "bob", "bob"]
    assert getattr(answers[2].request, TURN).client.name == "bob"
    assert heard == [SentAgain()]
    assert took_s < 60


def test_a_token_that_was_refused_is_renewed_in_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The same request has the new one, as have those that were made before; 401 that stays is the service's word."""
    means = Means(who="ann", source="s", command=["echo", "new"], folder=str(tmp_path))
    sources = {"ann": Source(means=means, token=Token(value="old"))}
    with installed(monkeypatch, identities=[("ann", {"X-Key": "old"})], sources=sources) as (url, asked, heard):
        paths, key = ("/token", "/token", "/never", "/never"), {"X-Key": "old"}
        statuses = [requests.get(f"{url}{path}", headers=key, timeout=5).status_code for path in paths]
        assert requests.get(f"{url}/token", timeout=5).status_code == 401
    assert statuses == [200, 200, 401, 401]
    assert [who for _, who in asked] == ["old", *["new"] * 5, ""]
    assert heard == [Learned(who="ann", token=Token(value="new"))] * 2


@dataclass
class Clock:
    """A clock that stands still but for what is slept, and for each answer."""

    now_s: float = 1000.0

    def monotonic(self) -> float:
        """Return what time it is."""
        return self.now_s

    def sleep(self, seconds: float) -> None:
        """Let so much time pass."""
        self.now_s += seconds


def senders(answer_s: float, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """Return who sent each of some requests to a service that takes so long to answer, and whether in another's place.

    Every other one is about what the first of all made.
    """
    clock = Clock()
    monkeypatch.setattr("seatrial.fuzz._turns.time", clock)
    window_s, most, people = 5.0, 4, [(name, {"X-Key": name}) for name in ("ann", "bob", "carol")]
    order = Order(
        document=document({}), base_url="http://h", seed=1, examples=1, identities=people, addresses=[],
        by_address="http://h", uses=2, most=most, window_s=window_s, limited=[429], budget_s=1e6,
    )  # fmt: skip
    turns, sent = Turns(order, until_s=1e9), list[tuple[str, float, bool]]()
    for number in range(400):
        path = "/things/one" if number % 2 else "/things"
        request = requests.Request("GET", f"http://h{path}", headers={"X-Key": PLACEHOLDER}).prepare()
        turn = turns._take(request)  # noqa: SLF001 - without a service, whose answers would take time of their own
        if not number:
            turns._owners.learn("POST", "/things/one", b"", turn.client)  # noqa: SLF001 - as above
        sent.append((turn.client.name, turn.at_s, turn.displaced))
        clock.sleep(answer_s)
    for who, at_s, _ in sent:
        assert sum(who == other and at_s <= moment < at_s + window_s for other, moment, _ in sent) <= most
    return [(who, displaced) for who, _, displaced in sent]


def test_who_sends_what_does_not_go_by_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same requests have the same senders however fast they are answered, and nobody sends beyond his quota."""
    sent = senders(0.0, monkeypatch)
    assert all(senders(answer_s, monkeypatch) == sent for answer_s in (0.001, 0.04, 0.5, 7.0))
    assert {displaced for _, displaced in sent} == {True, False}
