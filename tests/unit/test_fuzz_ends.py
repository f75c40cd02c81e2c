"""What is judged of a service that went away, that never came to an end, or that time was short for."""

from __future__ import annotations

from typing import Any

import pytest

from seatrial.core import Outcome, Target
from seatrial.fuzz import _authentication
from seatrial.fuzz._authentication import Doors, Stranger, judge_authentication
from seatrial.fuzz._evidence import Judgement
from seatrial.fuzz._judge import Heard, judge
from seatrial.fuzz._messages import NO_ANSWER, Sent, Verdict
from seatrial.openapi import Operation

READ = Operation(
    label="GET /a",
    method="GET",
    statuses=frozenset({"200"}),
    with_body=frozenset({"200"}),
    inputs=frozenset({"query:q"}),
)
LOST = Verdict(name=NO_ANSWER, title="No answer")
BROKE = Verdict(name="not_a_server_error", title="Server error")


def sent(number: int, **more: Any) -> Sent:
    """Return a request to GET /a that was answered with 200."""
    common: dict[str, Any] = {
        "operation": "GET /a", "mode": "positive", "method": "GET", "url": f"http://h/a?q={number}", "identity": "u",
        "request_headers": [], "body": b"", "at_s": float(number), "status": 200,
    }  # fmt: skip
    return Sent(number=number, **{**common, **more})


def results(heard: Heard) -> dict[str, tuple[Outcome, str]]:
    """Return how each check ended, and why."""
    judgement = judge({"GET /a": READ}, heard, limited=(), limited_percent=10)
    return {result.check.partition(".")[2]: (result.outcome, result.reason) for result in judgement.results}


def lost(*numbers: int) -> list[Sent]:
    """Return requests without an answer."""
    return [sent(number, status=0, verdicts=[LOST]) for number in numbers]


def test_no_answer_of_a_service_that_went_away_is_no_defect() -> None:
    """What it did not answer any more is not judged, nothing passes, and the request at which it went is named."""
    heard = Heard(sent=[*map(sent, range(5)), *lost(5, 6, 7)], gone=True, fatal="")
    found = results(heard)
    assert found["no-server-error"] == (
        Outcome.INCONCLUSIVE,
        "the service went away; the last request: GET http://h/a?q=5",
    )
    assert {outcome for outcome, _ in found.values()} <= {Outcome.INCONCLUSIVE, Outcome.NOT_APPLICABLE}
    assert [each.number for each in heard.last] == [2, 3, 4, 5]


def test_what_was_found_before_it_went_away_is_a_defect() -> None:
    """An error, and an answer that never came while others did, are the service's own."""
    broke = [sent(number, status=500, verdicts=[BROKE]) for number in (1, 2)]
    heard = Heard(sent=[sent(0), *broke, *lost(3, 4), sent(5), *lost(6)], gone=True, fatal="")
    judgement = judge({"GET /a": READ}, heard, limited=(), limited_percent=10)
    findings = [finding for result in judgement.results for finding in result.findings]
    assert {finding.title for finding in findings} == {"Server error (status 500)", "No answer"}
    assert results(heard)["no-server-error"][0] is Outcome.FAILED


def test_service_that_is_there_is_judged_by_what_it_did_not_answer() -> None:
    """Without a sign that it went away, no answer is a defect."""
    heard = Heard(sent=[sent(0), *lost(1, 2)], fatal="")
    assert heard.last == []
    assert results(heard)["no-server-error"][0] is Outcome.FAILED


def test_answers_that_were_cut_show_no_body() -> None:
    """A body that was not read to its end keeps no promise, whatever its media type."""
    decided = [Verdict(name="response_schema_conformance"), Verdict(name="content_type_conformance")]
    heard = Heard(sent=[sent(0, cut=True, verdicts=decided)], fatal="")
    assert results(heard)["response-schema"][0] is Outcome.INCONCLUSIVE
    assert results(heard)["content-type-documented"][0] is Outcome.PASSED


def test_strangers_do_not_ask_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where every operation hangs, the time for all of them is up, and each that nobody came to is named."""
    monkeypatch.setattr(_authentication, "LEAST_S", -1.0)
    stranger = Stranger([], target=Target(url="http://127.0.0.1:9"), limited=(), window_s=0)
    assert stranger.send(sent(0), "nobody") is None
    operation = Operation(label="GET /a", method="GET", secured=True)
    judgement = Judgement()
    judge_authentication(Doors({"GET /a": operation}, [sent(0)]), send=stranger.send, judgement=judgement, problem="")
    (result,) = judgement.results
    assert result.outcome is Outcome.INCONCLUSIVE
    assert "GET /a (no time was left to ask without credentials)" in result.reason
    assert "GET /a (no time was left to ask with made-up credentials)" in result.reason


def test_operation_that_was_sent_no_valid_input_is_not_reached() -> None:
    """Whose input cannot be made has refused what was wrong with it, which shows nothing of what it does."""
    refused = sent(0, mode="negative", status=422)
    known = Operation(label="GET /a", method="GET", statuses=frozenset({"422"}), inputs=frozenset({"query:q"}))
    judgement = judge({"GET /a": known}, Heard(sent=[refused], fatal=""), limited=(), limited_percent=10)
    (reached,) = [result for result in judgement.results if result.check == "contract.operations-reached"]
    assert (reached.outcome, reached.reason) == (Outcome.INCONCLUSIVE, "never sent valid input: GET /a")
    judgement = judge({"GET /a": known}, Heard(sent=[refused, sent(1)], fatal=""), limited=(), limited_percent=10)
    (reached,) = [result for result in judgement.results if result.check == "contract.operations-reached"]
    assert reached.outcome is Outcome.PASSED
