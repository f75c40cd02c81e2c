"""What a scenario sends without a user class: requests of a contract or of a recording, made ready before the load."""

from __future__ import annotations

import json
import socket
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shop_service import DOCUMENT, KEYS, opened

from seatrial.campaign import Options, choose_load
from seatrial.campaign._ahead_of_load import Asking
from seatrial.config import AuthSettings, ContractSettings, ScenarioSettings, Settings, load_settings
from seatrial.core import EnvironmentFailure, Target, UsageError
from seatrial.http import open_client
from seatrial.openapi import operations_of
from seatrial.swarm._inside._wire import _head
from seatrial.swarm._order import prepare
from seatrial.swarm._plan import Plan
from seatrial.swarm.traffic import (
    Answer,
    Filler,
    Prepared,
    Traffic,
    choose_operations,
    make_requests,
    needed_for,
    of_paths,
    read_recording,
    replay_recording,
)
from seatrial.swarm.traffic._made import Made, Makings
from seatrial.swarm.traffic._requests import quoted, unsendable
from seatrial.swarm.traffic._secrets import without_secrets
from seatrial.swarm.traffic._values import pointed_at, values_in

URL = "http://127.0.0.1:9"
OPERATIONS = operations_of(DOCUMENT)
SECRET = "hush-hush-0123456789"  # noqa: S105 - one that must not get out
JWT = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl"
WORDS = st.text("abcxyz-_ /?&=%ü", min_size=1, max_size=8)


def scenario(**more: object) -> ScenarioSettings:
    """Return a scenario of the contract, or of what is said."""
    said = more if {"har", "paths"} & more.keys() else {"traffic": "contract", **more}
    return ScenarioSettings.model_validate({"rate_per_s": 10.0, "duration_s": {"quick": 1.0}, **said})


def test_reads_are_what_is_sent_unless_more_is_asked_for() -> None:
    """What may change data needs a word, what is for users needs users; each reason comes with its operations."""
    plain, all_of_it = choose_operations("s", scenario(), OPERATIONS), scenario(writes=True, identities=3)
    assert {label for labels in plain.left_out.values() for label in labels} == {
        "POST /items", "DELETE /items/{itemId}", "GET /me", "GET /keyed",
    }  # fmt: skip
    shut = {"POST /items", "DELETE /items/{itemId}", "GET /me", "GET /keyed"}
    assert set(plain.chosen) | shut == OPERATIONS.keys()
    assert set(choose_operations("s", all_of_it, OPERATIONS).chosen) == OPERATIONS.keys()
    named = choose_operations("s", scenario(only=("POST /items",)), OPERATIONS)
    assert (named.chosen, named.left_out) == (("POST /items",), {})


def test_nothing_left_to_send_says_what_was_left_out() -> None:
    """An operation for users alone, in a load of nobody."""
    with pytest.raises(UsageError, match="has nothing to send") as caught:
        choose_operations("s", scenario(only=("GET /me",)), OPERATIONS)
    assert "GET /me" in caught.value.details
    assert "identities" in caught.value.details


def test_made_requests_are_valid_named_and_repeatable() -> None:
    """The same for the same seed, with defaults, without made-up filters; a body is as its schema says."""
    labels = ["GET /items", "POST /items", "GET /sizes/{size}", "GET /orders/{number}"]
    once, again = (make_requests(DOCUMENT, labels, seed=3) for _ in range(2))
    assert once == again
    assert once != make_requests(DOCUMENT, labels, seed=4)
    assert (list(once.made), once.failed) == (labels, {})
    assert [one.path for one in once.made["GET /items"]] == ["/items?limit=20"]
    assert all(json.loads(one.body)["name"].isalpha() for one in once.made["POST /items"])
    assert {one.path for one in once.made["GET /sizes/{size}"]} <= {"/sizes/small", "/sizes/large"}
    assert [one.named for one in (once.made["GET /sizes/{size}"][0], once.made["GET /orders/{number}"][0])] == [
        True,
        False,
    ]


def answers(known: Mapping[str, Any]) -> Any:
    """Return a service that answers GETs of these paths, and notes what it was asked."""
    asked: list[Prepared] = []

    def ask(request: Prepared) -> Answer:
        asked.append(request)
        path = request.path.partition("?")[0]
        return Answer(200, known[path]) if path in known else Answer(404)

    return ask, asked


def made(label: str, *paths: str, named: bool = False) -> tuple[str, list[Made]]:
    """Return what was made of an operation."""
    return label, [Made(path=path, headers={}, named=named) for path in paths or (label.partition(" ")[2],)]


