"""The claims about a limiter, judged on answers: what is proved, and what clocks leave open."""

import asyncio
import http.server
import math
import random
from collections.abc import Iterable, Sequence
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st
from promises import PROMISES
from servers import in_thread

from seatrial.config import LimitSettings
from seatrial.core import CheckResult, Evidence, Measurement, Outcome, Severity, Target, UsageError
from seatrial.throttle import Answer, Instant, Policy, Wire, WireError, merge, plan_proof
from seatrial.throttle._answers import read_answer
from seatrial.throttle._claims import (
    Defect,
    judge_again,
    judge_order,
    judge_quota,
    judge_status,
)
from seatrial.throttle._headers import Truth, judge_headers, judge_late
from seatrial.throttle._kinds import Kinds, UndecidedError, tell_kinds
from seatrial.throttle._ledger import Ledger
from seatrial.throttle._outcomes import CLAIMS, judge_outcome
from seatrial.throttle._replay import Turn
from seatrial.throttle._retry import Wait, judge_retry_after, read_wait
from seatrial.throttle._shown import Album, tell
from seatrial.throttle._telling import _promises
from seatrial.throttle._variants import Shape, variants
from seatrial.throttle._window import (
    SAME_CLOCK,
    Edge,
    Offset,
    after,
    clock_stepped,
    end_of_window,
    inside,
    reset_is_true,
    server_clocks,
)
from seatrial.throttle._wire import IDLE_S

LIMIT = LimitSettings(**PROMISES, quota=3, window_s=10, algorithm="fixed-window", path="/a", quota_variable="Q")
POLICY = Policy.declared(LIMIT, {})
EPOCH = 1_000_000.0
"""Our steady clock begins here after 1970."""
BEGAN = 1000.2
KINDS = Kinds(200, frozenset({429}))


def make(sent_s: float, received_s: float | None = None, status: int = 200, **headers: str) -> Answer:
    """Return an answer with clocks."""
    late_s = sent_s + 0.005 if received_s is None else received_s
    return Answer(
        method="GET",
        path="/a",
        status=status,
        headers=tuple((name.replace("_", "-"), value) for name, value in headers.items()),
        sent=Instant(sent_s, sent_s + EPOCH),
        received=Instant(late_s, late_s + EPOCH),
        client="u",
        secret=("Authorization",),
    )


def nth(number: int, status: int = 200, *, sent_s: float | None = None, **headers: str) -> Answer:
    """Return the answer to a client's request number N, with true headers unless others are given."""
    true = {"limit": "3", "remaining": str(max(0, 3 - number)), "reset": str(int(EPOCH) + 1011)}
    pairs = {f"x_ratelimit_{name}": value for name, value in (true | headers).items() if value != "absent"}
    return make(BEGAN + number * 0.01 if sent_s is None else sent_s, None, status, **pairs)


RAMP = [nth(1), nth(2), nth(3), nth(4, 429), nth(5, 429)]


def causes(defects: Iterable[Defect]) -> list[str]:
    """Return the words for what is wrong."""
    return [defect.cause for defect in defects]


def truth(answers: Sequence[Answer]) -> Truth:
    """Return what the headers of a first window are held against."""
    return Truth(end_of_window(POLICY, answers), [SAME_CLOCK])


def test_true_limiter_has_no_defect() -> None:
    """Exactly the quota, the declared status and true headers are right."""
    assert judge_quota(POLICY, RAMP, KINDS, how="") == []
    assert judge_order(POLICY, RAMP, KINDS) == []
    assert judge_status(POLICY, RAMP, KINDS) == []
    assert judge_headers(POLICY, RAMP, truth(RAMP), admitted=3) == []
    assert judge_late(POLICY, RAMP[-1], truth(RAMP)) == []
    assert judge_again(POLICY, RAMP, KINDS, before=3, waited_s=10) == []


@pytest.mark.parametrize(("admitted", "cause"), [(4, "too-many-admitted"), (2, "too-few-admitted")])
def test_one_request_off_is_seen(admitted: int, cause: str) -> None:
    """One request more or less than the quota is a defect, in every window or in a later one."""
    answers = [nth(n, 200 if n <= admitted else 429) for n in range(1, 6)]
    assert causes(judge_quota(POLICY, answers, KINDS, how="")) == [cause]
    assert causes(judge_again(POLICY, answers, KINDS, before=3, waited_s=10)) == ["second-window-differs"]
    assert judge_again(POLICY, answers, KINDS, before=admitted, waited_s=10) == []


