"""Failing requests are sent once more to a real service, after what led to them, and are made smaller there."""

from __future__ import annotations

import http.server
import json
import math
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import schemathesis
from schemathesis.checks import load_all_checks
from schemathesis.engine.recorder import Request, ScenarioRecorder

from seatrial.fuzz import _again
from seatrial.fuzz._again import GRACE_S, MOST_SLOW, NEWEST, TRIES, Again, Suspect, in_rounds, selected
from seatrial.fuzz._messages import NO_ANSWER, TIMED, Order, Sent, Share, Verdict
from seatrial.fuzz._turns import Turns

LONG = 5
DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "paths": {"/things/{id}": {"put": {"responses": {"200": {"description": "d"}}}}},
}


class Things(http.server.BaseHTTPRequestHandler):
    """Make things with ids of their own, and break over a long name or note for one that is there."""

    asked: list[str]

    def do_POST(self) -> None:
        """Make a thing."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.asked.append(f"POST {self.path}")
        self.say(201, {"id": f"thing-{len(self.asked)}"})

    def do_PUT(self) -> None:
        """Change a thing."""
        given = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        key = self.path.partition("?")[0].rpartition("/")[2]
        self.asked.append(f"PUT {self.path}")
        if key not in {f"thing-{number}" for number in range(1, len(self.asked))}:
            self.say(404, {"error": "no such thing"})
        elif len(str(given.get("name", ""))) > LONG:
            self.say(500, {"error": "name too long for me"})
        elif "note" in given:
            self.say(500, {"error": "notes are full"})
        else:
            self.say(200, {})

    def say(self, status: int, body: object) -> None:
        """Answer with JSON."""
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def things() -> Iterator[tuple[str, list[str]]]:
    """Serve on a free port."""
    asked: list[str] = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Fresh", (Things,), {"asked": asked})) as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}", asked
        running.shutdown()


def again(url: str, until_s: float = math.inf, **more: Any) -> Again:
    """Return what sends failing requests to a service once more."""
    common: dict[str, Any] = {
        "document": {"paths": {}}, "base_url": url, "seed": 1, "examples": 1, "identities": [], "addresses": [],
        "by_address": url, "uses": 1000, "most": 1000, "window_s": 1.0, "limited": [429], "budget_s": 10.0,
    }  # fmt: skip
    order = Order(**{**common, **more})
    return Again(Turns(order, until_s=until_s), order)


def request(method: str, url: str, body: object) -> Request:
    """Return a request as the engine keeps it."""
    content = json.dumps(body).encode()
    return Request(method, url, content, len(content), {"Content-Length": [str(len(content))], "X-Odd": ["y"]})


def suspect(url: str, body: object, *, detail: str = "500/name-too-long-for-me", key: str = "old") -> Suspect:
    """Return a change of a thing that was made at another time, and broke the service."""
    load_all_checks()
    schema = schemathesis.openapi.from_dict(DOCUMENT)
    operations: Any = schema.get_all_operations()
    (operation,) = (result.ok() for result in operations)
    asked = request("PUT", f"{url}/things/{key}?q=1", body)
    verdict = Verdict(name="not_a_server_error", title="Server error", detail=detail, chain=[7, 8])
    sent = Sent(
        number=8, operation="PUT /things/{id}", mode="", method="PUT", url=asked.uri, identity="", request_headers=[],
        body=asked.body or b"", at_s=0.0, status=500, verdicts=[verdict],
    )  # fmt: skip
    made = SimpleNamespace(status_code=201, content=json.dumps({"id": key}).encode())
    led = SimpleNamespace(request=request("POST", f"{url}/things", {}), response=made)
    case = operation.Case(path_parameters={"id": key})
    return Suspect(sent, verdict, case, asked, ScenarioRecorder(label="t"), (led,))


def test_what_led_to_it_is_sent_first(things: tuple[str, list[str]]) -> None:
    """The thing of then is gone: one like it is made, and its id stands where the other one's did."""
    url, asked = things
    looking = again(url)
    looking.suspect(suspect(url, {"name": "long enough"}))
    assert [(found.number, found.same) for found in looking.repeat()] == [(8, True)]
    assert asked == ["PUT /things/old?q=1", "POST /things", "PUT /things/thing-2?q=1"]


def test_what_is_there_still_is_asked_itself(things: tuple[str, list[str]]) -> None:
    """Where the thing of then is there, nothing new is made: it may be the only one that shows the defect."""
    url, asked = things
    asked.append("POST /things")
    looking = again(url)
    looking.suspect(suspect(url, {"name": "long enough"}, key="thing-1"))
    assert [found.same for found in looking.repeat()] == [True]
    assert asked[1:] == ["PUT /things/thing-1?q=1"]