MAKINGS = Makings(
    made=dict([
        made("GET /items", "/items?limit=2"),
        made("GET /items/{itemId}", "/items/made-up?verbose=1"),
        made("GET /items/{itemId}/reviews", "/items/made-up/reviews"),
        made("DELETE /items/{itemId}", "/items/made-up"),
        made("GET /sizes/{size}", "/sizes/small", "/sizes/none", named=True),
        made("GET /start"),
        made("GET /offers/{code}", "/offers/made-up"),
        made("GET /orders/{number}", "/orders/5"),
    ]),
    failed={"POST /items": "no such schema"},
)  # fmt: skip


def filled(known: Mapping[str, Any], *chosen: str) -> tuple[Traffic, list[Prepared]]:
    """Return the traffic of operations of a service that answers so, and what it was asked ahead."""
    ask, asked = answers(known)
    return Filler(OPERATIONS, MAKINGS, ask).traffic(chosen, {}), asked


ROWS = {"/items": {"page": 1, "items": [{"id": key} for key in KEYS]}}


def test_paths_are_filled_from_lists_and_links() -> None:
    """Under the names of the document, with the queries that were made, and each list asked for once."""
    chosen = ("GET /items", "GET /items/{itemId}", "GET /items/{itemId}/reviews", "GET /offers/{code}")
    found, asked = filled({**ROWS, "/start": {"best": {"code": "half price"}}}, *chosen)
    assert [(one.operation, one.path) for one in found.requests[:4]] == [
        ("GET /items", "/items?limit=2"),
        ("GET /items/{itemId}", "/items/lamp-1?verbose=1"),
        ("GET /items/{itemId}/reviews", "/items/lamp-1/reviews"),
        ("GET /offers/{code}", "/offers/half%20price"),
    ]
    assert {one.path for one in found.requests} > {"/items/desk%2F3?verbose=1", "/items/desk%2F3/reviews"}
    assert found.mix == dict.fromkeys(chosen, 3)
    assert set(Counter(one.path for one in asked).values()) == {1}
    assert found.left_out == ()


def linked(where: str, name: str, to: str) -> dict[str, Any]:
    """Return an operation that links to another, by what it has as `name`."""
    return {
        "operationId": where,
        "responses": {"200": {"links": {"to": {"operationId": to, "parameters": {name: f"$response.body#/{name}"}}}}},
    }


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (1, 2, 0)])
def test_operations_that_lead_to_each_other_are_all_filled(order: tuple[int, ...]) -> None:
    """Whichever comes first: what was found of one while another was open is not all there is."""
    paths = {
        "/a/{x}": {"parameters": [{"name": "x", "in": "path"}], "get": linked("a", "y", "b")},
        "/b/{y}": {"parameters": [{"name": "y", "in": "path"}], "get": linked("b", "x", "a")},
        "/start": {"get": linked("start", "x", "a")},
    }
    operations = operations_of({"paths": paths})
    makings = Makings(
        made=dict([made("GET /a/{x}", "/a/m"), made("GET /b/{y}", "/b/m"), made("GET /start")]), failed={}
    )
    ask, _ = answers({"/start": {"x": "1"}, "/a/1": {"y": "2"}, "/b/2": {"x": "1"}})
    labels = list(operations)
    found = Filler(operations, makings, ask).traffic([labels[number] for number in order], {})
    assert sorted(one.path for one in found.requests) == ["/a/1", "/b/2", "/start"]
    assert found.left_out == ()


def test_what_nobody_knows_is_tried_and_left_out() -> None:
    """A made-up path that is answered with 404 is no traffic; others of the same operation go on."""
    found, _ = filled({"/sizes/small": {}}, "GET /sizes/{size}", "GET /orders/{number}", "POST /items")
    assert [one.path for one in found.requests] == ["/sizes/small"]
    unknown, failed = found.left_out
    assert unknown.endswith("404 to those made of the document: GET /orders/{number}")
    assert failed == "no valid request can be made of it (no such schema): POST /items"


@pytest.mark.parametrize("known", [{}, ROWS, {"/items/made-up": {}}])
def test_what_writes_is_never_asked_ahead(known: Mapping[str, Any]) -> None:
    """It goes to what is read, and nowhere where nothing is."""
    found, asked = filled(known, "DELETE /items/{itemId}")
    assert {one.method for one in asked} <= {"GET"}
    assert {one.path for one in found.requests} == (
        {"/items/lamp-1", "/items/chair-2", "/items/desk%2F3"} if known is ROWS
        else {"/items/made-up" for _ in known}
    )  # fmt: skip
    assert bool(found.left_out) is not bool(known)