def test_rejection_before_the_end_of_the_quota_is_seen() -> None:
    """The right number of admissions in the wrong order is a defect too."""
    answers = [nth(1), nth(2, 429), nth(3), nth(4), nth(5, 429)]
    assert judge_quota(POLICY, answers, KINDS, how="") == []
    assert causes(judge_order(POLICY, answers, KINDS)) == ["rejected-before-the-end"]


def test_quota_that_never_comes_back_is_told_as_such() -> None:
    """A second window without any admission lasted too long."""
    refused = [nth(n, 429) for n in range(1, 6)]
    assert causes(judge_again(POLICY, refused, KINDS, before=3, waited_s=10)) == ["window-too-long"]


def declared(algorithm: str, **more: float) -> Policy:
    """Return the policy with another algorithm."""
    return Policy.declared(LIMIT.model_copy(update={"algorithm": algorithm, **more}), {})


@given(st.integers(0, 3))
def test_what_is_not_known_may_admit_less(admitted: int) -> None:
    """Where nothing is known of the algorithm, fewer admissions than the quota prove nothing."""
    answers = [nth(n, 200 if n <= admitted else 429) for n in range(1, 6)]
    assert judge_quota(declared("any"), answers, KINDS, how="") == []


@pytest.mark.parametrize(
    ("algorithm", "admitted", "lasts_s", "cause"),
    [
        ("sliding-log", 3, 9.0, []),
        ("sliding-log", 2, 0.05, ["too-few-admitted"]),
        ("sliding-log", 4, 0.05, ["too-many-admitted"]),
        ("sliding-log", 4, 9.0, ["too-many-admitted"]),
        ("sliding-counter", 3, 9.0, []),
        ("sliding-counter", 2, 0.05, ["too-few-admitted"]),
        ("sliding-counter", 4, 0.05, []),
        ("sliding-counter", 5, 0.05, ["too-many-admitted"]),
        ("sliding-counter", 5, 4.1, []),
        ("sliding-counter", 6, 4.1, ["too-many-admitted"]),
    ],
)
def test_a_sliding_window_is_exact(algorithm: str, admitted: int, lasts_s: float, cause: list[str]) -> None:
    """A log admits its quota, however long that takes; a counter what comes back too, once its windows turn."""
    answers = [nth(n, 200 if n <= admitted else 429, sent_s=BEGAN + n * lasts_s / 7) for n in range(1, 8)]
    assert causes(judge_quota(declared(algorithm), answers, KINDS, how="")) == cause


def test_a_log_refuses_nothing_before_the_end_of_its_quota() -> None:
    """Nothing comes back to a log meanwhile; to a counter it may."""
    answers = [nth(1), nth(2), nth(3, 429), nth(4)]
    assert causes(judge_order(declared("sliding-log"), answers, KINDS)) == ["rejected-before-the-end"]
    assert judge_order(declared("sliding-counter"), answers, KINDS) == []


BUCKET = declared("token-bucket")


@pytest.mark.parametrize(
    ("admitted", "lasts_s", "cause"),
    [
        (3, 0.05, []),
        (2, 0.05, ["too-few-admitted"]),
        (4, 0.05, ["too-many-admitted"]),
        (4, 4.0, []),
        (5, 4.0, ["too-many-admitted"]),
    ],
)
def test_a_bucket_is_full_and_refills(admitted: int, lasts_s: float, cause: list[str]) -> None:
    """It admits its quota and what came back meanwhile: less, or more, is a defect."""
    answers = [nth(n, 200 if n <= admitted else 429, sent_s=BEGAN + n * lasts_s / 6) for n in range(1, 7)]
    assert causes(judge_quota(BUCKET, answers, KINDS, how="")) == cause


def test_a_bucket_says_what_came_back() -> None:
    """Remaining may be what is left for certain, or one more where one came back; refusals use nothing up."""
    times = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 7.2, 7.3)
    statuses = (200, 200, 200, 429, 429, 429, 200, 200)
    left = ("2", "1", "0", "0", "0", "0", "1", "0")
    rows = enumerate(zip(times, statuses, left, strict=True), 1)
    told = [nth(n, status, sent_s=BEGAN + at_s, remaining=said) for n, (at_s, status, said) in rows]
    assert judge_headers(BUCKET, told, Truth(None, []), admitted=3) == []
    told[6] = nth(7, 200, sent_s=BEGAN + 7.2, remaining="2")
    assert causes(judge_headers(BUCKET, told, Truth(None, []), admitted=3)) == ["remaining-untrue"]


def test_a_bucket_asks_for_one_request_of_patience() -> None:
    """Whoever is refused waits until one request came back, and no longer."""
    said = {seconds: make(BEGAN, None, 429, Retry_After=str(seconds)) for seconds in (4, 5)}
    assert judge_retry_after(BUCKET, [said[4]], None) == []
    assert causes(judge_retry_after(BUCKET, [said[5]], None)) == ["retry-after-too-long"]


