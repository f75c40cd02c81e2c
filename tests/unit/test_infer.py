"""The models over recorded answers: simulated limiters are recognised, and refuted as what they are not."""

import asyncio
import json
import math
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from algorithms import ALGORITHMS
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.config import StackSettings, load_settings
from seatrial.config._contradictions import contradictions
from seatrial.core import UsageError
from seatrial.throttle import Answer, Instant
from seatrial.throttle._shapes import NO_ANSWER
from seatrial.throttle.infer import Person, Task, people
from seatrial.throttle.infer._bell import Bell
from seatrial.throttle.infer._conclude import _algorithm, _instances
from seatrial.throttle.infer._discover import Inference
from seatrial.throttle.infer._early import Newcomers
from seatrial.throttle.infer._ends import told_spans
from seatrial.throttle.infer._fit import Fit, fit_all
from seatrial.throttle.infer._fixed import alike_by_chance, phased
from seatrial.throttle.infer._found import Found
from seatrial.throttle.infer._looks import Looks, tell_looks
from seatrial.throttle.infer._people import addresses
from seatrial.throttle.infer._probes import moments
from seatrial.throttle.infer._seen import Hit, Interval, Segment, ended_by_chance, simplest
from seatrial.throttle.infer._shown import lines
from seatrial.throttle.infer._told import malformed, read_told, told_windows

EPOCH = 1_700_000_000.0