def test_what_is_refused_as_documented_is_no_traffic() -> None:
    """A valid read that this service has nothing for, now; what no document says stays, and fails under load."""
    paths: dict[str, Any] = {
        "/mine": {"get": {"responses": {"200": {}, "4XX": {}}}},
        "/ours": {"get": {"responses": {"200": {}}}},
    }
    operations = operations_of({"paths": paths})
    makings = Makings(made=dict([made("GET /mine"), made("GET /ours")]), failed={})
    for status, kept in (
        (404, {"GET /ours"}),
        (403, {"GET /ours"}),
        (429, set(makings.made)),
        (500, set(makings.made)),
    ):
        filler = Filler(operations, makings, lambda _, status=status: Answer(status))  # type: ignore[misc]
        found = filler.traffic(list(operations), {})
        assert found.mix.keys() == kept
        assert [f"it answered {status}" in line and "GET /mine" in line for line in found.left_out] == [True] * (
            2 - len(kept)
        )


@pytest.mark.parametrize(("status", "why"), [(404, "404"), (410, "404"), (429, "429"), (0, "not answer"), (500, "")])
def test_what_was_made_up_is_sent_only_where_something_is_known_of_it(status: int, why: str) -> None:
    """A limit, or no answer, says nothing about a path; what the document names one by one is no guess."""
    chosen = ["GET /orders/{number}", "GET /sizes/{size}"]
    found = Filler(OPERATIONS, MAKINGS, lambda _: Answer(status)).traffic(chosen, {})
    assert ("GET /orders/{number}" in found.mix) is not bool(why)
    assert ("GET /sizes/{size}" in found.mix) is (why != "404")
    assert [why in line and "GET /orders/{number}" in line for line in found.left_out] == [True] * bool(why)


@pytest.mark.parametrize("chosen", ["GET /items/{itemId}", "DELETE /items/{itemId}"])
@pytest.mark.parametrize(
    ("others", "paths"),
    [
        ({}, ()),
        ({"/items/chair-2": {}}, ("/items/chair-2",)),
        (None, ("/items/lamp-1", "/items/chair-2", "/items/desk%2F3")),
    ],
)
def test_what_only_one_user_may_ask_for_is_no_traffic(
    chosen: str, others: Mapping[str, Any] | None, paths: tuple[str, ...]
) -> None:
    """Each of several users sends it; what is for all of them stays."""
    own = {**ROWS, **{f"/items/{key.replace('/', '%2F')}": {} for key in KEYS}}
    ask_other = None if others is None else answers(others)[0]
    found = Filler(OPERATIONS, MAKINGS, answers(own)[0], ask_other=ask_other).traffic([chosen], {})
    assert tuple(one.path.partition("?")[0] for one in found.requests) == paths
    assert bool(found.left_out) is not bool(paths)
    assert all(line.endswith(f"may ask for it: {chosen}") for line in found.left_out)


@pytest.mark.parametrize(
    ("status", "key", "named", "kept"),
    [
        (404, "404", (), False),
        (410, "4XX", (), False),
        (404, "404", ("GET /mine",), True),
        (404, "default", (), True),
        (401, "401", (), True),
        (400, "400", (), True),
        (422, "4XX", (), True),
    ],
)
def test_only_what_is_not_for_this_user_leaves_the_load(
    status: int, key: str, named: tuple[str, ...], *, kept: bool
) -> None:
    """Credentials that ran out, and a service that refuses valid requests, are what the load is to show."""
    operations = operations_of({"paths": {"/mine": {"get": {"responses": {"200": {}, key: {}}}}}})
    makings = Makings(made=dict([made("GET /mine")]), failed={})
    found = Filler(operations, makings, lambda _: Answer(status), named=named).traffic(list(operations), {})
    assert (bool(found.requests), bool(found.left_out)) == (kept, not kept)


def asked_ahead(url: str, paths: list[str], **more: float) -> list[Answer]:
    """Return what a service answers ahead of its load."""
    asking = Asking("s", **{"deadline_s": 5.0, "budget_s": 60.0, **more})
    with open_client(Target(url=url)) as client:
        ask = asking.of(client)
        return [ask(Prepared(path=path)) for path in paths]