@pytest.mark.parametrize("check", sorted(TIMED))
def test_who_is_missed_is_looked_for_himself(things: tuple[str, list[str]], check: str) -> None:
    """A new thing may be late, or linger, as the old one did: nothing is made to see what became of that one."""
    url, asked = things
    looking = again(url)
    found = suspect(url, {"name": "ok"})
    looking.suspect(replace(found, verdict=Verdict(name=check, title="missed", chain=[7, 8])))
    assert [each.same for each in looking.repeat()] == [False]
    assert asked == ["PUT /things/old?q=1"]


def test_what_does_not_break_it_now_is_told(things: tuple[str, list[str]]) -> None:
    """A request that is answered well is not the same; one to which nothing led meets nothing, which says nothing."""
    url, _ = things
    mended, orphan = suspect(url, {"name": "ok"}), replace(suspect(url, {"name": "long enough"}), led=())
    for found, expected in ((mended, [False]), (orphan, [])):
        looking = again(url)
        looking.suspect(found)
        assert [each.same for each in looking.repeat()] == expected


def test_it_is_made_smaller_while_it_says_the_same(things: tuple[str, list[str]]) -> None:
    """Fields, letters, parameters and odd headers go; another defect of the operation is not taken for this one."""
    url, asked = things
    looking = again(url)
    body = {"note": "n", "name": "long enough", **{f"field{number}": number for number in range(6)}}
    looking.suspect(suspect(url, body))
    assert [found.same for found in looking.repeat()] == [True]
    before = len(asked)
    ((_, smallest, answer),) = looking.smallest()
    assert answer is not None
    assert answer.json() == {"error": "name too long for me"}
    assert json.loads(smallest.body or b"").keys() == {"name"}
    assert smallest.uri == f"{url}/things/old"
    assert "X-Odd" not in smallest.headers
    assert len(asked) - before <= TRIES


@pytest.mark.parametrize("near", [{"uses": 10}, {"narrow": {"/things/old": Share(uses=10, window_s=1.0)}}])
def test_nothing_is_made_smaller_near_a_limit(things: tuple[str, list[str]], near: dict[str, Any]) -> None:
    """A limiter would answer in place of the service, or everybody would wait."""
    url, asked = things
    looking = again(url, **near)
    looking.suspect(suspect(url, {"name": "long enough"}))
    assert [found.same for found in looking.repeat()] == [True]
    before = len(asked)
    assert not list(looking.smallest())
    assert len(asked) == before


def test_so_many_requests_are_made_smaller(things: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """What is sent for that is counted, and not timed: where it is used up, a request is shown as it is."""
    url, _ = things
    looking = again(url)
    for label in ("PUT /things/{id}", "PUT /others/{id}"):
        found = suspect(url, {"name": "long enough"})
        looking.suspect(replace(found, sent=msgspec.structs.replace(found.sent, operation=label)))
    assert [found.same for found in looking.repeat()] == [True, True]
    monkeypatch.setattr(_again, "ALL_TRIES", TRIES)
    assert [found.sent.operation for found, _, _ in looking.smallest()] == ["PUT /things/{id}"]
    monkeypatch.setattr(_again, "ALL_TRIES", 2 * TRIES)
    assert len(list(looking.smallest())) == 2


def test_service_that_hangs_is_left_alone(things: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """After some answers that took long nothing is sent once more: each further one would only take as long."""
    url, _ = things
    looking = again(url)
    for number in range(MOST_SLOW + 2):
        verdict = Verdict(name=NO_ANSWER, title=f"No answer {number}", chain=[8])
        looking.suspect(replace(suspect(url, {}), verdict=verdict, led=()))
    monkeypatch.setattr(_again, "LONGEST_S", 1e-9)
    assert len(list(looking.repeat())) == MOST_SLOW


def test_nothing_is_sent_once_more_long_after_the_time_is_up(things: tuple[str, list[str]]) -> None:
    """What was found just before it may still be confirmed."""
    url, asked = things
    for until_s, answers in ((time.monotonic() - 1, [True]), (time.monotonic() - GRACE_S, [])):
        looking = again(url, until_s)
        looking.suspect(suspect(url, {"name": "long enough"}))
        assert [found.same for found in looking.repeat()] == answers
        before = len(asked)
        assert not list(looking.smallest())
        assert len(asked) == before


def test_the_shortest_and_the_newest_are_kept() -> None:
    """People read the shortest; if that one cannot be sent again, the newest may."""
    found: list[Suspect] = []
    for size in (5, 3, 9, 4, 8, 7):
        found = selected([*found, suspect("http://h", "x" * size)])
    assert [len(json.loads(each.request.body or b"")) for each in found] == [3, 8, 7]
    other = [suspect("http://h", "y")]
    keys = [("a", "", "", ""), ("b", "", "", "")]
    rounds = [
        (key[0], len(json.loads(each.request.body or b"")))
        for key, each in in_rounds(dict(zip(keys, (found, other), strict=True)))
    ]
    assert rounds == [("a", 3), ("b", 1), ("a", 7), ("a", 8)]
    assert len(rounds) == 2 + NEWEST