class Simulation:
    """Clients of one limiter, whose requests take an uncertain time; nobody waits for a clock."""

    def __init__(self, algorithm: str, quota: int, window_s: float, seed: int, *, refused_count: bool = False) -> None:
        self.quota, self.window_s = quota, window_s
        self.random = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self.limiter = ALGORITHMS[algorithm](quota, window_s, refused_count)
        self.began_s = EPOCH + self.random.uniform(0, 3 * window_s)

    def ask(self, key: str, at_s: float) -> Hit:
        """Send one request."""
        takes_s = self.random.uniform(0.0005, 0.004)
        admitted, _, _ = self.limiter.admit(key, at_s + self.random.uniform(0, takes_s))
        return Hit(at_s, at_s + takes_s, admitted)

    def fill(self, key: str, at_s: float) -> list[Hit]:
        """Ask until the first refusal."""
        hits = [self.ask(key, at_s)]
        while hits[-1].admitted:
            hits.append(self.ask(key, hits[-1].received))
        return hits

    def plain(self, key: str, delay_s: float, *, until: float, every: float) -> Segment:
        """Use the quota up, and ask until it is back, again and again."""
        began_s = self.began_s + delay_s
        hits = self.fill(key, began_s)
        while (at_s := hits[-1].received + every * self.window_s) < began_s + until * self.window_s:
            hits += self.fill(key, at_s)
        return Segment(key, tuple(hits))

    def spread(self, key: str) -> Segment:
        """Take half the quota, the other half late in the window, and what is there after it."""
        hits: list[Hit] = []
        for share, count in ((0.0, self.quota // 2), (0.85, self.quota - self.quota // 2), (1.08, self.quota + 2)):
            at_s = self.began_s + share * self.window_s
            for _ in range(count):
                hits.append(self.ask(key, at_s))
                at_s = hits[-1].received
        return Segment(key, tuple(hits), plain=False)

    def segments(self) -> list[Segment]:
        """Return what a discovery would see."""
        phases = [self.plain(f"q{n}", n * self.window_s / 3, until=1.35, every=0.03) for n in (1, 2)]
        silent = self.plain("silent", 0.0, until=2.2, every=1.05)
        return [self.plain("first", 0.0, until=2.3, every=0.03), *phases, silent, self.spread("spread")]


def found(simulation: Simulation) -> list[Fit]:
    """Return the limiters that explain a simulation."""
    return fit_all(simulation.segments(), simulation.quota)


EXPECTED = {
    "fixed-window": ("fixed-window", "first-request"),
    "clock": ("fixed-window", "clock"),
    "per-key": ("fixed-window", "per-key"),
    "sliding-log": ("sliding-log", None),
    "sliding-counter": ("sliding-counter", "clock"),
    "token-bucket": ("token-bucket", None),
}


@pytest.mark.parametrize("algorithm", EXPECTED)
@settings(max_examples=6, deadline=None)
@given(quota=st.integers(3, 15), window_s=st.sampled_from([2.0, 5.0, 7.3, 60.0]), seed=st.integers(0, 10**6))
def test_the_true_limiter_is_never_refuted(algorithm: str, quota: int, window_s: float, seed: int) -> None:
    """Whenever the server decided between sending and receipt, the limiter that answered explains its answers."""
    simulation = Simulation(algorithm, quota, window_s, seed)
    fits = found(simulation)
    # A phase of a client's own can happen to be one that needs fewer assumptions.
    nested = {"per-key": {EXPECTED["clock"], EXPECTED["fixed-window"]}}.get(algorithm, set())
    assert {(fit.algorithm, fit.anchor) for fit in fits} & {EXPECTED[algorithm], *nested}, fits
    fit = next(fit for fit in fits if fit.algorithm == EXPECTED[algorithm][0])
    assert fit.window[0] * 0.95 <= window_s <= fit.window[1] * 1.05
    assert fit.recovered


@pytest.mark.parametrize("algorithm", EXPECTED)
@pytest.mark.parametrize("seed", range(3))
def test_others_are_refuted(algorithm: str, seed: int) -> None:
    """What is seen in a little more than two windows leaves one limiter."""
    fits = found(Simulation(algorithm, 10, 5.0, seed))
    assert [(fit.algorithm, fit.anchor) for fit in fits] == [EXPECTED[algorithm]]


@pytest.mark.parametrize("algorithm", ["sliding-log", "sliding-counter"])
def test_refusals_that_count_are_seen(algorithm: str) -> None:
    """A client that goes on asking gets nothing back, one that is silent does: that is never refuted."""
    fits = found(Simulation(algorithm, 10, 5.0, 1, refused_count=True))
    assert (algorithm, True) in {(fit.algorithm, fit.refused_count) for fit in fits}, fits


def test_a_quota_of_one_is_the_same_for_all() -> None:
    """One request a window: a fixed window, a log and a bucket cannot be told apart, and are not."""
    fits = found(Simulation("fixed-window", 1, 5.0, 1))
    assert {"fixed-window", "sliding-log", "token-bucket"} <= {fit.algorithm for fit in fits}


def test_without_a_recovery_the_window_is_open() -> None:
    """Nothing shorter than a window proves its length."""
    simulation = Simulation("fixed-window", 5, 86400.0, 1)
    fits = fit_all([simulation.plain("first", 0.0, until=0.001, every=0.0001)], 5)
    assert fits
    assert not any(fit.recovered for fit in fits)


def test_the_bucket_tells_its_rate() -> None:
    """A bucket of ten that refills two a second."""
    (fit,) = found(Simulation("token-bucket", 10, 5.0, 3))
    assert fit.rates
    assert fit.rates[0] <= 2.0 <= fit.rates[1]


@pytest.mark.parametrize(
    ("low", "high", "told", "number"),
    [(4.98, 5.02, (), 5), (59.2, 61.0, (), 60), (2.97, 3.02, (2.99,), 2.99), (0.49, 0.52, (), 0.5)],
)
def test_the_simplest_number_is_what_people_wrote(
    low: float, high: float, told: tuple[float, ...], number: float
) -> None:
    """Of the numbers that fit, the one that was told, else the roundest."""
    assert simplest(low, high, told) == pytest.approx(number)


@given(wait_s=st.floats(0.1, 1000), already=st.floats(0, 0.5))
def test_moments_go_on_for_ever_and_forwards(wait_s: float, already: float) -> None:
    """Whatever is told, questions come one after the other, and do not end."""
    moments_s = moments(0.0, already * wait_s, wait_s)
    found_s = [next(moments_s) for _ in range(200)]
    assert found_s == sorted(found_s)
    assert found_s[-1] > wait_s
    assert math.isfinite(found_s[-1])


def answer(status: int, body: str = "ok", **headers: str) -> Answer:
    """Return an answer."""
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    now = Instant(100.0, EPOCH)
    return Answer(method="GET", path="/", status=status, headers=named, sent=now, received=now, client="c", body=body)


def test_what_a_refusal_looks_like() -> None:
    """429 tells at once, other statuses when they stay, bodies when they never change back; no answer is one too."""
    assert tell_looks([answer(200), answer(429)])
    assert tell_looks([answer(200)] * 3 + [answer(503)]) is None
    assert tell_looks([answer(200)] * 3 + [answer(503)] * 2)
    reset = tell_looks([answer(200)] * 3 + [answer(NO_ANSWER)] * 2)
    assert reset
    assert reset.refused(answer(NO_ANSWER))
    looks = tell_looks([answer(200, '{"id": 1}'), answer(200, '{"id": 2}'), *[answer(200, "slow down")] * 3])
    assert looks
    assert looks.by_body
    assert looks.admitted(answer(200, '{"id": 77}'))
    assert tell_looks([answer(200, f"number {n}") for n in range(20)]) is None


@pytest.mark.parametrize(
    ("headers", "convention", "limit", "remaining"),
    [
        ({"X_RateLimit_Limit": "10", "X_RateLimit_Remaining": "9", "X_RateLimit_Reset": "1700000060"},
         "x-ratelimit-epoch", 10, 9),
        ({"X_RateLimit_Limit": "10", "X_RateLimit_Remaining": "9", "X_RateLimit_Reset": "60"},
         "x-ratelimit-delta", 10, 9),
        ({"RateLimit_Policy": '"a";q=10;w=60', "RateLimit": '"a";r=9;t=60'}, "ietf-draft-8", 10, 9),
        ({"RateLimit": "limit=10, remaining=9, reset=60"}, "ietf-draft-7", 10, 9),
        ({"RateLimit_Limit": "10", "RateLimit_Remaining": "9", "RateLimit_Reset": "60"}, "ietf-draft-6", 10, 9),
        ({"X_RateLimit_Limit": "10"}, "x-ratelimit", 10, None),
        ({"X_RateLimit_Limit": "ten"}, "x-ratelimit", None, None),
        ({"X_RateLimit_Limit": '10, 10;w=1;name="per-ip", 500;w=60', "X_RateLimit_Remaining": "9",
          "X_RateLimit_Reset": "1"}, "x-ratelimit-delta", 10, 9),
        ({"X_RateLimit_Limit": "10", "X_RateLimit_Reset": "1700000060.25"}, "x-ratelimit-epoch", 10, None),
        ({"X_RateLimit_Limit": "10", "X_RateLimit_Reset": "soon"}, "x-ratelimit-delta", 10, None),
        ({}, "none", None, None),
    ],
)  # fmt: skip
def test_headers_are_read(headers: dict[str, str], convention: str, limit: int | None, remaining: int | None) -> None:
    """Each convention is known by its names and figures; what is no whole number tells nothing."""
    told = read_told(answer(200, **headers))
    assert (told.convention, told.limit, told.remaining) == (convention, limit, remaining)


@pytest.mark.parametrize(
    ("headers", "wrong"),
    [
        ({"X_RateLimit_Limit": "10", "X_RateLimit_Remaining": "-1", "X_RateLimit_Reset": "soon"},
         ["remaining", "reset"]),
        ({"X_RateLimit_Reset": "1700000060.25"}, ["reset"]),
        ({"RateLimit_Limit": "9" * 5000}, ["limit"]),
        ({"X_RateLimit_Limit": '10, 10;w=1;name="per-ip"', "X_RateLimit_Remaining": "9"}, []),
        ({"RateLimit_Limit": "10, 10;w=1, 500;w=60"}, []),
        ({"RateLimit_Limit": "10;w=1"}, ["limit"]),
        ({"RateLimit_Limit": "10, 9"}, ["limit"]),
        ({"RateLimit_Limit": "ten, 10;w=1"}, ["limit"]),
        ({"RateLimit_Limit": "10, 10;w=1", "RateLimit_Remaining": "9, 10;w=1"}, ["remaining"]),
        ({"RateLimit": "limit=10 remaining=9", "RateLimit_Policy": "10;w="}, ["ratelimit", "ratelimit-policy"]),
        ({"RateLimit": "limit=10, limit=9"}, ["ratelimit"]),
        ({"RateLimit": "limit=10, remaining=9", "RateLimit_Policy": "10;w=60"}, []),
        ({"RateLimit_Policy": '"a";q=10;w=60', "RateLimit": '"a";r=9;t=60'}, []),
        ({"RateLimit_Limit": "10", "RateLimit_Remaining": "9", "RateLimit_Policy": "10;w=60"}, []),
        ({}, []),
    ],
)  # fmt: skip
def test_malformed_headers_are_named(headers: dict[str, str], wrong: list[str]) -> None:
    """What is no whole number, or no structured field, is named by its figure, with what it says."""
    found = list(malformed(answer(429, **headers)))
    assert [word for word, _ in found] == wrong
    values = {value for _, proof in found for value in [proof.partition(": ")[2]]}
    assert values <= set(headers.values())


def test_a_header_that_is_told_twice_is_malformed() -> None:
    """Which of the two is true, nobody knows."""
    once = answer(200, X_RateLimit_Remaining="3")
    assert list(malformed(once)) == []
    twice = replace(once, headers=(*once.headers, ("x-ratelimit-remaining", "4")))
    assert list(malformed(twice)) == [("remaining", "X-RateLimit-Remaining: 3, 4")]


def test_windows_are_hinted_at_by_headers() -> None:
    """A policy's w, the first Reset and Retry-After are hints, an absurd one too: nothing is concluded from them."""
    first = answer(200, X_RateLimit_Limit="3", X_RateLimit_Remaining="2", X_RateLimit_Reset="60")
    assert told_windows([first, answer(429, Retry_After="59")]) == [60.0, 59.0]
    assert told_windows([answer(200), answer(429, Retry_After="soon")]) == []


def told(at_s: float, status: int = 200, **headers: str) -> Answer:
    """Return an answer at a time of the steady clock, which began with 1970."""
    sent, received = Instant(at_s, at_s), Instant(at_s + 0.01, at_s + 0.01)
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Answer(method="GET", path="/", status=status, headers=named, sent=sent, received=received, client="c")


@pytest.mark.parametrize("rounded", [math.ceil, math.floor, round])
def test_seconds_to_two_ends_tell_how_long_a_window_is(rounded: Callable[[float], int]) -> None:
    """However they are rounded, also where a client is still refused after the first end: enough answers are exact."""
    ends = (1003.3, 1009.3)
    asked = [(at_s, ends[at_s > ends[0]]) for at_s in (1000 + 0.37 * number for number in range(24))]
    answers = [told(at_s, 429, X_RateLimit_Reset=str(rounded(end_s - at_s))) for at_s, end_s in asked]
    assert told_spans(answers) == [(6.0, 6.0)]
    (few,) = told_spans([answers[0], answers[-1]])
    assert few[0] < 6.0 < few[1]


def test_dates_of_two_ends_tell_how_long_a_window_is() -> None:
    """Dates are cut alike; one end alone, and no header, tell nothing."""
    base = 1_700_000_000
    answers = [told(base + at_s, X_RateLimit_Reset=str(base + end)) for at_s, end in ((0.0, 3), (2.9, 3), (3.1, 9))]
    assert told_spans(answers) == [(6.0, 6.0)]
    assert told_spans(answers[:2]) == told_spans([answer(200)]) == told_spans([]) == []


def test_an_end_between_two_requests_of_one_moment_is_a_phase_too() -> None:
    """Four were admitted, of which two in the window before: no length is refuted because its phase was not tried."""
    batches = ((0.0, 4), (3.6, 4), (5.5, 2))
    hits = [
        Hit(at_s + n / 1000, at_s + n / 1000 + 0.0009, admitted=True) for at_s, count in batches for n in range(count)
    ]
    refused = Hit(5.6, 5.601, admitted=False)
    assert phased(Segment("c", (*hits, refused)), 8, 6.0)
    assert not phased(Segment("c", (*hits, Hit(5.4, 5.41, admitted=False), refused)), 11, 6.0)


def test_people_are_read() -> None:
    """Users, organisations and tokens are what they are said to be; what is no header is refused."""
    assert people(["ann@acme=Authorization: Bearer A=="]) == [Person("ann", "acme", {"Authorization": "Bearer A=="})]
    for wrong in ("ann", "=Authorization: x", "ann=Authorization", "ann=A b: c", "ann=A: b\r\nHost: x"):
        with pytest.raises(UsageError) as caught:
            people([wrong])
        assert caught.value.slug == "header-invalid"


def test_addresses_of_a_pool() -> None:
    """Distinct addresses of the network, in an order of their own; what is none, or not ours, is refused."""
    found_ = addresses("127.20.0.0/24", seed=1)
    assert len(set(found_)) == len(found_) == 64
    assert all(address.startswith("127.20.0.") and not address.endswith((".0", ".255")) for address in found_)
    assert found_ != addresses("127.20.0.0/24", seed=2)
    for wrong in ("127.20.0.0/99", "here", "192.0.2.0/24"):
        with pytest.raises(UsageError) as caught:
            addresses(wrong, seed=1)
        assert caught.value.slug == "address-pool-invalid"


def test_json_has_the_agreed_fields() -> None:
    """Exactly the fields that are documented, whatever was found."""
    empty = Found()
    empty.leave_open("quota", "why")
    fields = {
        *("algorithm", "anchor", "quota", "window_s", "burst", "refill_per_s", "replicas", "scope", "rejected_count"),
        *("status", "headers"),
    }
    assert set(empty.as_json()) == {*fields, "defects", "confidence", "requests", "seconds", "inconclusive"}
    assert set(empty.as_json()["confidence"]) == fields
    assert empty.as_json()["confidence"]["quota"] == {"how": "open", "low": None, "high": None, "requests": []}
    assert json.loads(json.dumps(empty.as_json()))["inconclusive"] == {"quota": "why"}
    assert empty.exit_code == 3
    empty.blame("race", "proof")
    assert empty.exit_code == 1
    assert Found().exit_code == 0


@pytest.mark.parametrize(("algorithm", "expected"), [("token-bucket", 1), ("fixed-window", 1), (None, None)])
def test_one_instance_is_claimed_where_one_limiter_explains_every_answer(
    algorithm: str | None, expected: int | None
) -> None:
    """What was admitted after refusals may have come back to a bucket, or have been another instance's."""
    found = Found()
    found.values["algorithm"] = algorithm
    assert _instances(found) == (expected or 2)
    assert found.values["replicas"] == expected
    assert ("replicas" in found.inconclusive) == (expected is None)


def watching(*statuses: int) -> tuple[Inference, Newcomers]:
    """Return an inference that takes a limiter for a counter, and those who come while its first client waits."""
    inference = Inference(Task(url="http://127.0.0.1:1/a"))
    inference.lab.looks = Looks((200, ""), (429, ""))
    record = inference.lab.record(inference.lab.client("first", Person()))
    for number, status in enumerate(statuses):
        since_s = 0.1 * number**1.5
        at = Instant(1000.0 + since_s, EPOCH + since_s)
        record.answers.append(
            Answer(method="GET", path="/a", status=status, headers=(), sent=at, received=at, client="first")
        )
    inference.fits = [Fit(algorithm="sliding-counter", quota=1, window=(2.0, 3.0))]
    return inference, Newcomers(inference.lab, record, 1, Bell())


def test_nobody_sharpens_a_length_before_the_first_client_is_served_again() -> None:
    """Others may be served before it; when it is due is not known until then."""
    inference, crowd = watching(200, 429, 429)
    assert (crowd.served, inference._sharpened(crowd)) == (False, set())  # noqa: SLF001 - what the watching does
    assert watching(200, 429, 200)[1].served


def test_the_last_length_stays_known_where_time_was_too_short_to_fit_one() -> None:
    """Whoever sharpens it would ask far too often by another one; nothing explains ends that are so far apart."""
    inference, _ = watching(200, 429, 200, *[429] * 9, 200, 429, 200)
    inference.lab.deadline_s = 0.0
    inference._window = (2.0, 3.0)  # noqa: SLF001 - what was known
    assert asyncio.run(asked_by(inference)) == (2.0, 3.0)
    assert inference.fits == []


async def asked_by(inference: Inference) -> Interval:
    """Return the length that somebody asks by who sharpens it, once no limiter explains what was seen any more."""
    heard: list[Callable[[], Interval]] = []

    class Crowd:
        served = True

        async def sharpen(self, window: Callable[[], Interval]) -> None:
            heard.append(window)

    await asyncio.gather(*inference._sharpened(Crowd()))  # type: ignore[arg-type]  # noqa: SLF001 - it keeps what it gets
    await inference._fit()  # noqa: SLF001 - what the watching does
    return heard[0]()


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (503, "rejection_status = 503"),
        (200, "# rejection_status: found 200"),
        (None, "# rejection_status: found that the connection just ends"),
    ],
)
def test_a_block_says_how_is_refused(status: int | None, line: str) -> None:
    """What the configuration has no word for stands there as a comment."""
    found = Found()
    for name, value in (("quota", 3), ("window_s", 10), ("scope", "address"), ("status", status)):
        found.learn(name, value, "proved")
    assert line in lines(Task(url="http://127.0.0.1/a"), found)


