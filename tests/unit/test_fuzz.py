"""The pure parts of the contract's driver: allowances, owners, the document, what was looked at, and outcomes."""

import http.server
import itertools
import json
import threading
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from seatrial.campaign._variables import lifted
from seatrial.config import ContractSettings, LimitSettings
from seatrial.core import FindingStatus, Identity, Outcome, Target
from seatrial.core.callers import BOGUS
from seatrial.fuzz._allowance import SAFETY_S, Allowance, Client, Rota
from seatrial.fuzz._authentication import CHECK, Doors, Stranger, Who, judge_authentication, made_up
from seatrial.fuzz._costs import cost_of
from seatrial.fuzz._evidence import Judgement
from seatrial.fuzz._handed_out import fields_handed_out, handed_out
from seatrial.fuzz._judge import Heard, judge
from seatrial.fuzz._messages import SHOWN, Repeated, Sent, Verdict, shown
from seatrial.fuzz._order import Scene, share_of, users_of
from seatrial.fuzz._owners import Owners
from seatrial.fuzz._run import _notes
from seatrial.fuzz._turns import SourceAdapter
from seatrial.openapi import Operation, operations_of
from seatrial.swarm._sessions import quotas_of

LIMITED = (429,)
NUL_FREE = st.text(st.characters(codec="utf-8", exclude_characters="\x00/"), min_size=1)
READ = Operation(label="GET /a", method="GET", statuses=frozenset({"200", "4XX"}), inputs=frozenset({"query:q"}))


def client(name: str, window_s: float = 10.0) -> Client:
    """Return somebody who has sent nothing yet."""
    return Client.limited(name, {"Authorization": name}, "", window_s)


def sent(number: int = 0, **more: Any) -> Sent:
    """Return a request to GET /a that was answered with 200."""
    common: dict[str, Any] = {
        "operation": "GET /a", "mode": "positive", "method": "GET", "url": "http://h/a", "identity": "u", "body": b"",
        "request_headers": [("Authorization", "{{secret:u}}")], "at_s": 1.0, "status": 200,
    }  # fmt: skip
    return Sent(number=number, **{**common, **more})


def ended(heard: Heard, *operations: Operation) -> dict[str, Outcome]:
    """Return how each check ended."""
    judgement = judge({o.label: o for o in operations}, heard, limited=LIMITED, limited_percent=10)
    return {result.check.partition(".")[2]: result.outcome for result in judgement.results}


@given(
    gaps=st.lists(st.floats(0, 5), max_size=60),
    uses=st.integers(1, 8),
    window_s=st.floats(0.5, 10),
)
def test_no_window_holds_more_than_the_uses(gaps: list[float], uses: int, window_s: float) -> None:
    """Whoever waits as long as he is told never sends more often than allowed, whichever window one looks at."""
    allowance, now, times = Allowance(window_s), 0.0, list[float]()
    for gap in gaps:
        now += gap
        now += allowance.wait_s(now, uses)
        allowance.take(now)
        times.append(now)
    for start in times:
        assert sum(start <= moment < start + window_s for moment in times) <= uses


def test_turn_goes_round_and_then_to_who_waits_least() -> None:
    """A client keeps its turn until its uses are up; when all have used theirs up, the one that began first is next."""
    clients = [client(name) for name in "abc"]
    rota, order = Rota(clients, uses=2), ""
    for moment in range(7):
        turn = rota.next(float(moment))
        turn.by_pace.take(float(moment))
        order += turn.name
    assert order == "aabbcca"


@pytest.mark.parametrize("pace_s", [0.01, 1.0, 30.0])
def test_turns_do_not_go_by_the_machine(pace_s: float) -> None:
    """Who sends which request is the same however fast they are sent, as long as nobody has to send a second time."""
    clients = [client(name, window_s=10.0) for name in "abcd"]
    rota, order = Rota(clients, uses=3), ""
    for number in range(12):
        turn = rota.next(number * pace_s)
        turn.by_pace.take(number * pace_s)
        order += turn.name
    assert order == "aaabbbcccddd"


def test_turn_comes_back_after_the_window() -> None:
    """A client may send again once its window is over."""
    rota = Rota([client("a", window_s=1.0)], uses=1)
    rota.next(0.0).by_pace.take(0.0)
    assert rota.next(0.0).by_pace.wait_s(0.0, 1) == 1.0 + SAFETY_S
    assert rota.next(2.0).by_pace.wait_s(2.0, 1) == 0


