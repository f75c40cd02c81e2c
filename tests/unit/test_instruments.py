"""Evidence of two attempts: what was decided stays, what was not is taken from the second one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.campaign._besides import has_tenants
from seatrial.campaign._instruments import overlaid, settled, undecided
from seatrial.config import AuthSettings, IdentitySettings, Settings
from seatrial.core import CheckResult, Evidence, Outcome

CHECKS = ("ratelimit.a", "ratelimit.b", "ratelimit.c")
OUTCOMES = st.tuples(*(st.sampled_from(Outcome) for _ in CHECKS))


def evidence(outcomes: tuple[Outcome, ...], note: str) -> Evidence:
    """Return evidence with these outcomes."""
    results = zip(CHECKS, outcomes, strict=True)
    return Evidence(results=tuple(CheckResult(check=c, outcome=o, reason=note) for c, o in results), notes=(note,))


@given(first=OUTCOMES, again=OUTCOMES)
def test_what_was_undecided_and_each_new_defect_are_taken_from_the_second_attempt(
    first: tuple[Outcome, ...], again: tuple[Outcome, ...]
) -> None:
    """A defect that was seen once is not made good by a second look; a pass is taken back by a defect alone."""
    found = settled(evidence(first, "first"), evidence(again, "again"))
    for one, two, result in zip(first, again, found.results, strict=True):
        anew = one is Outcome.INCONCLUSIVE or (two is Outcome.FAILED and one is not Outcome.FAILED)
        assert (result.outcome, result.reason) == ((two, "again") if anew else (one, "first"))
    assert found.notes == ("again",)


def _worse(first: Outcome, more: Outcome) -> tuple[Outcome, str]:
    worst_first = ("failed", "inconclusive", "blocked", "passed", "not-tested", "not-applicable")
    earlier = worst_first.index(first.value) < worst_first.index(more.value)
    return (first, "first") if earlier else (more, "more")


@given(first=OUTCOMES, more=OUTCOMES)
def test_of_what_two_stages_say_of_a_check_the_worse_counts(
    first: tuple[Outcome, ...], more: tuple[Outcome, ...]
) -> None:
    """A deeper stage decides what the first one left, and takes back nothing that this found of another limit."""
    deeper = evidence(more, "more")
    found = overlaid(evidence(first, "first"), replace(deeper, results=deeper.results[1:]))
    said = {result.check: (result.outcome, result.reason) for result in found.results}
    pairs = [(first[0], "first"), *(_worse(*pair) for pair in zip(first[1:], more[1:], strict=True))]
    assert said == dict(zip(CHECKS, pairs, strict=True))
    assert found.notes == ("first", "more")


def test_undecided_names_the_checks() -> None:
    """Inconclusive ones alone are tried again: what is blocked or not tested has its reason."""
    outcomes = (Outcome.INCONCLUSIVE, Outcome.BLOCKED, Outcome.NOT_TESTED)
    assert undecided(evidence(outcomes, "why")) == {"ratelimit.a"}


ANN, BOB = (IdentitySettings(name=name, organisation=of) for name, of in (("ann", "acme"), ("bob", "globex")))


@pytest.mark.parametrize(
    ("auth", "identities", "has"),
    [
        (None, (ANN, BOB), False),
        (AuthSettings(kind="api-key"), (ANN, BOB), True),
        (AuthSettings(kind="api-key"), (ANN,), False),
        (AuthSettings(kind="api-key"), (ANN, BOB.model_copy(update={"auth": "none"})), False),
        (AuthSettings(), (ANN, BOB), False),
        (AuthSettings(claims={"org": "{organisation}"}), (), True),
    ],
)
def test_tenants_are_declared(
    auth: AuthSettings | None, identities: tuple[IdentitySettings, ...], *, has: bool
) -> None:
    """Either tokens name an organisation, or users that are declared are of two."""
    assert has_tenants(Settings(auth=auth, identities=identities)) is has
