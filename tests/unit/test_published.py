"""What is done about a published document, and what follows from what the fuzzer found of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from changes import between, body, query, string, taking, whole
from documents import OK, serving

from seatrial.campaign._published import Published, look_up_published
from seatrial.config import ContractSettings, ContractWaiverSettings, Settings
from seatrial.core import (
    CheckResult,
    Evidence,
    Exchange,
    Finding,
    FindingStatus,
    Outcome,
    Request,
    Severity,
    UsageError,
)
from seatrial.fuzz import OLD_PROMISES_HOLD, holds_as_served, holds_by_itself
from seatrial.fuzz._published import KEPT, LOOKED
from seatrial.openapi import canonical, operations_of, served_document
from seatrial.openapi.diff import baseline_document, check_drift, describe_waivers, still_promised

GET: dict[str, Any] = {"responses": {"200": OK}}
PUBLISHED = whole({"/a": {"get": {**taking(query()), **GET}}, "/b": {"get": GET}})


def published(folder: Path, document: dict[str, Any] = PUBLISHED, **contract: Any) -> Settings:
    """Return the settings of a project that published a document."""
    (folder / "published.json").write_text(canonical(document))
    return Settings(root=folder, contract=ContractSettings(baseline="published.json", **contract))


def changed(**paths: Any) -> dict[str, Any]:
    """Return what is served, by the names of paths."""
    return whole({f"/{name}": {"get": operation} for name, operation in paths.items()})


def looked_up(settings: Settings, served: dict[str, Any], only: tuple[str, ...] = ()) -> Published:
    """Return what is to be done where this is served."""
    with serving({"/openapi.json": json.dumps(served).encode()}) as url:
        found = look_up_published(settings, served_document(settings, url), only)
    assert found
    return found


def met(settings: Settings, served: dict[str, Any]) -> Evidence:
    """Return the outcome where the fuzzer finds nothing wrong with either document."""
    return looked_up(settings, served).judge(evidence(), lambda _document, _only: evidence())


def evidence(outcome: Outcome = Outcome.PASSED, check: str = "", reason: str = "so it is", **more: Any) -> Evidence:
    """Return what a fuzzer found: all passed, but for one check."""
    names = [f"contract.{name}" for name in (*KEPT, *LOOKED, "invalid-input-refused")]
    results = [CheckResult(check=name, outcome=Outcome.PASSED) for name in names if name != check]
    if check:
        results.append(CheckResult(check=check, outcome=outcome, reason=reason, **more))
    return Evidence(results=tuple(results))


@pytest.mark.parametrize(
    ("served", "outcome", "says"),
    [
        (PUBLISHED, Outcome.PASSED, ""),
        (changed(a={**taking(query()), **GET}, b=GET, c=GET), Outcome.PASSED, ""),
        (changed(a=GET, b=GET), Outcome.PASSED, ""),
        (changed(a=GET), Outcome.BLOCKED, "contract.no-breaking-change did not pass"),
    ],
    ids=["the same", "more", "a parameter less", "an operation less"],
)
def test_what_is_done(tmp_path: Path, served: dict[str, Any], outcome: Outcome, says: str) -> None:
    """What is served decides where it promises all of that; where the document breaks it, nothing is to be tried."""
    *_, result = met(published(tmp_path), served).results
    assert (result.check, result.outcome, result.reason) == (OLD_PROMISES_HOLD, outcome, says)


TITLE = "POST /t: body: request-length-narrowed: maxLength 200 -> maxLength 100"
RISK = "POST /t: query q: request-default-changed: a -> b"


def writing(most: int, default: str = "a") -> dict[str, Any]:
    """Return a document with an operation that takes a text of some length, and has a parameter with a default."""
    asked = taking(query(schema=string(default=default)))
    return whole({"/t": {"post": {**asked, **body(string(maxLength=most)), "responses": {"200": OK}}}})


def waiver(expires: str) -> ContractWaiverSettings:
    """Return a waiver of a shorter text."""
    return ContractWaiverSettings(
        kind="request-length-narrowed", place="POST /t", reason="r", owner="o", expires=expires
    )


@pytest.mark.parametrize(
    ("served", "contract", "breaking", "risky"),
    [
        (writing(200), {}, "passed", "passed"),
        (writing(300), {}, "passed", "passed"),
        (writing(100), {}, f"failed {TITLE}", "passed"),
        (writing(200, "b"), {}, "passed", f"failed {RISK}"),
        (writing(200, "b"), {"risky": "note"}, "passed", f"not-tested [contract] risky is noted only: {RISK}"),
        (writing(100), {"severity": {"request-length-narrowed": "risky"}}, "passed", f"failed {TITLE}"),
        (writing(100), {"waivers": (waiver("2999-12-31"),)}, "passed", "passed"),
        (
            writing(100),
            {"waivers": (waiver("2020-12-31"),)},
            f"failed {TITLE}; its waiver is over, it held until 2020-12-31 by o: r",
            "passed",
        ),
    ],
    ids=["nothing", "safe", "breaking", "risky", "noted", "decided otherwise", "waived", "waived no more"],
)
def test_what_the_documents_say(
    tmp_path: Path, served: dict[str, Any], contract: dict[str, Any], breaking: str, risky: str
) -> None:
    """What breaks and what may break are checks of their own, and each change of either is a finding."""
    results = met(published(tmp_path, writing(200), **contract), served).results
    assert [f"{result.outcome} {result.reason}".strip() for result in results[:2]] == [breaking, risky]
    for result in results[:2]:
        assert [finding.title for finding in result.findings] == [result.reason] * (result.outcome is Outcome.FAILED)
        for finding in result.findings:
            assert (finding.operation, finding.location) == ("POST /t", "published.json")


def test_what_differs_is_fuzzed(tmp_path: Path) -> None:
    """The published document is handed to the fuzzer where it promises something that is not promised any more."""
    assert looked_up(published(tmp_path), changed(a=GET, b=GET)).document == PUBLISHED


@pytest.mark.parametrize(
    ("only", "kept"), [(("GET /a",), ("GET /a",)), (("GET /a", "GET /c"), ("GET /a",)), (("GET /c",), None)]
)
def test_single_operations_are_held_as_published(
    tmp_path: Path, only: tuple[str, ...], kept: tuple[str, ...] | None
) -> None:
    """Of single operations those that were published count; where none was, what is served decides."""
    found = looked_up(published(tmp_path), changed(a=GET, b=GET, c=GET), only)
    assert (found.only if found.document else None) == kept


def test_what_was_given_up_is_not_tried(tmp_path: Path) -> None:
    """What a project decided to break is not tried, and said; so is what is waived."""
    waiver = ContractWaiverSettings(kind="operation-removed", reason="r", owner="o", expires="2999-01-01")
    ways: tuple[dict[str, Any], ...] = ({"severity": {"operation-removed": "safe"}}, {"waivers": (waiver,)})
    for settings in ways:
        *_, result = met(published(tmp_path, **settings), changed(a={**taking(query()), **GET})).results
        assert result.outcome is Outcome.NOT_TESTED
        assert "GET /b: operation-removed" in result.reason


def test_nothing_is_done_without_a_baseline() -> None:
    """Where nothing was published there is nothing to hold."""
    assert look_up_published(Settings(contract=ContractSettings()), PUBLISHED) is None
    assert look_up_published(Settings(), PUBLISHED) is None
    check_drift(Settings())


def test_a_baseline_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """It is told before anything starts."""
    with pytest.raises(UsageError, match="baseline does not exist"):
        check_drift(Settings(root=tmp_path, contract=ContractSettings(baseline="none.json")))


def test_a_baseline_that_is_no_document_is_refused(tmp_path: Path) -> None:
    """So is a file that is something else."""
    settings = published(tmp_path)
    check_drift(settings)
    (tmp_path / "published.json").write_text("{}")
    with pytest.raises(UsageError, match="it lacks `openapi`"):
        check_drift(settings)


def test_a_prefix_stands_once(tmp_path: Path) -> None:
    """What was accepted has its prefix; what was copied by hand, with its servers, gets it."""
    accepted = baseline_document(published(tmp_path, whole({"/v1/a": {"get": GET}}), prefix="/v1"))
    copied = baseline_document(
        published(tmp_path, whole({"/a": {"get": GET}}, servers=[{"url": "/old"}]), prefix="/v1")
    )
    assert [list(found["paths"]) for found in (accepted, copied) if found] == [["/v1/a"], ["/v1/a"]]


@pytest.mark.parametrize(
    ("expires", "says"),
    [
        ("2999-01-01", "operation-removed in GET /b is waived until 2999-01-01 by o: r"),
        ("2020-01-01", "the waiver of operation-removed in GET /b by o expired on 2020-01-01 and counts no more"),
    ],
)
def test_waivers_are_told(expires: str, says: str) -> None:
    """Everybody who reads the report knows of them."""
    waiver = ContractWaiverSettings(kind="operation-removed", place="GET /b", reason="r", owner="o", expires=expires)
    assert list(describe_waivers(ContractSettings(waivers=(waiver,)))) == [says]
    assert list(describe_waivers(None)) == []


def test_same_promises_follow_the_other_checks() -> None:
    """Where the documents promise the same, one that did not pass blocks; one about refusals does not."""
    broken = holds_as_served(evidence(Outcome.FAILED, "contract.response-schema"))
    assert (broken.outcome, "contract.response-schema" in broken.reason) == (Outcome.BLOCKED, True)
    assert holds_as_served(evidence(Outcome.INCONCLUSIVE, "contract.operations-reached")).outcome is Outcome.BLOCKED
    assert holds_as_served(evidence(Outcome.FAILED, "contract.invalid-input-refused")).outcome is Outcome.PASSED
    assert holds_as_served(evidence()).outcome is Outcome.PASSED


def broken(name: str, method: str = "GET") -> Evidence:
    """Return what a fuzzer found where a promise about GET /a does not hold, as a request with a method showed."""
    shown = Exchange(
        id="contract-1-7",
        operation="GET /a",
        identity="u",
        request=Request(method=method, url="http://h/a"),
        response=None,
        sent_s=0,
        received_s=1,
    )
    finding = Finding(
        check=f"contract.{name}",
        severity=Severity.HIGH,
        title="gone",
        cause="gone",
        operation="GET /a",
        evidence=(shown.id,),
        status=FindingStatus.CONFIRMED,
    )
    told = evidence(Outcome.FAILED, f"contract.{name}", "GET /a: gone", findings=(finding,))
    return Evidence(results=told.results, exchanges=(shown,))


@pytest.mark.parametrize("name", KEPT)
def test_what_clients_count_on_fails(name: str) -> None:
    """A promise that does not hold is a finding of this check, with its requests under ids of their own."""
    found = holds_by_itself(broken(name))
    [result] = found.results
    assert (result.check, result.outcome) == (OLD_PROMISES_HOLD, Outcome.FAILED)
    assert result.reason == f"of the published document, {name}: GET /a: gone"
    assert [(each.check, each.evidence) for each in result.findings] == [
        (OLD_PROMISES_HOLD, ("published-contract-1-7",))
    ]
    assert [each.id for each in found.exchanges] == ["published-contract-1-7"]


def test_methods_that_are_not_documented_promise_nothing() -> None:
    """A server that breaks on a method of no operation broke nothing that was published."""
    found = holds_by_itself(broken("no-server-error", method="QUERY"))
    assert [(result.outcome, result.findings) for result in found.results] == [(Outcome.PASSED, ())]
    assert found.exchanges == ()


def test_what_is_left_decides() -> None:
    """Where what another method shows is confirmed, and what a documented one shows is flaky, nothing is sure."""
    other, own = broken("no-server-error", method="QUERY"), broken("no-server-error")
    [confirmed] = other.results[-1].findings
    [flaky] = own.results[-1].findings
    exchange = replace(own.exchanges[0], id="contract-1-8")
    flaky = replace(flaky, status=FindingStatus.FLAKY, evidence=(exchange.id,))
    told = evidence(Outcome.FAILED, "contract.no-server-error", findings=(confirmed, flaky))
    [result] = holds_by_itself(Evidence(results=told.results, exchanges=(*other.exchanges, exchange))).results
    assert (result.outcome, len(result.findings)) == (Outcome.INCONCLUSIVE, 1)


def test_what_is_accepted_now_does_not() -> None:
    """That the service takes more than it said breaks nobody."""
    [result] = holds_by_itself(evidence(Outcome.FAILED, "contract.invalid-input-refused")).results
    assert result.outcome is Outcome.PASSED


@pytest.mark.parametrize("name", [*KEPT, *LOOKED])
def test_what_stayed_open_is_no_pass(name: str) -> None:
    """Neither is what was not reached, or not heard by a limiter."""
    [result] = holds_by_itself(evidence(Outcome.INCONCLUSIVE, f"contract.{name}", "why")).results
    assert (result.outcome, "why" in result.reason) == (Outcome.INCONCLUSIVE, True)


def test_nothing_seen_is_no_pass() -> None:
    """A run without results proves nothing."""
    [result] = holds_by_itself(Evidence()).results
    assert result.outcome is Outcome.INCONCLUSIVE


def test_old_promises_leave_out_what_went_and_let_in_what_came() -> None:
    """Operations that are gone are not called, further statuses and media types may come, other promises stay."""
    text = {"text/plain": {"schema": string()}}
    more = {**text, "text/csv": {"schema": string()}}
    old = {
        "/a/{id}": {"get": {"responses": {"200": {**OK, "content": text}, "404": OK}}},
        "/b": {"get": GET, "put": {**body(string()), "responses": {"200": OK}}},
    }
    new = {
        "/a/{key}": {"get": {"responses": {"200": {**OK, "content": more}, "202": {**OK, "content": text}}}},
        "/b": {"put": {"responses": {"200": OK}}},
    }
    case = between(old, new)
    before = json.dumps(case.old)
    found = still_promised(case.old, case.new)
    assert json.dumps(case.old) == before
    assert set(operations_of(found)) == {"GET /a/{id}", "PUT /b"}
    responses = found["paths"]["/a/{id}"]["get"]["responses"]
    assert set(responses) == {"200", "202", "404"}
    assert responses["200"]["content"] == {"text/csv": {}, **text}
    assert "content" not in responses["202"]
    assert found["paths"]["/b"]["put"]["requestBody"] == old["/b"]["put"]["requestBody"]