def test_each_algorithm_has_its_bound() -> None:
    """A log admits the quota, a bucket what it gets back meanwhile, a counter one more, anything at most twice that."""
    algorithms = ("fixed-window", "sliding-log", "token-bucket", "sliding-counter", "any")
    bounds = {algorithm: declared(algorithm).at_most(5.0) for algorithm in algorithms}
    assert bounds == {"fixed-window": 3, "sliding-log": 3, "token-bucket": 4, "sliding-counter": 5, "any": 6}


@pytest.mark.parametrize(("quota", "probes"), [(1, 1), (3, 3), (9, 4)])
def test_nobody_is_asked_for_more_than_he_has(quota: int, probes: int) -> None:
    """Whether somebody has a quota of his own is shown within it."""
    assert declared("token-bucket", quota=quota).probes == declared("sliding-counter", quota=quota).probes == probes


@pytest.mark.parametrize(("quota", "longest_s"), [(1, 20.0), (10, 11.0)])
def test_a_counter_lets_nobody_wait_longer_than_that(quota: int, longest_s: float) -> None:
    """Its window must be over, and so much of the next one that a request comes back."""
    assert declared("sliding-counter", quota=quota).wait_s == longest_s


def test_wrong_status_still_counts_as_rejection() -> None:
    """A limiter that answers 503 keeps its quota; only its status is wrong."""
    answers = [nth(n, 200 if n <= 3 else 503) for n in range(1, 6)]
    kinds = tell_kinds(answers, declared=429, anonymous=False, window_s=10)
    assert judge_quota(POLICY, answers, kinds, how="") == []
    assert causes(judge_status(POLICY, answers, kinds)) == ["status-503"]


@pytest.mark.parametrize(
    ("statuses", "anonymous", "reason"),
    [
        ([429, 429], False, "sent nothing before"),
        ([404, 404], False, "answers 404"),
        ([307, 307], False, "answers 307"),
        ([401, 401], False, "answers 401"),
        ([500, 500], True, "answers 500"),
    ],
)
def test_client_without_service_proves_nothing(statuses: list[int], anonymous: bool, reason: str) -> None:
    """Where even the first request is not served, nothing can be said about a limit."""
    answers = [nth(number, status) for number, status in enumerate(statuses, 1)]
    with pytest.raises(UndecidedError, match=reason):
        tell_kinds(answers, declared=429, anonymous=anonymous, window_s=10)


def test_crash_in_between_proves_nothing() -> None:
    """One 500 is neither an admission nor a rejection; a client without a token may get 401 until it is limited."""
    answers = [nth(1), nth(2, 500), nth(3), nth(4, 429)]
    kinds = tell_kinds(answers, declared=429, anonymous=False, window_s=10)
    with pytest.raises(UndecidedError, match="500"):
        kinds.count(answers)
    refused = [nth(1, 401), nth(2, 401), nth(3, 429)]
    assert tell_kinds(refused, declared=429, anonymous=True, window_s=10).count(refused) == 2


@pytest.mark.parametrize(
    ("headers", "cause"),
    [
        ({"remaining": "3"}, "remaining-untrue"),
        ({"remaining": "absent"}, "remaining-missing"),
        ({"remaining": "-1"}, "remaining-no-whole-number"),
        ({"limit": "4"}, "limit-untrue"),
        ({"reset": str(int(EPOCH) + 1013)}, "reset-untrue"),
        ({"reset": "10"}, "reset-untrue"),
        ({"reset": f"{EPOCH + 1010.2}"}, "reset-no-whole-number"),
    ],
)
def test_untrue_headers_are_seen(headers: dict[str, str], cause: str) -> None:
    """Each header that is missing, malformed or untrue is named."""
    answers = [nth(1, **headers)]  # type: ignore[arg-type]  # only names of headers are in it
    assert causes(judge_headers(POLICY, answers, truth(answers), admitted=3)) == [cause]


def test_headers_that_tell_the_enforced_quota_are_true() -> None:
    """A quota that is not the declared one is another claim; headers that tell it do not lie."""
    answers = [nth(1, limit="2", remaining="1"), nth(2, limit="2", remaining="0"), nth(3, 429, limit="2")]
    assert judge_headers(POLICY, answers, truth(answers), admitted=2) == []
    assert causes(judge_headers(POLICY, answers, truth(answers), admitted=3))