@given(name=NUL_FREE.filter(lambda name: name not in {".", ".."}))
def test_resource_belongs_to_who_made_it(name: str) -> None:
    """Whatever an id looks like, and wherever in the answer it stands, a URL with it leads to who made it."""
    import urllib.parse  # noqa: PLC0415 - used by this test only

    owners, maker = Owners[Client](), client("maker")
    owners.learn("POST", "", json.dumps({"data": [{"orderId": name}]}).encode(), maker)
    assert owners.of(f"http://h/orders/{urllib.parse.quote(name, safe='')}/lines?x=1") is maker
    assert owners.of("http://h/orders") is None or name == "orders"


@pytest.mark.parametrize("content", [b"", b"no JSON", b"[" * 100_000, b'{"id": null, "name": "x"}', b"\xff"])
def test_odd_answers_make_nobody_an_owner(content: bytes) -> None:
    """An answer that is no JSON, is nested on purpose or names nothing is passed over; its Location still counts."""
    owners, maker = Owners[Client](), client("maker")
    owners.learn("POST", "http://h/things/7", content, maker)
    assert owners.of("http://h/things/7") is maker
    assert owners.of("http://h/things/x") is None


def test_reading_makes_nobody_an_owner() -> None:
    """What somebody merely read is not his."""
    owners = Owners[Client]()
    owners.learn("GET", "", b'{"id": "seven"}', client("reader"))
    assert owners.of("http://h/things/seven") is None


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_was_handed_out_is_sent_by_who_got_it(method: str) -> None:
    """A cursor is sent by whom it was given to: it may be good for nobody else."""
    owners, reader = Owners[Client]({"next"}), client("reader")
    owners.learn(method, "", b'{"items": [{"title": "seven"}], "next": "a b="}', reader)
    assert owners.of("http://h/things?limit=1&cursor=a%20b%3D") is reader
    assert owners.of("http://h/things?cursor=other") is None
    assert owners.of("http://h/things/seven") is None


def test_optional_credentials_are_not_needed() -> None:
    """An operation with an empty security requirement among others lets anybody in, and says so."""
    found = operations_of(
        {
            "security": [{"bearer": []}],
            "paths": {
                "/a": {
                    "get": {},
                    "put": {"security": [{"bearer": []}, {}]},
                    "post": {"security": []},
                    "patch": {"security": [{"bearer": []}]},
                }
            },
        }
    )
    assert {name for name, o in found.items() if o.secured} == {"GET /a", "PATCH /a"}


def test_statuses_are_documented_by_class_and_default_too() -> None:
    """A status is documented by itself, its class, or `default`."""
    assert (READ.documented_as(200), READ.documented_as(404), READ.documented_as(500)) == ("200", "4XX", "")
    assert Operation(label="", method="GET", default=True).documented_as(500) == "default"


def test_nothing_sent_passes_nothing() -> None:
    """Without a request no check passes."""
    heard = Heard(fatal="")
    assert Outcome.PASSED not in ended(heard, READ).values()
    assert Outcome.PASSED not in ended(heard).values()


def test_rejected_by_the_limiter_is_not_answered() -> None:
    """Where the limiter rejected everything, nothing passes."""
    ends = ended(Heard(sent=[sent(n, status=429) for n in range(9)], fatal=""), READ)
    assert Outcome.PASSED not in ends.values()
    assert ends["not-rate-limited"] is Outcome.INCONCLUSIVE


def test_what_is_not_promised_is_not_applicable() -> None:
    """A document without inputs, bodies, headers or resources promises nothing about them."""
    bare = Operation(label="GET /a", method="GET", default=True)
    ends = ended(Heard(sent=[sent(verdicts=[Verdict(name="response_schema_conformance")])], fatal=""), bare)
    absent = {name for name, outcome in ends.items() if outcome is Outcome.NOT_APPLICABLE}
    assert absent == {
        "status-documented", "content-type-documented", "headers-documented", "response-schema",
        "invalid-input-refused", "valid-input-accepted", "resource-lifecycle",
    }  # fmt: skip
    assert ends["no-server-error"] is Outcome.PASSED
    assert ends["method-not-allowed"] is Outcome.INCONCLUSIVE


FAILED = Verdict(name="not_a_server_error", title="Server error")
SAME = {"name": FAILED.name, "title": FAILED.title}