def test_a_refusal_is_waited_for_once_and_not_for_long() -> None:
    """As long as it says; what says a lot, or nothing that is a number, is the answer."""
    with opened() as shop:
        shop.limited = {"/start": ["0"], "/keyed": ["0", "0"], "/items": ["3600"], "/offers/half-price": ["soon"]}
        paths = ["/start", "/keyed", "/items", "/offers/half-price", "/none"]
        assert [answer.status for answer in asked_ahead(shop.url, paths)] == [200, 429, 429, 429, 404]
        assert Counter(path for _, path, _, _ in shop.notes) == {
            "/start": 2,
            "/keyed": 2,
            **dict.fromkeys(paths[2:], 1),
        }


def test_a_service_that_is_gone_is_not_asked_for_ever() -> None:
    """Four times it may be silent, as another answer may come."""
    assert [answer.status for answer in asked_ahead(URL, ["/"] * 4)] == [0] * 4
    with pytest.raises(EnvironmentFailure, match="5 requests in a row"):
        asked_ahead(URL, ["/"] * 5)


def test_a_slow_service_is_not_asked_for_ever() -> None:
    """There is a time for all of it, and the deadline of the load for each."""
    with opened() as shop, pytest.raises(EnvironmentFailure, match="more than 0 s"):
        asked_ahead(shop.url, ["/"], budget_s=0.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        assert asked_ahead(url, ["/"], deadline_s=0.05) == [Answer(0)]


def test_what_is_closed_is_sent_where_it_is_named() -> None:
    """Nobody may enter it, and somebody may want to know how that holds under load."""
    closed = ("GET /start",)
    assert "GET /start" not in choose_operations("s", scenario(), OPERATIONS, closed=closed).chosen
    assert choose_operations("s", scenario(only=closed), OPERATIONS, closed=closed).chosen == closed


def test_what_values_need_is_made_too() -> None:
    """The list, the link's source, and no operation that writes."""
    assert set(needed_for(["GET /items/{itemId}/reviews"], OPERATIONS)) == {
        "GET /items/{itemId}/reviews", "GET /items",
    }  # fmt: skip
    assert set(needed_for(["GET /offers/{code}"], OPERATIONS)) == {"GET /offers/{code}", "GET /start"}


@pytest.mark.parametrize(
    ("data", "parameter", "values"),
    [
        ([{"id": 1}, {"id": 2}, {"id": 1}], "id", ["1", "2"]),
        ({"data": {"rows": [{"item_id": "a", "id": "b"}]}}, "itemId", ["a"]),
        ({"errors": [], "rows": [{"uuid": "u"}]}, "order_id", ["u"]),
        ([{"slug": "x", "id": 7}], "slug", ["x"]),
        ([{"id": 7}], "slug", []),
        (["a", "..", "b"], "name", ["a", "b"]),
        ([True, None, 1.5, {"id": False}], "id", []),
        ({"a": {"b": {"c": {"d": [1]}}}}, "id", []),
        (None, "id", []),
    ],
)
def test_values_are_found_in_lists(data: Any, parameter: str, values: list[str]) -> None:
    """By the parameter's own name in any spelling, or as the id where that is what it asks for."""
    assert values_in(data, parameter) == values


def test_links_point_into_bodies() -> None:
    """Constants are values too; what points elsewhere or nowhere fills nothing."""
    places = {"a": "$response.body#/x/0", "b": "$response.body#/y", "c": "$request.path.id", "d": "fixed"}
    assert dict(pointed_at({"x": [5]}, places)) == {"a": "5", "d": "fixed"}


@given(
    st.lists(
        st.builds(
            Prepared, path=WORDS.map("/{}".format), method=st.sampled_from(["GET", "POST"]), name=WORDS,
            headers=st.dictionaries(WORDS, WORDS, max_size=2),
            body=st.binary(max_size=20).map(lambda body: body.decode("utf-8", "surrogateescape")),
        ),
        max_size=4,
    )
)  # fmt: skip
def test_requests_reach_the_load_process_as_they_are(requests: list[Prepared]) -> None:
    """Whatever bytes a body has."""
    plan = Plan(
        name="s", url=URL, file="", user="", paths=(), rate_per_s=1.0, duration_s=1.0, deadline_s=1.0,
        spacing="constant", seed=1, traffic=tuple(requests),
    )  # fmt: skip
    assert Plan.decode(plan.encode()) == plan
    assert [one.content for one in Plan.decode(plan.encode()).traffic] == [one.content for one in requests]


def entry(method: str, url: str, **more: Any) -> dict[str, Any]:
    """Return an entry of a recording; `headers` are a mapping."""
    headers = [{"name": name, "value": value} for name, value in more.pop("headers", {}).items()]
    body = more.pop("body", None)
    request = {"method": method, "url": url, "headers": headers, **({"postData": body} if body else {})}
    return {"request": request, "response": {"status": 200, "content": {}}, **more}


def graphql(text: str) -> dict[str, str]:
    """Return a body of GraphQL."""
    return {"mimeType": "application/json", "text": json.dumps({"query": text, "variables": {}})}


def replayed(folder: Path, *entries: dict[str, Any], target: str = URL, **more: object) -> Traffic:
    """Return what of a recording goes to a target."""
    file = folder / "r.har"
    file.write_text(json.dumps({"log": {"entries": entries}}), encoding="utf-8-sig")
    wanted = scenario(har="r.har", **more)
    return replay_recording("s", wanted, read_recording(file), target=target, label=lambda _, path: path)


def test_requests_are_sent_in_their_order_and_mix(tmp_path: Path) -> None:
    """With what they said of content, and no credential, whatever it is called."""
    headers = {"Accept": "a/b", "X-Api-Key": SECRET, "Cookie": f"sid={SECRET}", "Connection": "close", "X-Tenant": "t"}
    found = replayed(
        tmp_path,
        entry("GET", "https://a.example/x?page=2&token=t#top", headers=headers),
        entry("GET", "https://a.example/y", headers={"Authorization": "Basic YWJjOmRlZg=="}),
        entry("GET", "https://a.example/x?page=2", headers={"Accept": JWT}),
    )
    assert [(one.path, dict(one.headers)) for one in found.requests] == [
        ("/x?page=2", {"Accept": "a/b"}), ("/y", {}), ("/x?page=2", {}),
    ]  # fmt: skip
    assert found.left_out == (
        "recorded headers: authorization, connection, cookie, x-api-key, x-tenant",
        "recorded parameters with secrets: token",
    )


@pytest.mark.parametrize(
    ("left", "why"),
    [
        (entry("GET", "https://b.example/x"), "other hosts"),
        (entry("GET", "wss://a.example/x"), "no requests of HTTP"),
        (entry("GET", "data:text/plain,x"), "no requests of HTTP"),
        (entry("GET", "http://[abc/x"), "no requests of HTTP"),
        (entry("GET", "http://a.example:99999/x"), "no requests of HTTP"),
        (entry("GET", "https://a.example/x.css"), "static files"),
        (entry("GET", "https://a.example/x", _resourceType="image"), "static files"),
        (entry("GET", "https://a.example/x", response={"status": 200, "content": {"mimeType": "font/woff"}}), "static"),
        (entry("GET", "https://a.example/x", response={"status": 503}), "refused or given up"),
        (entry("GET", "https://a.example/x", response={"status": 0}), "refused or given up"),
        (entry("DELETE", "https://a.example/x"), "may change data"),
        (entry("GET", f"https://a.example/reset/{JWT}"), "a secret stands in their paths"),
        (entry("GET", f"https://a.example/of/{SECRET}"), "a secret stands in their paths"),
        (entry("POST", "https://a.example/x", body={"mimeType": "application/json", "text": '{"a": {"password": 1}}'}),
         "their body holds a secret"),
        (entry("POST", "https://a.example/x", body={"mimeType": "application/json", "text": f'{{"a": "{SECRET}"}}'}),
         "their body holds a secret"),
        (entry("POST", "https://a.example/x", body={"mimeType": "application/x-www-form-urlencoded", "text": "pwd=1"}),
         "their body holds a secret"),
        (entry("POST", "https://a.example/x", body={"mimeType": "text/xml", "text": "<password>1</password>"}),
         "their body holds a secret"),
        (entry("POST", "https://a.example/x", body=graphql('mutation { signIn(password: "x") { id } }')),
         "their body holds a secret"),
        (entry("POST", "https://a.example/x", body={"mimeType": "application/json", "text": '{"userPin": 1}'}),
         "their body holds a secret"),
        (entry("POST", "https://a.example/x", body={"mimeType": "application/json", "text": '{"a": "abc=/defghij"}'}),
         "their body holds a secret"),
        (entry("POST", "https://a.example/x", body={"mimeType": "application/x-www-form-urlencoded",
                                                    "text": "grant_type=authorization_code&code=1"}),
         "their body holds a secret"),
        (entry("POST", "https://a.example/x", body={"mimeType": "multipart/form-data", "params": [{"name": "a"}]}),
         "their body was not recorded"),
    ],
)  # fmt: skip
def test_what_is_left_out_is_counted_by_its_reason(tmp_path: Path, left: dict[str, Any], why: str) -> None:
    """Each says why, and no secret."""
    kept = entry("GET", "https://a.example/kept", headers={"Cookie": f"a=b; sid={SECRET}; n=abc%3D%2Fdefghij"})
    writes = left["request"]["method"] == "POST"
    found = replayed(tmp_path, kept, left, left, har_host="a.example", writes=writes)
    assert [one.path for one in found.requests] == ["/kept"]
    assert why in found.left_out[0]
    assert "(2 times)" in found.left_out[0]
    assert not {SECRET, JWT} & set(" ".join(found.left_out).replace("/", " ").split())


@given(
    st.text("/ab%2 ?&=#ü€\x00\x7f\u2028", max_size=12), st.sampled_from(["GET", "PUT", "G T", "É"]), st.text(max_size=4)
)
def test_what_is_prepared_can_be_sent(path: str, method: str, value: str) -> None:
    """What no request line holds is quoted, what HTTP cannot carry has a reason: neither fails as the service's."""
    headers = {"Accept": value}
    assert unquote(quoted(f"/{path}")) == unquote(f"/{path}")
    if not unsendable(method, headers):
        head = _head(method, quoted(f"/{path}"), headers)
        assert head.startswith(method.encode())
    else:
        with pytest.raises(ValueError, match=r"no request line|no header"):
            _head(method, quoted("/"), headers)


def test_recorded_urls_are_quoted_and_odd_requests_left_out(tmp_path: Path) -> None:
    """As a browser shows them, beyond ASCII and with spaces."""
    found = replayed(
        tmp_path,
        entry("GET", "https://a.example/a b/ü?q=€ %20#x y"),
        entry("GET", "https://a.example/x", headers={"Accept": "a/€"}),
        entry("G T", "https://a.example/x"),
        writes=True,
    )
    assert [one.path for one in found.requests] == ["/a%20b/%C3%BC?q=%E2%82%AC%20%20"]
    assert found.left_out[:2] == (
        "HTTP cannot carry their headers: GET /x", "their method is none of HTTP: G T /x",
    )  # fmt: skip


def test_made_requests_that_http_cannot_carry_are_left_out() -> None:
    """With their reason, where none of an operation can be sent."""
    odd = Made(path="/start", headers={"X-Who": "€"})
    for requests, kept in (([odd], 0), ([odd, Made(path="/start?a=ü b", headers={})], 1)):
        found = Filler(OPERATIONS, Makings(made={"GET /start": requests}, failed={}), answers({"/start": {}})[0])
        traffic = found.traffic(["GET /start"], {})
        assert [one.path for one in traffic.requests] == ["/start?a=%C3%BC%20b"] * kept
        assert ["HTTP cannot carry their headers" in line for line in traffic.left_out] == [True] * (1 - kept)


def test_what_http_cannot_carry_is_not_asked_ahead_either() -> None:
    """Also where a GET is to tell of what writes whether it is one user's alone."""
    odd = [Made(path="/items/x", headers={"X-Who": "€"})]
    makings = Makings(made={**MAKINGS.made, "GET /items/{itemId}": odd}, failed={})
    (ask, asked), (ask_other, asked_other) = answers(ROWS), answers({})
    found = Filler(OPERATIONS, makings, ask, ask_other=ask_other).traffic(["DELETE /items/{itemId}"], {})
    assert len(found.requests) == len(KEYS)
    assert not [one for one in asked + asked_other if one.headers]


def test_parameters_of_a_path_lose_their_secrets(tmp_path: Path) -> None:
    """A session of `/app;jsessionid=...` is none of this user's; it is known wherever else it stands."""
    found = replayed(
        tmp_path,
        entry("GET", f"https://a.example/app;v=1;jsessionid={SECRET}/x;size=2?page=1"),
        entry("GET", f"https://a.example/app%3BJSESSIONID%3D{SECRET}"),
        entry("GET", f"https://a.example/of?a={SECRET}&b=1"),
    )
    assert [one.path for one in found.requests] == ["/app;v=1/x;size=2?page=1", "/app", "/of?b=1"]
    assert found.left_out == ("recorded parameters with secrets: JSESSIONID, a, jsessionid",)


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("PHPSESSID=a&b=1", "b=1"),
        ("accessKey=a&subscriptionKey=b&subscription-key=c&userPin=d&ticket=ST-1&b=1", "b=1"),
        ("code=0123456789abcdef&b=1", "b=1"),
        ("code=EUR&b=1", "code=EUR&b=1"),
        ("query=mutation%7Blogin(password%3A%22x%22)%7D&b=1", "b=1"),
        ("next=%2Fa%3Faccess_token%3Dx&b=1", "b=1"),
        ("monkey=1&author=me&ticketing=x&spin=2&query=%7Bitems(first%3A5)%7Bid%7D%7D", None),
    ],
)
def test_secrets_are_known_by_their_names(query: str, kept: str | None) -> None:
    """In any spelling, and within a value; words that only look alike stay."""
    assert without_secrets(query, frozenset()) == (query if kept is None else kept)