def test_header_that_is_there_twice_is_seen() -> None:
    """Clients read different ones of two equal headers."""
    answer = make(BEGAN, None, 429, retry_after="1")
    twice = Answer(
        method="GET", path="/a", status=429, headers=answer.headers * 2, sent=answer.sent, received=answer.received,
        client="u",
    )  # fmt: skip
    assert causes(judge_retry_after(POLICY, [twice], None)) == ["retry-after-there-more-than-once"]


seconds = st.floats(min_value=0, max_value=3, allow_nan=False)


@given(st.lists(st.tuples(seconds, seconds, seconds), min_size=1, max_size=8))
def test_edge_holds_the_truth(requests: list[tuple[float, float, float]]) -> None:
    """Whenever the server acted between sending and receipt, the true end lies in the interval, however rounded."""
    answers = [make(1000 + at, 1000 + at + before + late) for at, before, late in requests]
    end_s = min(1000 + at + before for at, before, _ in requests) + POLICY.window_s
    edge = end_of_window(POLICY, answers)
    assert edge.earliest_s <= end_s <= edge.latest_s
    for value in (math.floor(end_s + EPOCH), math.ceil(end_s + EPOCH)):
        assert all(reset_is_true(POLICY, edge, answer, value, [SAME_CLOCK]) for answer in answers)


@given(st.lists(st.tuples(seconds, seconds, seconds), min_size=1, max_size=8))
def test_inside_and_after_are_certain(requests: list[tuple[float, float, float]]) -> None:
    """What counts as inside acted before the window's end, what counts as after acted after it; never both."""
    edge = Edge(1001.0, 1001.5)
    for at, before, late in requests:
        answer, acted_s = make(1000 + at, 1000 + at + before + late), 1000 + at + before
        if inside(edge, [answer]):
            assert acted_s < edge.earliest_s
        if after(edge, answer):
            assert acted_s > edge.latest_s
        assert not (inside(edge, [answer]) and after(edge, answer))


@given(st.lists(st.tuples(seconds, seconds, seconds, st.booleans()), min_size=1, max_size=8), st.floats(-9e3, 9e3))
def test_clock_of_the_server_is_told_by_date(requests: list[tuple[float, float, float, bool]], ahead_s: float) -> None:
    """However far a server's clock is off, and however old its Date, its true offset is among those allowed for."""
    answers = []
    for at, before, late, old in requests:
        date = formatdate(math.floor(1000 + at + before + EPOCH + ahead_s) - old, usegmt=True)
        answers.append(make(1000 + at, 1000 + at + before + late, Date=date))
    clocks = server_clocks(answers, same_host=False)
    assert any(clock.least_s - 0.01 <= ahead_s <= clock.most_s + 0.01 for clock in clocks)


def test_without_a_date_only_this_host_has_a_clock() -> None:
    """On this machine clocks agree unless Date says otherwise; elsewhere only Date tells."""
    assert server_clocks(RAMP, same_host=True) == (SAME_CLOCK,)
    assert server_clocks(RAMP, same_host=False) == ()
    hour = [make(1000, Date=formatdate(1000 + EPOCH + 3600, usegmt=True))]
    clocks = server_clocks(hour, same_host=True)
    assert clocks[0] == SAME_CLOCK
    edge = end_of_window(POLICY, hour)
    assert reset_is_true(POLICY, edge, hour[0], int(EPOCH) + 4610, clocks)
    assert not reset_is_true(POLICY, edge, hour[0], int(EPOCH) + 2810, clocks)
    assert not reset_is_true(POLICY, edge, hour[0], int(EPOCH) + 4610, [Offset(0, 0)])


def test_clock_that_was_set_is_noticed() -> None:
    """A step of our own clock makes times since the epoch worthless."""
    later = Instant(1001.0, 1001.0 + EPOCH + 60)
    stepped = Answer(method="GET", path="/", status=200, headers=(), sent=RAMP[0].sent, received=later, client="u")
    assert not clock_stepped(RAMP)
    assert clock_stepped([stepped])


def test_window_by_the_clock_ends_at_its_multiple() -> None:
    """A window that follows the clock ends at a multiple of its length, whenever its first request came."""
    policy = Policy.declared(LIMIT.model_copy(update={"anchor": "clock"}), {})
    edge = end_of_window(policy, RAMP)
    assert edge.earliest_s < 1010 < edge.latest_s


