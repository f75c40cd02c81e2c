"""Rollovers of a sliding counter: what they explain once, they do not explain twice within a window."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from promises import PROMISES

from seatrial.config import LimitSettings
from seatrial.throttle import Answer, Instant, Policy
from seatrial.throttle._claims import judge_quota
from seatrial.throttle._kinds import Kinds, UndecidedError
from seatrial.throttle._rollover import Rollovers, Stretch, both_turned

KINDS = Kinds(200, frozenset({429}))
BEGAN = 1000.0


def declared(algorithm: str = "sliding-counter", quota: int = 3) -> Policy:
    """Return a limit of some requests in ten seconds."""
    settings = {**PROMISES, "quota": quota, "window_s": 10, "algorithm": algorithm, "path": "/a"}
    return Policy.declared(LimitSettings.model_validate(settings), {})


COUNTER = declared()


def make(sent_s: float, received_s: float, status: int) -> Answer:
    """Return an answer with clocks."""
    sent, received = Instant(sent_s, sent_s), Instant(received_s, received_s)
    return Answer(method="GET", path="/a", status=status, headers=(), sent=sent, received=received, client="u")


def ramp(admitted: int, *, at_s: float, of: int = 6) -> list[Answer]:
    """Return the answers to a fresh client's requests."""
    times = [BEGAN + at_s + n * 0.01 for n in range(of)]
    return [make(at_s, at_s + 0.005, 200 if n < admitted else 429) for n, at_s in enumerate(times)]


@pytest.mark.parametrize(
    ("since_s", "until_s", "possible"),
    [(0.5, 0.7, True), (1.5, 2.0, False), (8.0, 9.9, False), (9.0, 10.5, True), (11.5, 19.5, False), (19.5, 20, True)],
)
def test_windows_turn_at_one_moment_or_whole_windows_apart(since_s: float, until_s: float, possible: bool) -> None:
    """Two stretches may both have a turn where they overlap, or are as far apart as windows are long."""
    one, other = Stretch(0.0, 1.0), Stretch(since_s, until_s)
    assert both_turned(COUNTER, one, other) is both_turned(COUNTER, other, one) is possible


def test_what_an_edge_explains_is_doubted_once() -> None:
    """A window ends somewhere: what is seen twice within one is no edge."""
    rollovers, log = Rollovers(), declared("sliding-log")
    assert rollovers.doubts(log, "replicas", ramp(3, at_s=0.0))
    assert not rollovers.doubts(log, "replicas", ramp(3, at_s=1.0))
    assert rollovers.doubts(log, "replicas", ramp(3, at_s=10.0))


def test_one_request_more_is_undecided_once_and_a_defect_again() -> None:
    """Windows turn once in ten seconds: whoever admits one more twice in one of them does so without."""
    rollovers = Rollovers()
    with pytest.raises(UndecidedError, match="windows turn"):
        rollovers.settle(COUNTER, "quota-exact", ramp(4, at_s=0.0), 4)
    again = ramp(4, at_s=1.0)
    assert rollovers.settle(COUNTER, "quota-exact", again, 4) == COUNTER.quota
    most = rollovers.most(COUNTER, "quota-exact", again)
    assert [defect.cause for defect in judge_quota(COUNTER, again, KINDS, how="", most=most)] == ["too-many-admitted"]


@pytest.mark.parametrize(("claim", "at_s"), [("burst-exact", 1.0), ("quota-exact", 10.0), ("quota-exact", 0.02)])
def test_another_claim_and_another_window_decide_nothing(claim: str, at_s: float) -> None:
    """What was admitted at the same turn, a window later, or for another claim, may be explained alike."""
    rollovers = Rollovers()
    for asked, since_s in (("quota-exact", 0.0), (claim, at_s)):
        with pytest.raises(UndecidedError):
            rollovers.settle(COUNTER, asked, ramp(4, at_s=since_s), 4)


@pytest.mark.parametrize(
    ("algorithm", "admitted"), [("sliding-counter", 3), ("sliding-counter", 6), ("token-bucket", 4)]
)
def test_what_is_certain_and_what_a_bucket_refills_are_settled(algorithm: str, admitted: int) -> None:
    """The quota, far more than that, and whatever other algorithms admit need no second look."""
    policy, rollovers = declared(algorithm), Rollovers()
    assert rollovers.settle(policy, "quota-exact", ramp(admitted, at_s=0.0), admitted) == policy.at_most(0.055)
    assert rollovers.needed == {}


def weigh(policy: Policy, times: Sequence[float], *, phase_s: float, whole: bool) -> list[Answer]:
    """Return what a true counter answers, whose windows turn at a phase; some want room for a whole request."""
    counts: dict[int, int] = {}
    answers = []
    for at_s in times:
        number, gone = divmod((at_s - phase_s) / policy.window_s, 1)
        estimate = counts.get(int(number) - 1, 0) * (1 - gone) + counts.get(int(number), 0)
        admitted = estimate + 1 <= policy.quota if whole else estimate < policy.quota
        counts[int(number)] = counts.get(int(number), 0) + admitted
        answers.append(make(at_s - 0.001, at_s + 0.001, 200 if admitted else 429))
    return answers


RAMPS = st.lists(
    st.tuples(st.floats(0.0, 30.0), st.lists(st.floats(0.0, 0.5), min_size=8, max_size=14)), min_size=1, max_size=6
)


@given(RAMPS, st.integers(1, 6), st.floats(0.0, 10.0), st.booleans())
def test_a_true_counter_is_never_refuted(
    ramps: list[tuple[float, list[float]]],
    quota: int,
    phase_s: float,
    whole: bool,
) -> None:
    """Whenever fresh clients ask, wherever windows turn and however room is told: nothing certain is found."""
    policy, rollovers = declared(quota=quota), Rollovers()
    for began_s, gaps in ramps:
        times = [BEGAN + began_s + sum(gaps[:n]) for n in range(1, len(gaps) + 1)]
        answers = weigh(policy, times, phase_s=phase_s, whole=whole)
        try:
            most = rollovers.settle(policy, "quota-exact", answers, KINDS.count(answers))
        except UndecidedError:
            continue
        assert judge_quota(policy, answers, KINDS, how="", most=most) == []