def test_forms_are_put_together_again(tmp_path: Path) -> None:
    """What was recorded as parameters alone is sent as a form."""
    body = {"mimeType": "application/x-www-form-urlencoded", "params": [{"name": "a b", "value": "ü"}]}
    found = replayed(tmp_path, entry("POST", "http://a.example/x", body=body), only=("POST /x",))
    assert [one.content for one in found.requests] == [b"a+b=%C3%BC"]


@pytest.mark.parametrize(
    ("hosts", "wanted", "target", "sent"),
    [
        (("a.example",), "", URL, 1),
        (("a.example", "127.0.0.1:9", "127.0.0.1:9"), "", URL, 2),
        (("a.example", "b.example"), "B.example", URL, 1),
        (("a.example:443", "a.example"), "", "https://a.example", 2),
        (("[::1]", "[::1]:443", "b.example"), "", "https://[::1]", 2),
        (("[::1]:8443", "b.example"), "", "https://[::1]:8443", 1),
    ],
)
def test_one_hosts_requests_are_meant(
    tmp_path: Path, hosts: tuple[str, ...], wanted: str, target: str, sent: int
) -> None:
    """The named one's, the target's, or those of the only one."""
    found = replayed(tmp_path, *(entry("GET", f"https://{h}/" if ":9" not in h else f"http://{h}/") for h in hosts),
                     target=target, har_host=wanted)  # fmt: skip
    assert len(found.requests) == sent


