"""Services that never come to an end, or to one too early: the fuzzer comes to its own, and passes nothing unseen."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from servers import in_process

from seatrial.config import ContractSettings
from seatrial.core import Evidence, FindingStatus, Outcome, Target
from seatrial.fuzz import _listen, run_contract
from seatrial.fuzz._bounds import LONGEST_S
from seatrial.http import AddressPool, IdentityPool, SigningKey

SERVICE = Path(__file__).parents[1] / "support" / "bad_service.py"
BUDGET_S, AMPLE_S = 3.0, 120.0
CONFIRMED = FindingStatus.CONFIRMED


@contextmanager
def service(mode: str) -> Iterator[Target]:
    """Run the service in a process of its own."""
    with in_process([sys.executable, str(SERVICE), mode], {}) as (target, _):
        yield target


def fuzz(mode: str, budget_s: float = BUDGET_S) -> tuple[Evidence, float]:
    """Fuzz the service, and return what was found and how long it took."""
    identities = IdentityPool(
        None, key=SigningKey.generate(), run="bounds", seed=1, addresses=AddressPool("none", seed=1)
    )
    with service(mode) as target:
        began_s = time.monotonic()
        evidence = run_contract(
            ContractSettings(examples={"quick": 2}),
            target=target,
            identities=identities,
            limits=[],
            environment={},
            profile="quick",
            seed=1,
            run="bounds",
            progress=lambda _: None,
            budget_s=budget_s,
        )
        return evidence, time.monotonic() - began_s


def ended(evidence: Evidence) -> dict[str, tuple[Outcome, str]]:
    """Return how each check ended and why, by the name after `contract.`."""
    return {result.check.partition(".")[2]: (result.outcome, result.reason) for result in evidence.results}


def test_body_that_never_ends_is_not_waited_for() -> None:
    """An answer that drips keeps the engine as long as one that hangs, and no longer; nothing passes."""
    evidence, took_s = fuzz("drips")
    assert took_s < BUDGET_S + 3 * LONGEST_S
    assert {outcome for outcome, _ in ended(evidence).values()} <= {Outcome.INCONCLUSIVE, Outcome.NOT_APPLICABLE}
    assert any(note.startswith("the fuzzer was stopped after 3 s") for note in evidence.notes)


@pytest.mark.long
def test_body_that_never_ends_is_no_answer() -> None:
    """Where there is time to look, an answer that drips is found as one that hangs is."""
    evidence, _ = fuzz("drips", budget_s=120.0)
    found = {(f.check, f.title) for result in evidence.results for f in result.findings if f.status is CONFIRMED}
    assert found == {("contract.no-server-error", "No answer")}


def test_engine_that_is_kept_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Headers that never end keep the engine for ever: it is ended, and nothing passes."""
    monkeypatch.setattr(_listen, "OVERTIME_S", 10.0)
    evidence, took_s = fuzz("drips-headers")
    assert took_s < BUDGET_S + 10.0 + 10.0
    outcomes = ended(evidence)
    assert {outcome for outcome, _ in outcomes.values()} <= {Outcome.INCONCLUSIVE, Outcome.NOT_APPLICABLE}
    assert "it was ended 10 s after its time was up" in outcomes["no-server-error"][1]


def test_large_answers_are_not_read_to_their_end() -> None:
    """Of 100 MB so much is read that nothing is said of the body, and a note names the operation."""
    evidence, took_s = fuzz("large", AMPLE_S)
    assert took_s < AMPLE_S
    outcomes = ended(evidence)
    assert outcomes["response-schema"] == (Outcome.INCONCLUSIVE, "no answer came whose body is documented")
    assert outcomes["content-type-documented"][0] is Outcome.PASSED
    assert "answers too large to be read to their end, so that their bodies were not judged: GET /a" in evidence.notes


def test_service_that_dies_is_not_judged() -> None:
    """Who went away broke no promise that is looked at here; its last requests are shown, and nothing passes."""
    evidence, _ = fuzz("dies", AMPLE_S)
    outcomes = ended(evidence)
    assert not [finding for result in evidence.results for finding in result.findings]
    assert {outcome for outcome, _ in outcomes.values()} <= {Outcome.INCONCLUSIVE, Outcome.NOT_APPLICABLE}
    assert "the service went away; the last request: " in outcomes["no-server-error"][1]
    shown = [note for note in evidence.notes if note.startswith("before the service went away: curl ")]
    assert len(shown) == 4


def test_service_that_says_yes_to_everything_is_found() -> None:
    """It takes invalid input, and every method."""
    evidence, _ = fuzz("yes", AMPLE_S)
    failed = {name for name, (outcome, _) in ended(evidence).items() if outcome is Outcome.FAILED}
    assert failed == {"invalid-input-refused", "method-not-allowed"}
