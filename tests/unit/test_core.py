"""The words: what they accept, and what they refuse."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.core import (
    Check,
    CheckResult,
    Finding,
    Measurement,
    Outcome,
    Severity,
    UsageError,
    Verdict,
    as_ours,
    combine,
    find_blocker,
    in_order,
    name_nearest,
)


def make_check(slug: str, *presupposes: str) -> Check:
    """Return a check with only what these tests look at."""
    return Check(slug=slug, title=slug, severity=Severity.LOW, suite="health", presupposes=presupposes)


@given(st.lists(st.sampled_from(Verdict)))
def test_combined_verdict_is_the_worst(verdicts: list[Verdict]) -> None:
    """Fail wins over inconclusive, inconclusive over pass; nothing that was decided at all is never a pass."""
    order = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS)
    decided = [verdict for verdict in verdicts if verdict in order]
    expected = min(decided, key=order.index, default=Verdict.INCONCLUSIVE)
    assert combine(verdicts) is expected


def test_exit_codes_differ() -> None:
    """A failed product, a broken environment and a pass are told apart by the exit code."""
    assert [v.exit_code for v in (Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE)] == [0, 1, 3]


@pytest.mark.parametrize("outcome", [o for o in Outcome if o is not Outcome.PASSED])
def test_only_a_pass_needs_no_reason(outcome: Outcome) -> None:
    """Whatever is not a pass says why."""
    with pytest.raises(ValueError, match="needs a reason"):
        CheckResult(check="health.basic", outcome=outcome)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_measurement_must_be_finite(value: float) -> None:
    """A value that is no number never reaches a gate."""
    with pytest.raises(ValueError, match="no measurement"):
        Measurement(name="load.steady.p99", value=value, unit="ms", definition="d")


def test_measurement_needs_samples() -> None:
    """No data is not zero."""
    with pytest.raises(ValueError, match="0 samples"):
        Measurement(name="load.steady.p99", value=0, unit="ms", definition="d", samples=0)


def test_fingerprint_depends_on_check_operation_and_cause_only() -> None:
    """A finding keeps its name between runs, whatever its wording and evidence."""

    def make(title: str, cause: str) -> Finding:
        return Finding(check="a.b", severity=Severity.HIGH, title=title, cause=cause, evidence=(title,))

    assert make("x", "c").fingerprint == make("y", "c").fingerprint
    assert make("x", "c").fingerprint != make("x", "d").fingerprint


@pytest.mark.parametrize("slug", ["", "health", "Health.basic", "health.", "health.a b", "health.a--b"])
def test_slug_is_area_and_noun_phrase(slug: str) -> None:
    """A slug that waivers could not name is refused."""
    with pytest.raises(UsageError, match="check slug"):
        make_check(slug)


def test_presupposed_checks_come_first() -> None:
    """Whatever order the checks are declared in, what is presupposed runs before."""
    chain = [make_check("a.one"), make_check("a.two", "a.one"), make_check("a.three", "a.two")]
    for order in itertools.permutations(chain):
        assert in_order({c.slug: c for c in order}) == ("a.one", "a.two", "a.three")


def test_a_circle_is_refused() -> None:
    """Checks that presuppose each other are a mistake of the suite, and said to be."""
    with pytest.raises(UsageError, match="circle"):
        in_order({"a.x": make_check("a.x", "a.y"), "a.y": make_check("a.y", "a.x")})


@pytest.mark.parametrize(("passed", "ended", "blocker"), [([], ["a.one"], "a.one"), (["a.one"], ["a.one"], None)])
def test_blocker_is_what_did_not_pass(passed: list[str], ended: list[str], blocker: str | None) -> None:
    """A check is blocked by what it presupposes and what ended without a pass."""
    assert find_blocker(make_check("a.two", "a.one"), passed, ended) == blocker


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ("steedy", "did you mean 'steady'? scenarios: health, steady"),
        ("zzz", "scenarios: health, steady"),
    ],
)
def test_an_unknown_name_comes_with_the_nearest(given_: str, said: str) -> None:
    """Where none is near, all are named all the same."""
    assert name_nearest(given_, iter(["health", "steady"]), called="scenarios") == said


@pytest.mark.parametrize("first", [UsageError("no such file", slug="a-slug"), ValueError("by zero")])
def test_the_error_of_a_task_among_others_tells(first: Exception) -> None:
    """What a group of tasks raised is told by the first of them, an error of ours as it is."""
    told = as_ours(ExceptionGroup("tasks", [ExceptionGroup("one of them", [first]), OSError("later")]))
    assert first.args[0] in told.what
    assert told.slug == getattr(first, "slug", "unforeseen")