@pytest.mark.parametrize("wanted", ["", "c.example"])
def test_a_host_that_is_not_known_is_asked_for(tmp_path: Path, wanted: str) -> None:
    """With how many requests went to each."""
    entries = [entry("GET", f"https://{host}.example/") for host in "aab"]
    with pytest.raises(UsageError) as caught:
        replayed(tmp_path, *entries, har_host=wanted)
    assert (caught.value.slug, caught.value.details) == ("har-host", "requests by host: a.example (2), b.example (1)")


@pytest.mark.parametrize(
    ("text", "slug", "says"),
    [
        (None, "har-missing", "No such file"),
        ("", "har-invalid", "no HTTP archive"),
        ('{"log": {}}', "har-invalid", "entries"),
        (
            '{"log": {"entries": [{"request": {"method": 5, "url": "x"}}]}}',
            "har-invalid",
            "entries[0].request.method",
        ),
        ('{"log": {"entries": []}}', "har-empty", "not one HTTP request"),
        (
            '{"log": {"entries": [{"request": {"method": "GET", "url": "blob:x"}}]}}',
            "har-empty",
            "not one HTTP request",
        ),
    ],
)
def test_a_file_that_is_no_recording_is_refused(tmp_path: Path, text: str | None, slug: str, says: str) -> None:
    """Before anything starts, with the place and what to do."""
    if text is not None:
        (tmp_path / "r.har").write_text(text)
    with pytest.raises(UsageError) as caught:
        prepare("s", scenario(har="r.har"), profile="quick", root=tmp_path, limits=None, environment={})
    assert (caught.value.slug, says in caught.value.what) == (slug, True), caught.value.what
    assert str(tmp_path / "r.har") in caught.value.where