def test_answers_over_the_edge_prove_nothing() -> None:
    """An answer that came when the window may have been over is not inside it."""
    edge = end_of_window(POLICY, RAMP)
    assert inside(edge, RAMP)
    assert not inside(edge, [*RAMP, nth(6, sent_s=edge.earliest_s - 0.001)])


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        ("1", []),
        ("10", []),
        ("12", ["retry-after-too-long"]),
        ("0.5", ["retry-after-no-whole-number"]),
        ("-3", ["retry-after-no-whole-number"]),
        ("soon", ["retry-after-no-whole-number"]),
        ("\u0663", ["retry-after-no-whole-number"]),
        ("", ["retry-after-no-whole-number"]),
    ],
)
def test_retry_after_is_bounded_by_the_window(value: str, cause: list[str]) -> None:
    """Retry-After is whole seconds and not longer than the window lasts."""
    rejection = make(BEGAN, BEGAN, 429, Retry_After=value)
    assert causes(judge_retry_after(POLICY, [rejection], end_of_window(POLICY, RAMP))) == cause


def told(left_s: float, *, ahead_s: float = 0.0, old: bool = False) -> Answer:
    """Return a rejection that names the date in so many seconds by the server's clock, which may be ahead."""
    now_s = BEGAN + EPOCH + ahead_s
    until, date = (formatdate(math.ceil(now_s + left_s), usegmt=True), formatdate(math.floor(now_s) - old, usegmt=True))
    return make(BEGAN, BEGAN, 429, Retry_After=until, Date=date)


@given(st.floats(0.01, 9.99), st.sampled_from([0.0, 3600.0, -86_400.0]), st.booleans())
def test_retry_after_may_be_a_date(left_s: float, ahead_s: float, old: bool) -> None:
    """A date is true by the server's own clock, however far off it is and however old its Date."""
    edge = Edge(BEGAN + left_s, BEGAN + left_s)
    assert judge_retry_after(POLICY, [told(left_s, ahead_s=ahead_s, old=old)], edge) == []
    wait = read_wait(told(left_s, ahead_s=ahead_s, old=old))
    assert isinstance(wait, Wait)
    assert wait.least_s - 1 <= left_s <= wait.most_s
    late = told(left_s + 4, ahead_s=ahead_s, old=old)
    assert causes(judge_retry_after(POLICY, [late], edge)) == ["retry-after-too-long"]


@pytest.mark.parametrize(
    ("value", "date", "cause"),
    [
        ("Thu, 01 Jan 1970 00:00:09 GMT", "Thu, 01 Jan 1970 00:00:01 GMT", []),
        ("Thu, 01 Jan 1970 00:00:01 GMT", "Thu, 01 Jan 1970 00:00:09 GMT", []),  # at once, which is tried
        ("Thu, 01 Jan 1970 00:00:09 GMT", "", ["retry-after-a-date-beside-no-date"]),
        ("Fri, 01 Jan 1970 00:00:09 GMT", "Thu, 01 Jan 1970 00:00:01 GMT", ["retry-after-no-whole-number"]),
        ("Thursday, 01-Jan-70 00:00:09 GMT", "Thu, 01 Jan 1970 00:00:01 GMT", ["retry-after-no-whole-number"]),
        ("Thu, 01 Jan 1970 00:00:09 +0000", "Thu, 01 Jan 1970 00:00:01 GMT", ["retry-after-no-whole-number"]),
        ("1970-01-01T00:00:09Z", "Thu, 01 Jan 1970 00:00:01 GMT", ["retry-after-no-whole-number"]),
        ("Fri, 31 Dec 9999 23:59:59 GMT", "Thu, 01 Jan 1970 00:00:01 GMT", ["retry-after-too-long"]),
    ],
)
def test_a_date_has_one_form_and_needs_another(value: str, date: str, cause: list[str]) -> None:
    """Servers write dates in one form, and say what their clock is; a date that is over asks for no wait."""
    rejection = make(BEGAN, BEGAN, 429, Retry_After=value, **({"Date": date} if date else {}))
    assert causes(judge_retry_after(POLICY, [rejection], Edge(BEGAN + 9, BEGAN + 9))) == cause


def test_retry_after_must_shrink_with_the_window() -> None:
    """Late in the window a whole window is too long to wait."""
    rejection = make(BEGAN + 7, None, 429, Retry_After="10")
    assert causes(judge_retry_after(POLICY, [rejection], end_of_window(POLICY, RAMP))) == ["retry-after-too-long"]


def test_knobs_of_the_profile_count() -> None:
    """The stack's variables turn the declared quota; one that limits nothing is refused."""
    assert Policy.declared(LIMIT, {"Q": "9"}).quota == 9
    for value in ("0", "-1", "2.5", "inf", "nan"):
        with pytest.raises(UsageError):
            Policy.declared(LIMIT, {"Q": value})


