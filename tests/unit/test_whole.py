"""When the whole quota is there again: what a true limiter never shows, and what gives another one away."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from promises import PROMISES

from seatrial.config import LimitSettings
from seatrial.core import Identity
from seatrial.throttle import Answer, Instant, Policy, Wire
from seatrial.throttle._clients import UsedUp
from seatrial.throttle._kinds import Kinds
from seatrial.throttle._returns import BUCKET, COUNTER
from seatrial.throttle._whole import judge_whole
from seatrial.throttle._window import end_of_window

KINDS = Kinds(200, frozenset({429}))
BEGAN, WINDOW_S, SLACK_S = 1000.0, 10.0, 0.05
Admit = Callable[[float], bool]


def declared(algorithm: str, quota: int) -> Policy:
    """Return a limit of some requests in ten seconds."""
    settings = {**PROMISES, "quota": quota, "window_s": WINDOW_S, "algorithm": algorithm, "path": "/a"}
    return Policy.declared(LimitSettings.model_validate(settings), {})


def counter(quota: int, window_s: float, phase_s: float) -> Admit:
    """Return a sliding counter whose windows turn at a phase."""
    counts: dict[float, int] = {}

    def admit(at_s: float) -> bool:
        number, gone = divmod((at_s - phase_s) / window_s, 1)
        admitted = counts.get(number - 1, 0) * (1 - gone) + counts.get(number, 0) + 1 <= quota
        counts[number] = counts.get(number, 0) + admitted
        return admitted

    return admit


def bucket(quota: int, window_s: float) -> Admit:
    """Return a token bucket that fills in a window."""
    kept = [float(quota), 0.0]

    def admit(at_s: float) -> bool:
        left = min(quota, kept[0] + (at_s - kept[1]) * quota / window_s)
        kept[:] = [left - (left >= 1), at_s]
        return left >= 1

    return admit


def ask(admit: Admit, at_s: float, count: int, *, until_refused: bool = False) -> list[Answer]:
    """Return the answers to requests one after the other, each ten milliseconds later."""
    answers: list[Answer] = []
    while len(answers) < count and not (until_refused and answers and answers[-1].status != 200):
        decided_s = at_s + 0.01 * len(answers)
        instants = Instant(decided_s - 0.004, decided_s - 0.004), Instant(decided_s + 0.004, decided_s + 0.004)
        status = 200 if admit(decided_s) else 429
        answers.append(
            Answer(
                method="GET", path="/a", status=status, headers=(), client="u", sent=instants[0], received=instants[1]
            )
        )
    return answers


def causes(policy: Policy, admit: Admit, visits: Sequence[float]) -> list[str]:
    """Return what is found of a limiter that is used up, and asked again later, both in windows."""
    first, again = visits
    began_s = BEGAN + first * WINDOW_S
    answers = ask(admit, began_s, 3 * policy.quota + 3, until_refused=True)
    used = UsedUp(Identity(name="u"), Wire("http://127.0.0.1:1", name="u", headers={}), answers, KINDS,
                  end_of_window(policy, answers))  # fmt: skip
    later = ask(admit, answers[-1].received.s + (again - first) * WINDOW_S + SLACK_S, policy.ramp)
    return [defect.cause for defect in judge_whole(policy, used, later, surplus=0)]


@given(st.integers(1, 40), st.floats(0.0, WINDOW_S), st.sampled_from(COUNTER))
def test_a_true_counter_is_never_refuted(quota: int, phase_s: float, visits: tuple[float, float]) -> None:
    """Wherever its windows turn, nothing is found of it."""
    assert causes(declared("sliding-counter", quota), counter(quota, WINDOW_S, phase_s), visits) == []


@given(st.integers(1, 40), st.sampled_from(BUCKET))
def test_a_true_bucket_is_never_refuted(quota: int, visits: tuple[float, float]) -> None:
    """Half of it is back after half of a window, all after a whole one."""
    assert causes(declared("token-bucket", quota), bucket(quota, WINDOW_S), visits) == []


@given(st.integers(8, 40), st.floats(1.4, 1.9), st.floats(0.0, 19.0))
def test_a_counter_that_remembers_two_fifths_too_long_is_found(quota: int, times: float, phase_s: float) -> None:
    """Of four clients a quarter of a window apart one comes where its windows turn late enough."""
    policy = declared("sliding-counter", quota)
    found = [causes(policy, counter(quota, times * WINDOW_S, phase_s), visits) for visits in COUNTER]
    assert ["window-too-long"] in found


@pytest.mark.parametrize("quota", [4, 8, 40])
@pytest.mark.parametrize(("times", "cause"), [(0.5, "window-too-short"), (1.5, "window-too-long")])
def test_a_bucket_that_fills_in_another_time_is_found(quota: int, times: float, cause: str) -> None:
    """Twice as fast shows after half of a window, half as long again after a whole one."""
    policy = declared("token-bucket", quota)
    found = [causes(policy, bucket(quota, times * WINDOW_S), visits) for visits in BUCKET]
    assert [cause] in found