def test_an_operation_that_was_not_recorded_comes_with_the_nearest(tmp_path: Path) -> None:
    """As one that is not in the contract."""
    with pytest.raises(UsageError, match="the recording has no operation 'GET /item'") as caught:
        replayed(tmp_path, entry("GET", "http://a.example/items"), only=("GET /item",))
    assert "did you mean 'GET /items'?" in caught.value.remedy


PLAIN = st.text("abcdefghiülm 12&=%+/", max_size=6)


@given(
    st.lists(st.tuples(st.sampled_from(["page", "filter[x]", "q", "api_key", "access_token", "X-Signature"]), PLAIN))
)
def test_a_query_loses_its_secrets_alone(pairs: list[tuple[str, str]]) -> None:
    """Everything else stands as it did, in its order."""
    from urllib.parse import urlencode  # noqa: PLC0415 - for this alone

    kept = [(name, value) for name, value in pairs if name in {"page", "filter[x]", "q"}]
    assert without_secrets(urlencode(pairs), frozenset()) == urlencode(kept)


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), st.text(max_size=5))), st.text("abc%&=# ", max_size=4))
def test_no_known_secret_stays_in_a_query(pairs: list[tuple[str, str]], around: str) -> None:
    """However it is encoded, and whatever stands around it."""
    from urllib.parse import urlencode  # noqa: PLC0415 - for this alone

    query = urlencode([*pairs, ("c", f"{around}{SECRET}{around}")])
    assert SECRET not in repr(parse_qsl(without_secrets(query, frozenset({SECRET}))))