@pytest.mark.parametrize("people_", [(), (Person("ann"),)])
@pytest.mark.parametrize("scope", [None, "global", "token", "user", "organisation", "address"])
@pytest.mark.parametrize(
    ("algorithm", "anchor"),
    [("leaky-queue", None), ("concurrency", None), ("token-bucket", None), ("fixed-window", "clock")],
)
def test_a_block_does_not_contradict_itself(
    tmp_path: Path, people_: tuple[Person, ...], scope: str | None, algorithm: str, anchor: str | None
) -> None:
    """Whatever stayed open, somebody is limited by what is printed: `limits prove` takes it as it is."""
    found = Found()
    known = {"quota": 3, "window_s": 10, "scope": scope, "algorithm": algorithm, "anchor": anchor, "status": 503}
    for name, value in known.items():
        if value is not None:
            found.learn(name, value, "proved")
    block = "\n".join(lines(Task(url="http://127.0.0.1/a", people=people_), found)).partition("\n\n")[0]
    (tmp_path / "seatrial.toml").write_text(block, encoding="utf-8")
    (policy,) = load_settings(tmp_path / "seatrial.toml").limits
    assert [*contradictions([policy], StackSettings())] == []
    word = scope if scope in {"user", "organisation", "address"} else "user" if people_ else "address"
    assert (*policy.authenticated_by, policy.anonymous_by) == (("address",) if word == "address" else (word, "none"))
    assert "# found: None" not in block