def again(number: int = 0, *, same: bool, **other: str) -> Repeated:
    """Return what became of a request that was sent once more."""
    return Repeated(number=number, same=same, **{**SAME, **other})


ENDS = {
    FindingStatus.CONFIRMED: Outcome.FAILED,
    FindingStatus.FLAKY: Outcome.PASSED,
    FindingStatus.UNCONFIRMED: Outcome.INCONCLUSIVE,
}


@pytest.mark.parametrize(
    ("failures", "repeated", "status"),
    [
        (1, [], FindingStatus.UNCONFIRMED),
        (1, [again(same=False)], FindingStatus.FLAKY),
        (1, [again(same=True)], FindingStatus.CONFIRMED),
        (1, [again(same=True, name="use_after_free", title="x")], FindingStatus.UNCONFIRMED),
        (2, [], FindingStatus.CONFIRMED),
        (2, [again(same=False)], FindingStatus.FLAKY),
        (2, [again(same=False), again(1, same=True)], FindingStatus.CONFIRMED),
        (9, [again(same=False), again(1, same=False)], FindingStatus.FLAKY),
    ],
)
def test_a_replay_decides_over_a_second_occurrence(
    failures: int, repeated: list[Repeated], status: FindingStatus
) -> None:
    """What does not come again is flaky, however often it was seen; a second occurrence counts where nobody looked."""
    heard = Heard(sent=[sent(n, status=500, verdicts=[FAILED]) for n in range(failures)], repeated=repeated, fatal="")
    (result,) = (r for r in judge({"GET /a": READ}, heard, limited=LIMITED, limited_percent=10).results if r.findings)
    assert [finding.status for finding in result.findings] == [status]
    assert result.outcome is ENDS[status]


def test_what_came_again_is_shown() -> None:
    """Of requests with one failure people get the one that failed again, with what led to it, although it is longer."""
    longer = FAILED.__class__(name=FAILED.name, title=FAILED.title, chain=[1, 2])
    asked = [
        sent(0, status=500, verdicts=[FAILED]),
        sent(1),
        sent(2, status=500, url="http://h/a?long", verdicts=[longer]),
    ]
    heard = Heard(sent=asked, repeated=[again(2, same=True)], fatal="")
    (result,) = (r for r in judge({"GET /a": READ}, heard, limited=LIMITED, limited_percent=10).results if r.findings)
    (finding,) = result.findings
    assert [id_.rpartition("-")[2] for id_ in finding.steps] == ["1", "2"]
    assert [id_.rpartition("-")[2] for id_ in finding.evidence] == ["1", "2", "0"]
    assert finding.replay.endswith("'http://h/a?long'")


def test_a_flaky_finding_passes_nothing_that_is_open_otherwise() -> None:
    """A check whose engine broke stays inconclusive, and still carries what did not come again."""
    heard = Heard(sent=[sent(status=500, verdicts=[FAILED])], repeated=[again(same=False)], fatal="it broke")
    (result,) = (r for r in judge({"GET /a": READ}, heard, limited=LIMITED, limited_percent=10).results if r.findings)
    assert (result.outcome, result.reason) == (Outcome.INCONCLUSIVE, "it broke")


def test_life_of_a_resource_is_confirmed_by_another_look_alone() -> None:
    """A resource that is slow to appear is missed again and again, and is yet no defect once it is there."""
    late = Verdict(name="ensure_resource_availability", title="Resource is not available")
    heard = Heard(sent=[sent(n, status=404, chained=True, verdicts=[late]) for n in range(5)], fatal="")
    resource = Operation(label="GET /a", method="GET", statuses=frozenset({"404"}), in_path=True)
    assert ended(heard, resource)["resource-lifecycle"] is Outcome.INCONCLUSIVE


def test_engine_that_broke_passes_nothing() -> None:
    """What a broken engine did not complain of is not proved, but what it found stays found."""
    heard = Heard(sent=[sent(0), sent(1, status=500, verdicts=[FAILED]), sent(2, status=500, verdicts=[FAILED])])
    ends = ended(heard, READ)
    assert ends.pop("no-server-error") is Outcome.FAILED
    assert Outcome.PASSED not in ends.values()