class HangsUp(http.server.BaseHTTPRequestHandler):
    """Answer, and hang up on a connection that is idle for half as long as we trust one."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_S / 2

    def do_GET(self) -> None:
        """Answer one request."""
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (None, "no whole answer within 0.2 s"),
        (b"", "the connection ended"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "the connection ended in the middle of an answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "the connection ended in the middle of an answer"),
        (b"SSH-2.0\r\n\r\n", "ValueError: no HTTP/1 answer: 'SSH-2.0'"),
    ],
)
def test_what_is_no_answer_is_told_in_words(said: bytes | None, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A target that hangs, hangs up, stops in the middle or speaks something else: each is told as that."""
    if said is None:  # the others need not be in a hurry
        monkeypatch.setattr("seatrial.throttle._wire.ANSWER_S", 0.2)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said or b"")
        if said is None:
            await reader.read()  # until the client gives up
        writer.close()

    async def talk() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        wire = Wire(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", name="u", headers={})
        try:
            await wire.send("GET", "/a")
        finally:
            server.close()

    with pytest.raises(WireError) as caught:
        asyncio.run(talk())
    assert str(caught.value) == f"GET /a: {why}"


def test_idle_connection_is_opened_anew() -> None:
    """A server that hangs up on idle connections, as all do, costs the proof no answer."""

    async def talk(url: str) -> list[int]:
        wire = Wire(url, name="u", headers={})
        statuses = [(await wire.send("GET", "/")).status]
        await asyncio.sleep(IDLE_S * 1.1)
        statuses.append((await wire.send("GET", "/")).status)
        await wire.close()
        return statuses

    with in_thread(HangsUp) as url:
        assert asyncio.run(talk(url)) == [200, 200]


async def released_at(method: str) -> tuple[bytes, bytes, Answer]:
    """Return what a server has of a request before its release, and behind it, with the answer."""
    came: asyncio.Queue[bytes] = asyncio.Queue()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            came.put_nowait(data)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" if data[:1] == b"\n" else b"")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    wire = Wire(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", name="u", headers={}, body=b"{}")
    await wire.begin(method, "/")
    before = await came.get()
    wire.release()
    answer = await wire.finish(method, "/")
    behind = await came.get()
    await wire.close()
    server.close()
    return before, behind, answer


@pytest.mark.parametrize(("method", "rest"), [("GET", b"\n"), ("POST", b"\n{}")])
def test_what_is_begun_is_no_request_before_its_release(method: str, rest: bytes) -> None:
    """The head lacks its last byte until then, also where a body follows: limiters act on heads."""
    before, behind, answer = asyncio.run(released_at(method))
    assert before.startswith(f"{method} / HTTP/1.1\r\n".encode())
    assert before.endswith(b"\r\n\r")
    assert behind == rest
    assert answer.status == 200
    assert answer.sent.s <= answer.received.s


class Hosts(HangsUp):
    """A server that answers with what a request names as its host."""

    def do_GET(self) -> None:
        """Say so."""
        said = self.headers["Host"].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)


def test_another_way_to_the_service_shows_in_no_request() -> None:
    """Whoever comes by a relay names the same host as everybody: nothing else may differ between two clients."""

    async def talk(via: str) -> str:
        wire = Wire("http://127.0.0.1:9", name="u", headers={}, via=via, address="127.7.7.7")
        answer = await wire.send("GET", "/")
        await wire.close()
        return answer.body

    with in_thread(Hosts) as via:
        assert asyncio.run(talk(via)) == "127.0.0.1:9"


def test_plan_says_what_cannot_be_proved() -> None:
    """A window that does not fit, a single address and another algorithm each leave claims open, with a reason."""
    assert plan_proof(POLICY, budget_s=20, addresses=2).no_window == ""
    short = plan_proof(POLICY, budget_s=12, addresses=2, profile="quick").no_window
    assert "does not fit" in short
    assert "quick profile" in short
    assert plan_proof(POLICY, budget_s=20, addresses=0).no_addresses
    assert plan_proof(POLICY, budget_s=20, addresses=0, alike="no relay").no_addresses == "no relay"
    sliding = Policy.declared(LIMIT.model_copy(update={"algorithm": "token-bucket"}), {})
    assert "token-bucket" in plan_proof(sliding, budget_s=20, addresses=2).no_edges
    huge = Policy.declared(LIMIT, {"Q": "1000000"})
    assert "requests" in plan_proof(huge, budget_s=20, addresses=2).no_proof