def ending(client: str, at_s: float, width_s: float) -> Segment:
    """Return a client that was refused just before an end, and admitted just after it."""
    return Segment(client, (Hit(at_s - width_s, at_s, admitted=False), Hit(at_s, at_s, admitted=True)))


@given(st.floats(0.001, 0.2), st.integers(1, 5))
def test_ends_alike_are_the_less_an_accident_the_more_clients_met_them(width_s: float, clients: int) -> None:
    """Of one client nothing is an accident; each of the others meets the same end in twice its width of a window."""
    seen = [ending(f"client {number}", 1001.0, width_s) for number in range(clients)]
    expected = (2 * width_s / 2.0) ** (clients - 1) if clients > 1 else 0.0
    assert alike_by_chance(seen, [2.0, 2.1], ()) == pytest.approx(expected)
    whole = alike_by_chance([ending(f"{number}", 1000.0005, width_s) for number in range(clients)], [2.0], {2.0})
    assert whole == pytest.approx(expected * width_s / 2.0)


@pytest.mark.parametrize(("chance", "anchor"), [(0.0009, "clock"), (0.0011, None)])
def test_an_anchor_that_may_be_an_accident_stays_open(chance: float, anchor: str | None) -> None:
    """The algorithm and the window are known all the same."""
    found = Found()
    fit = Fit(algorithm="fixed-window", quota=8, window=(2.0, 2.0), anchor="clock", recovered=True, chance=chance)
    _algorithm(found, [fit], "3 clients, 40 requests")
    assert (found.values["algorithm"], found.values["anchor"]) == ("fixed-window", anchor)
    assert ("in 0.1% of such cases" in found.inconclusive.get("anchor", "")) is (anchor is None)


@given(st.floats(0.01, 5.0), st.integers(1, 5), st.booleans())
def test_a_window_ends_for_all_the_more_seldom_the_more_clients_there_are(
    takes_s: float, clients: int, known: bool
) -> None:
    """Each takes a part of a window, and at most all of it; without a length, what they waited for is one."""
    hits = [
        Hit(0.0, takes_s / 2, admitted=True),
        Hit(takes_s / 2, takes_s, admitted=False),
        Hit(9.0, 10.0, admitted=True),
    ]
    seen = [Segment(f"{number}", tuple(hits)) for number in range(clients)]
    length_s = 2.0 if known else 10.0
    assert ended_by_chance(seen, [2.0, 4.0] if known else []) == pytest.approx(min(1.0, takes_s / length_s) ** clients)