AUTHENTICATION = {
    "refused": ("GET", 200, (401, 403), Outcome.PASSED),
    "served": ("GET", 200, (200, 200, 401), Outcome.FAILED),
    "served to the impostor": ("GET", 200, (401, 200, 200), Outcome.FAILED),
    "served once": ("GET", 200, (200, 401, 401), Outcome.PASSED),
    "served, and then no time is left": ("GET", 200, (200, None, 401), Outcome.INCONCLUSIVE),
    "served, and then broken": ("GET", 200, (200, 500, 401), Outcome.INCONCLUSIVE),
    "served, and then limited": ("GET", 200, (200, 429, 401), Outcome.INCONCLUSIVE),
    "invalid without the header": ("GET", 200, (422, 401), Outcome.PASSED),
    "gone by now": ("DELETE", 204, (404, 401), Outcome.INCONCLUSIVE),
    "rejected by the limiter": ("GET", 200, (429, 401), Outcome.INCONCLUSIVE),
    "broken": ("GET", 200, (500, 401), Outcome.INCONCLUSIVE),
    "no answer": ("GET", 200, (0, 401), Outcome.INCONCLUSIVE),
    "missing for everybody": ("GET", 404, (404, 404), Outcome.INCONCLUSIVE),
    "missing, but refused first": ("GET", 404, (401, 401), Outcome.PASSED),
    "never let in": ("GET", 401, (401, 401), Outcome.INCONCLUSIVE),
}


@pytest.mark.parametrize(("method", "status", "answers", "outcome"), AUTHENTICATION.values(), ids=AUTHENTICATION.keys())
def test_credentials_must_make_the_difference(
    method: str, status: int, answers: tuple[int | None, ...], outcome: Outcome
) -> None:
    """Only a refusal counts as one: an answer that has another explanation proves nothing, and 2xx is a defect."""
    operation = Operation(label=f"{method} /a", method=method, secured=True)
    judgement, statuses = Judgement(), iter(answers)

    def send(sample: Sent, who: Who) -> Sent | None:
        del who
        status = next(statuses)
        return None if status is None else sent(operation=sample.operation, method=sample.method, status=status)

    request = sent(operation=operation.label, method=method, status=status)
    doors = Doors({operation.label: operation}, [request])
    judge_authentication(doors, send=send, judgement=judgement, problem="")
    assert [(result.check, result.outcome) for result in judgement.results] == [(CHECK, outcome)]


CLOSED = {
    "refused": ([403, 403], (403, 401), Outcome.PASSED),
    "served": ([403, 200], (200, 403, 401), Outcome.FAILED),
    "served once": ([403, 200], (403, 403, 401), Outcome.PASSED),
    "served to nobody": ([403], (200, 200, 401), Outcome.FAILED),
    "limited from the start": ([429], (403, 401), Outcome.INCONCLUSIVE),
    "missing": ([404], (404, 404), Outcome.INCONCLUSIVE),
}


@pytest.mark.parametrize(("statuses", "answers", "outcome"), CLOSED.values(), ids=CLOSED.keys())
def test_a_closed_operation_refuses_users_too(statuses: list[int], answers: tuple[int, ...], outcome: Outcome) -> None:
    """Where no user of the run may go, a refusal of users and strangers is what was promised."""
    operation = Operation(label="GET /a", method="GET", secured=True)
    judgement, left = Judgement(), iter(answers)

    def send(sample: Sent, who: Who) -> Sent:
        del who
        return sent(operation=sample.operation, status=next(left))

    doors = Doors({"GET /a": operation}, [sent(n, status=s) for n, s in enumerate(statuses)], frozenset({"GET /a"}))
    judge_authentication(doors, send=send, judgement=judgement, problem="")
    assert [result.outcome for result in judgement.results] == [outcome]


def test_a_closed_operation_that_is_not_documented_decides_nothing() -> None:
    """A misspelt name must not look like a promise that is kept."""
    doors = Doors({"GET /a": Operation(label="GET /a", method="GET", secured=True)}, [sent()], frozenset({"GET /b"}))
    judgement = Judgement()
    judge_authentication(doors, send=lambda _sample, _who: sent(status=401), judgement=judgement, problem="")
    (result,) = judgement.results
    assert result.outcome is Outcome.INCONCLUSIVE
    assert "GET /b (declared closed, not documented)" in result.reason