def test_defect_outweighs_what_is_left_open() -> None:
    """A certain defect fails its claim even when something else of it is undecided; what was not tried never passes."""
    plan, ledger = plan_proof(POLICY, budget_s=20, addresses=2), Ledger()
    assert judge_outcome("quota-exact", POLICY, plan, ledger, "")[0] is Outcome.INCONCLUSIVE
    ledger.judge("quota-exact", [])
    assert judge_outcome("quota-exact", POLICY, plan, ledger, "")[0] is Outcome.PASSED
    assert judge_outcome("quota-exact", POLICY, plan, ledger, "the budget ended")[0] is Outcome.INCONCLUSIVE
    ledger.leave_open(["quota-exact"], "slow")
    assert judge_outcome("quota-exact", POLICY, plan, ledger, "")[0] is Outcome.INCONCLUSIVE
    ledger.judge("quota-exact", [Defect("c", "t", (RAMP[0],))] * 2)
    assert judge_outcome("quota-exact", POLICY, plan, ledger, "")[0] is Outcome.FAILED
    assert len(ledger.defects["quota-exact"]) == 1


def test_finding_names_client_and_hides_its_token() -> None:
    """A finding's fingerprint is stable, its exchanges name the client, its replay has a placeholder for the token."""
    album = Album(Target(url="http://127.0.0.1:1"))
    late = make(BEGAN + 5, status=429)
    turns = (Turn(answers=(RAMP[0],), times=6), Turn(answers=(late,), after_s=5))
    defect = Defect("c", "t", (RAMP[0], late), turns)
    finding = tell("ratelimit.quota-exact", Severity.HIGH, defect, POLICY, album)
    again = tell("ratelimit.quota-exact", Severity.HIGH, defect, POLICY, album)
    assert finding == again
    assert album.exchanges[0].request.headers == (("Authorization", "{{secret:u}}"),)
    assert "$TOKEN" in finding.replay
    assert finding.replay.startswith("sleep 5.00 & for i in $(seq 6); do curl ")
    assert "; done; wait; curl -i " in finding.replay


def test_variants_are_repeatable_and_belong_to_claims() -> None:
    """The same seed writes the same requests; each is another than the usual one, and decides a claim that exists."""
    settings = LIMIT.model_copy(
        update={"exempt": ("/health",), "path_template": "/a/{i}", "bypass_headers": ("X-Ours",)}
    )
    policy = Policy(settings=settings, quota=3, window_s=10)
    first, second = (
        [variant.write(policy, source) for variant in variants(policy)]
        for source in (random.Random(3), random.Random(3))  # noqa: S311 - repeatable on purpose
    )
    assert first == second
    assert Shape("GET", "/a") not in first
    assert {variant.claim for variant in variants(policy)} <= CLAIMS.keys()
    assert {"X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Ours"} <= {
        name for shape in first for name, _ in shape.extra
    }


def test_own_headers_are_tried_as_an_address_and_as_a_tenant() -> None:
    """A project's own header is written by strangers with an address in it, and by users with a word in it."""
    settings = LIMIT.model_copy(update={"bypass_headers": ("X-Ours",)})
    policy, source = Policy(settings=settings, quota=3, window_s=10), random.Random(3)  # noqa: S311 - repeatable
    usual = {(each.claim, each.what) for each in variants(POLICY)}
    added = [each for each in variants(policy) if (each.claim, each.what) not in usual]
    assert {(each.claim, each.who) for each in added} == {
        ("sibling-headers-ignored", "nobody"),
        ("tenant-header", "user"),
    }
    assert {name for each in added for name, _ in each.write(policy, source).extra} == {"X-Ours"}


def test_own_values_paths_and_methods_are_tried() -> None:
    """What a project declares is written as it is, with another number each time, and belongs to its claim."""
    own = {
        "bypass_values": {
            "X-Forwarded-For": ("172.16.0.{i}",),
            "x-real-ip": ("10.9.9.9",),
            "Accept": ("a/{i}",),
            "X-P": ("b",),
        },
        "bypass_paths": ("/A;v={i}",),
        "bypass_methods": ("PATCH", "HEAD"),
    }
    policy, source = Policy(settings=LIMIT.model_copy(update=own), quota=3, window_s=10), random.Random(3)  # noqa: S311 - repeatable
    usual = {(each.claim, each.what) for each in variants(POLICY)}
    added = {each.what: each for each in variants(policy) if (each.claim, each.what) not in usual}
    assert {what: (each.claim, each.who) for what, each in added.items()} == {
        "the header X-Forwarded-For: 172.16.0.{i}": ("forwarded-for-ignored", "nobody"),
        "the header x-real-ip: 10.9.9.9": ("sibling-headers-ignored", "nobody"),
        "the header Accept: a/{i}": ("client-traits", "user"),
        "the header X-P: b": ("tenant-header", "user"),
        "the path /A;v={i}": ("path-spelling", "user"),
        "the method PATCH": ("method", "user"),
    }
    written = [added["the path /A;v={i}"].write(policy, source).path for _ in range(9)]
    assert all(path.startswith("/A;v=") and path[5:].isdigit() for path in written)
    assert len(set(written)) > len(written) / 2
    assert added["the method PATCH"].write(policy, source) == Shape("PATCH", "/a")