HEAD = "[load.s]\nrate_per_s = 1\nduration_s = { quick = 1 }\n"


@pytest.mark.parametrize(
    ("lines", "line", "says"),
    [
        ('paths = ["/"]\ntraffic = "contract"', 5, "paths, traffic"),
        ('traffic = "contract"\nhar = "x"', 5, "traffic, har"),
        ('user = "Steady"\nhar = "x"', 5, "user, har"),
        ('paths = ["/"]\nonly = ["GET /"]', 5, "`only`, which chooses from `traffic` or `har`"),
        ('traffic = "contract"\nassets = true', 5, "`assets`, which chooses from `har`"),
    ],
)
def test_a_scenario_says_once_what_it_sends(tmp_path: Path, lines: str, line: int, says: str) -> None:
    """The line of what contradicts is named."""
    (tmp_path / "seatrial.toml").write_text(f"{HEAD}{lines}\n")
    with pytest.raises(UsageError) as caught:
        load_settings(tmp_path / "seatrial.toml")
    assert (caught.value.slug, says in caught.value.what) == ("load-traffic-contradictory", True), caught.value.what
    assert caught.value.where.endswith(f":{line}")


def test_user_classes_may_be_handed_paths(tmp_path: Path) -> None:
    """As those of the shipped `Health` are."""
    (tmp_path / "seatrial.toml").write_text(f'{HEAD}user = "Health"\npaths = ["/"]\n')
    assert load_settings(tmp_path / "seatrial.toml").load["s"].senders == ("user",)


@pytest.mark.parametrize(
    ("settings", "options", "kind"),
    [
        ({}, {"stack": URL}, "contract"),
        ({"contract": ContractSettings()}, {}, "contract"),
        ({"load": {"s": scenario()}}, {"contract": True}, "contract"),
        ({"load": {"s": scenario()}}, {"operations": ("GET /x",)}, "contract"),
        ({"load": {"s": scenario()}}, {"har": "x.har", "operations": ("GET /x",)}, "har"),
        ({"load": {"s": scenario()}}, {"stack": URL}, "s"),
    ],
)
def test_where_traffic_comes_from(tmp_path: Path, settings: dict[str, Any], options: dict[str, Any], kind: str) -> None:
    """The contract, where nothing else is declared or asked for; what is named on the command line goes first."""
    assert list(choose_load(Settings(root=tmp_path, **settings), Options(load=True, **options)).load) == [kind]


def test_the_contract_is_sent_as_users_where_some_can_be(tmp_path: Path) -> None:
    """Else what is for users would all be left out."""
    signed = Settings(root=tmp_path, auth=AuthSettings(), contract=ContractSettings())
    assert choose_load(signed, Options(load=True)).load["contract"].identities > 0
    assert choose_load(signed.model_copy(update={"auth": None}), Options(load=True)).load["contract"].identities == 0


@pytest.mark.parametrize(
    "options",
    [
        {"paths": ("/",), "har": "x"},
        {"paths": ("/",), "contract": True},
        {"har": "x", "contract": True},
        {"har": "x", "scenarios": ("s",)},
        {"writes": True, "scenarios": ("s",)},
        {"har_host": "h", "contract": True},
    ],
)
def test_one_kind_of_traffic_at_a_time(tmp_path: Path, options: dict[str, Any]) -> None:
    """All else is wrong usage."""
    with pytest.raises(UsageError) as caught:
        choose_load(Settings(root=tmp_path, load={"s": scenario()}), Options(load=True, **options))
    assert caught.value.slug == "arguments-invalid"


def test_paths_are_gets() -> None:
    """Their names are without the query, as figures have them."""
    assert [(one.operation, one.path, one.content) for one in of_paths(["/a?b=1", "/ü"])] == [
        ("GET /a", "/a?b=1", b""),
        ("GET /ü", "/%C3%BC", b""),
    ]