@pytest.mark.parametrize(("secured", "outcome"), [(False, Outcome.PASSED), (True, Outcome.INCONCLUSIVE)])
def test_a_sign_in_is_reached_when_it_refuses(*, secured: bool, outcome: Outcome) -> None:
    """A 401 is the door of an operation that asks for credentials, and the answer of one that does not."""
    operation = Operation(label="POST /token", method="POST", statuses=frozenset({"200", "401"}), secured=secured)
    request = sent(operation="POST /token", method="POST", status=401)
    assert ended(Heard(sent=[request], fatal=""), operation)["operations-reached"] is outcome


def test_undocumented_methods_do_not_count_for_an_operation() -> None:
    """A TRACE that is sent to see it refused does not reach the operation."""
    probe = sent(method="TRACE", status=200)
    assert ended(Heard(sent=[probe], fatal=""), READ)["operations-reached"] is Outcome.INCONCLUSIVE


class SeenAt(http.server.BaseHTTPRequestHandler):
    """Answer with the address at which a client is seen, and with what he shows."""

    def do_GET(self) -> None:
        """Say so."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{self.client_address[0]} {self.headers.get('Authorization', '')}".strip().encode())

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


def test_nobody_is_sent_to_where_his_address_is_seen() -> None:
    """The engine's requests without credentials, and those sent again without, go by the relay where there is one."""
    nowhere = "http://127.0.0.1:9"
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), SeenAt) as server, requests.Session() as session:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        relay = f"http://127.0.0.1:{server.server_port}"
        session.mount("http://", SourceAdapter("127.6.6.6", relay))
        assert session.get(f"{nowhere}/a").text == "127.6.6.6"
        people = [Identity(name="anonymous", address="127.5.5.5")]
        stranger = Stranger(people, target=Target(url=nowhere, by_address=relay), limited=LIMITED, window_s=1)
        answer = stranger.send(sent(url=f"{nowhere}/a"), "nobody")
        assert answer
        assert (answer.status, answer.response_body) == (200, "127.5.5.5")
        user = Stranger([], target=Target(url=relay), limited=LIMITED, window_s=1, users={"u": {"authorization": "Me"}})
        answer = user.send(sent(url=f"{relay}/a"), "user")
        assert answer
        assert answer.response_body == "127.0.0.1 Me"
        assert answer.request_headers == [("Authorization", "{{secret:u}}")]
        server.shutdown()