def read(raw: bytes, method: str = "GET") -> tuple[int, str, bool]:
    """Return status, body and end of connection of an answer in bytes."""

    async def parse() -> tuple[int, str, bool]:
        reader = asyncio.StreamReader()
        reader.feed_data(raw)
        reader.feed_eof()
        status, _, body, ends = await read_answer(reader, method)
        return status, body, ends

    return asyncio.run(parse())


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", (200, "hi", False)),
        (b"HTTP/1.1 200 OK\r\n\r\nto the end", (200, "to the end", True)),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=1\r\nhi\r\n0\r\nT: 1\r\n\r\n", (200, "hi", False)),
        (b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", (204, "", True)),
    ],
)
def test_answers_are_read_in_every_framing(raw: bytes, found: tuple[int, str, bool]) -> None:
    """Length, chunks, end of connection, no body at all, and interim answers before the one that counts."""
    assert read(raw) == found


@pytest.mark.parametrize(
    "raw",
    [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\n",
     b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi"],
)  # fmt: skip
def test_broken_answers_are_no_answers(raw: bytes) -> None:
    """What is no complete HTTP is refused."""
    with pytest.raises((ValueError, EOFError)):
        read(raw)


def test_merged_claim_holds_when_it_holds_for_each() -> None:
    """Of several policies the worst outcome counts, with the policy's name; figures keep theirs apart."""
    figure = Measurement(name="ratelimit.requests", value=1, unit="count", definition="d")
    good = CheckResult(check="ratelimit.isolation", outcome=Outcome.PASSED)
    bad = CheckResult(check="ratelimit.isolation", outcome=Outcome.INCONCLUSIVE, reason="slow")
    evidences = [
        ("a", Evidence(results=(good,), measurements=(figure,), notes=("n",))),
        ("b", Evidence(results=(bad,), measurements=(figure,))),
    ]
    merged = merge(evidences)
    assert [(r.outcome, r.reason) for r in merged.results] == [(Outcome.INCONCLUSIVE, "b: slow")]
    assert [figure.name for figure in merged.measurements] == ["ratelimit.requests.a", "ratelimit.requests.b"]
    assert merged.notes == ("n",)


def test_what_was_not_tried_of_one_policy_is_noted() -> None:
    """A claim that holds for the policies that could be tried passes, and the report names the other."""
    good = CheckResult(check="ratelimit.isolation", outcome=Outcome.PASSED)
    untried = CheckResult(check="ratelimit.isolation", outcome=Outcome.NOT_TESTED, reason="one address")
    merged = merge([("a", Evidence(results=(good,))), ("token", Evidence(results=(untried,)))])
    assert [result.outcome for result in merged.results] == [Outcome.PASSED]
    assert merged.notes == ("ratelimit.isolation of token: one address",)
    alone = merge([("a", Evidence(results=(untried,))), ("token", Evidence(results=(untried,)))])
    assert [result.outcome for result in alone.results] == [Outcome.NOT_TESTED]


def test_a_body_is_sent_and_shown() -> None:
    """A POST carries the declared body as JSON, and the exchange shows it."""
    settings = LIMIT.model_copy(update={"method": "POST", "body": {"client_id": "a"}})
    received: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        received.append(head + await reader.readexactly(length))
        writer.write(b"HTTP/1.1 401 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    async def talk() -> Answer:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port, body = server.sockets[0].getsockname()[1], Policy.declared(settings, {}).body
        async with server:
            wire = Wire(f"http://127.0.0.1:{port}", name="u", headers={}, body=body)
            answer = await wire.send("POST", "/a")
            await wire.close()
        return answer

    answer = asyncio.run(talk())
    assert received[0].endswith(b'\r\n\r\n{"client_id": "a"}')
    assert b"Content-Type: application/json" in received[0]
    (shown,) = Album(Target(url="http://127.0.0.1:1")).show([answer])
    assert (shown.request.body, shown.request.headers) == (
        '{"client_id": "a"}',
        (("Content-Type", "application/json"),),
    )


def test_a_reviewer_is_told_what_is_declared_and_nothing_else() -> None:
    """What holds while the store is down stands beside the store, and what is empty nowhere."""
    more = {"store": "redis", "store_down": "closed", "batch_path": "/many"}
    told = _promises(Policy.declared(LIMIT.model_copy(update=more), {}))
    assert (told["store"], told["batch_path"]) == ("redis (closed while it is down)", "/many")
    assert not {"bypass_values", "bypass_headers", "store", "batch_path"} & _promises(POLICY).keys()