class Busy(http.server.BaseHTTPRequestHandler):
    """Refuse the first request, and say that the next one need not wait."""

    seen: list[str]

    def do_GET(self) -> None:
        """Say so."""
        self.seen.append(self.path)
        self.send_response(429 if len(self.seen) == 1 else 401)
        self.send_header("Retry-After", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.mark.parametrize(("who", "paths"), [("nobody", ["/a", "/a"]), ("impostor", [f"/a?k={BOGUS}"] * 2)])
def test_a_stranger_waits_for_as_long_as_he_is_told(who: Who, paths: list[str]) -> None:
    """However long the window is; and where users have their keys in the query, he has none, or one made up there."""
    seen: list[str] = []
    handler = type("Fresh", (Busy,), {"seen": seen})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        stranger = Stranger([], target=Target(url=url), limited=LIMITED, window_s=3600, queries={"u": {"k": "s3cret"}})
        answer = stranger.send(sent(url=f"{url}/a?k={{{{secret:u}}}}"), who)
        server.shutdown()
    assert answer
    assert (answer.status, seen) == (401, paths)
    assert answer.url == f"{url}{paths[0]}"


@pytest.mark.parametrize(
    ("name", "own", "credentials"),
    [
        ("Authorization", "Bearer eyJ", f"Bearer {BOGUS}"),
        ("authorization", "", f"Bearer {BOGUS}"),
        ("Authorization", "Token t", f"Token {BOGUS}"),
        ("X-API-Key", "k", BOGUS),
        ("Cookie", "session=s", f"session={BOGUS}"),
        ("Authorization", "raw-key", BOGUS),
        (
            "Authorization",
            "Basic dTpw",
            "Basic c2VhdHJpYWwtYm9ndXMtY3JlZGVudGlhbHM6c2VhdHJpYWwtYm9ndXMtY3JlZGVudGlhbHM=",
        ),
    ],
)
def test_made_up_credentials_are_of_the_same_kind(name: str, own: str, credentials: str) -> None:
    """Who shows another scheme than the service asks for is refused for that, and nothing is proved."""
    assert made_up(name, own) == credentials


def test_long_bodies_are_cut_and_say_so() -> None:
    """A body in the record ends where it was cut, with its size."""
    assert shown(b"x" * (SHOWN + 1)).endswith(f"... ({SHOWN + 1} bytes)")
    assert shown(b"x" * SHOWN) == "x" * SHOWN


@pytest.mark.parametrize(
    ("url", "body", "cost"),
    [
        ("http://host/batch?a=1", b'{"items": [1, 2, 3]}', 3),
        ("http://host/batch", b'{"items": []}', 1),
        ("http://host/batch", b'{"items": 7}', 1),
        ("http://host/batch", b"no json", 1),
        ("http://host/batch", None, 1),
        ("http://host/other", b'{"items": [1, 2, 3]}', 1),
    ],
)
def test_a_batch_counts_for_its_items(url: str, body: bytes | None, cost: int) -> None:
    """An identity that hands in three things used three of its quota."""
    assert cost_of(url, body, {"/batch": "items"}) == cost


def test_a_limit_of_one_path_binds_nobody_elsewhere() -> None:
    """Fuzzing and load keep to the limits of the service; that of a path is kept at the path."""
    wide = LimitSettings(quota=60, window_s=60, path="/a")
    narrow = LimitSettings(quota=10, window_s=60, path="/token", reach="path", quota_variable="Q")
    assert quotas_of((wide, narrow), {}) == ((60, 60),)
    assert share_of(narrow, {}).uses == 6
    assert share_of(narrow, {"Q": "1000"}).uses == 600
    assert lifted((wide, narrow)) == {}
    assert lifted((narrow.model_copy(update={"quota_elsewhere": 1000}),)) == {"Q": "1000"}


@pytest.mark.parametrize(("batch", "users"), [({}, 4), ({"batch_path": "/batch", "batch_field": "items"}, 7)])
def test_batches_want_more_users(batch: dict[str, str], users: int) -> None:
    """Who hands in many things at once has used up his quota sooner: others send meanwhile."""
    limit = LimitSettings(quota=60, window_s=60, path="/a", **batch)  # type: ignore[arg-type]  # texts alone
    names = map(str, itertools.count())
    identities: Any = SimpleNamespace(lease=lambda _: [Identity(name="u", headers={"Authorization": next(names)})])
    scene = Scene(
        settings=ContractSettings(examples={"quick": 5}),
        document={},
        operations=dict.fromkeys(("GET /a", "GET /b", "GET /c"), READ),
        target=Target(url="http://h"),
        identities=identities,
        limits=[limit],
        environment={},
        profile="quick",
    )
    assert len(users_of(scene)) == users


def linked(value: str, **target: Any) -> dict[str, Any]:
    """Return a document whose list hands out what another request for it takes."""
    link = {"operationId": "list", "parameters": {"cursor": value}, **target}
    places = {"cursor": "query", "id": "path"}
    parameters = [{"name": name, "in": place} for name, place in places.items()]
    responses = {"200": {"links": {"next": link}}}
    return {"paths": {"/a": {"get": {"operationId": "list", "parameters": parameters, "responses": responses}}}}


@pytest.mark.parametrize(
    ("document", "names"),
    [
        (linked("$response.body#/next"), {"GET /a": {"cursor"}}),
        (linked("", parameters={"query.cursor": "$response.body#/next"}), {"GET /a": {"cursor"}}),
        (linked("a constant"), {}),
        (linked("", parameters={"id": "$response.body#/id"}), {}),
        (linked("$response.body#/next", operationId="other"), {}),
    ],
)
def test_what_a_link_hands_out_is_known(document: dict[str, Any], names: dict[str, set[str]]) -> None:
    """A query parameter that a link fills from an answer; neither a constant nor a part of a path."""
    assert handed_out(document) == names
    assert fields_handed_out(document) == ({"next"} if names else set())


def test_a_part_without_links_is_no_gap_where_another_ones_were_followed() -> None:
    """The engine says that of each part by itself; where nobody followed a link it is told."""
    message = "Stateful tests: All link definitions required for stateful testing are excluded by filters"
    alone, beside = Heard(broken=[message]), Heard(sent=[sent(1, phase="stateful")], broken=[message])
    assert _notes({}, alone, 1.0) == [f"not fuzzed: {message}"]
    assert _notes({}, beside, 1.0) == []
