"""The contract on a real small service: clean it passes, and each seeded defect is found where it is and only there."""

import json
import os
import re
import subprocess
import sys
import urllib.parse
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from itertools import zip_longest
from pathlib import Path

import psutil
import pytest
from contract_process import contract_service
from placeholders import normal

from seatrial.config import AuthSettings, ContractSettings, LimitSettings
from seatrial.core import Evidence, FindingStatus, Outcome, Progress, Target
from seatrial.fuzz import EngineProcess, _listen, run_contract
from seatrial.fuzz._engine import taken_apart
from seatrial.fuzz._judge import Heard
from seatrial.fuzz._messages import Order, Sent
from seatrial.http import AddressPool, IdentityPool, SigningKey

AUTH = AuthSettings(public_key_variable="K", claims={"sub": "{user}", "org": "{organisation}"})
WINDOW_S = 2.0
RUN = "fuzz-test"
EVERYTHING = (
    "crash", "drop", "lenient", "strict", "headers", "status", "media", "open", "bogus", "method", "allow", "once",
    "limited", "locked", "undead", "schema", "forgetful",
)  # fmt: skip
WITHOUT_STATE = ("crash", "drop", "lenient", "strict", "status", "media", "open", "schema")
KEY = SigningKey.generate()


def service(folder: Path, *defects: str, quota: int = 1000) -> AbstractContextManager[Target]:
    """Run the service in a process of its own."""
    return contract_service(folder, KEY, *defects, quota=quota, window_s=WINDOW_S)


def fuzz(  # noqa: PLR0913 - what a test varies
    target: Target,
    *,
    quota: int = 1000,
    kind: str = "loopback",
    key: SigningKey = KEY,
    examples: int = 5,
    budget_s: float | None = 120.0,
    processes: int | None = None,
    progress: Progress = lambda _: None,
) -> Evidence:
    """Fuzz the service as the campaign would."""
    addresses = AddressPool("loopback" if kind == "loopback" else "none", seed=1)
    return run_contract(
        ContractSettings(examples={"quick": examples}, processes=processes),
        target=target,
        identities=IdentityPool(AUTH, key=key, run=RUN, seed=1, addresses=addresses),
        limits=[LimitSettings(quota=quota, window_s=WINDOW_S, path="/items")],
        environment={},
        profile="quick",
        seed=1,
        run=RUN,
        progress=progress,
        budget_s=budget_s,
    )


def outcomes(evidence: Evidence) -> dict[str, Outcome]:
    """Return how each check ended, by the name after `contract.`."""
    return {result.check.partition(".")[2]: result.outcome for result in evidence.results}


def found(evidence: Evidence, status: FindingStatus = FindingStatus.CONFIRMED) -> set[tuple[str, str]]:
    """Return which check found something in which operation."""
    return {
        (finding.check.partition(".")[2], finding.operation)
        for result in evidence.results
        for finding in result.findings
        if finding.status is status
    }


@pytest.fixture(scope="module")
def defective(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """Return what is found in a service with a defect in almost every operation."""
    with service(tmp_path_factory.mktemp("defective"), *EVERYTHING) as target:
        return fuzz(target)


def test_clean_service_passes_below_a_tight_quota_without_addresses(tmp_path: Path) -> None:
    """A clean service passes every check, although it admits few requests and tells nobody apart by address."""
    with service(tmp_path, quota=20) as target:
        evidence = fuzz(target, quota=20, kind="none", examples=3)
    assert outcomes(evidence) == dict.fromkeys(outcomes(evidence), Outcome.PASSED)
    figures = {measurement.name: measurement.value for measurement in evidence.measurements}
    assert figures["contract.operations"] == 100
    assert figures["contract.parameters"] == 100
    assert 0 < figures["contract.statuses"] < 100
    assert figures["contract.cases"] > 100


def test_each_defect_is_found_where_it_is(defective: Evidence) -> None:
    """Of seventeen defects each is confirmed by its own check in its own operation, and there is no other finding."""
    assert found(defective) == {
        ("no-server-error", "POST /crash"),
        ("no-server-error", "POST /drop"),
        ("status-documented", "GET /status"),
        ("content-type-documented", "GET /media"),
        ("headers-documented", "GET /headers"),
        ("response-schema", "GET /items/{id}"),
        ("invalid-input-refused", "POST /lenient"),
        ("valid-input-accepted", "POST /strict"),
        ("valid-input-accepted", "GET /pages"),
        ("authentication-enforced", "GET /open"),
        ("authentication-enforced", "GET /bogus"),
        ("method-not-allowed", "GET /method"),
        ("method-not-allowed", "GET /allow"),
        ("resource-lifecycle", "GET /items/{id}"),
    }


def test_what_did_not_repeat_is_flaky(defective: Evidence) -> None:
    """A failure that was seen once and not again, when its request was repeated, is flaky and not confirmed."""
    assert found(defective, FindingStatus.FLAKY) == {("no-server-error", "GET /once")}


def test_two_defects_of_one_operation_are_two_findings(tmp_path: Path) -> None:
    """Answers of 500 differ by what they say, not by what they were given, and each defect has its own finding."""
    with service(tmp_path, "crashes") as target:
        evidence = fuzz(target)
    causes = [finding.cause for result in evidence.results for finding in result.findings]
    assert sorted(causes) == ["server-error/500/disk-full-at", "server-error/500/is-no-key"]
    assert found(evidence) == {("no-server-error", "POST /crash")}
    known = {exchange.id: exchange for exchange in evidence.exchanges}
    shown = [known[finding.steps[-1]] for result in evidence.results for finding in result.findings]
    names = sorted(len(json.loads(exchange.request.body)["name"]) for exchange in shown)
    assert names == [1, 13], "each is shown by the shortest name that shows it"


def test_what_did_not_repeat_fails_nothing(tmp_path: Path) -> None:
    """A service that broke once and never again passes, and the result still carries what was seen."""
    with service(tmp_path, "once") as target:
        evidence = fuzz(target, examples=1)
    assert found(evidence, FindingStatus.FLAKY) == {("no-server-error", "GET /once")}
    assert outcomes(evidence) == dict.fromkeys(outcomes(evidence), Outcome.PASSED)


def test_operations_that_never_answered_are_named(defective: Evidence) -> None:
    """An operation behind its limiter, and one that lets nobody in, were not reached; the limiter is told apart."""
    reasons = {result.check: result.reason for result in defective.results}
    assert outcomes(defective)["operations-reached"] is Outcome.INCONCLUSIVE
    assert reasons["contract.operations-reached"] == "never reached: GET /limited, GET /locked"
    assert outcomes(defective)["not-rate-limited"] is Outcome.INCONCLUSIVE
    assert reasons["contract.not-rate-limited"].endswith("of: GET /limited (100 %)")


def test_findings_show_their_requests(defective: Evidence) -> None:
    """Each finding names one to five recorded exchanges and a line to repeat it, in which no token stands."""
    known = {exchange.id: exchange for exchange in defective.exchanges}
    findings = [finding for result in defective.results for finding in result.findings]
    assert len({finding.fingerprint for finding in findings}) == len(findings)
    for finding in findings:
        assert 1 <= len(finding.evidence) <= 5
        assert {known[identifier].operation for identifier in finding.evidence}
        assert re.search(r"^curl |^ANSWER=.\(curl ", finding.replay)
        assert known[finding.steps[-1]].operation == finding.operation
        assert "eyJ" not in finding.replay
    assert not any("eyJ" in str(exchange) for exchange in defective.exchanges)
    (undead,) = [finding for finding in findings if finding.check == "contract.resource-lifecycle"]
    assert [known[i].request.method for i in undead.evidence][:3] == ["POST", "DELETE", "GET"]


def test_every_line_shows_its_defect(tmp_path: Path, require: Callable[[str], str]) -> None:
    """What people copy from the report, run by a shell with fresh tokens, gets the answer that was the defect."""
    require("curl")
    with service(tmp_path, *EVERYTHING) as target:
        evidence = fuzz(target, examples=1)
        known = {exchange.id: exchange for exchange in evidence.exchanges}
        findings = [finding for result in evidence.results for finding in result.findings]
        sure = [finding for finding in findings if finding.status is FindingStatus.CONFIRMED]
        shown = {finding.cause: last_status(finding.replay) for finding in sure}
    statuses = {finding.cause: known[finding.steps[-1]].response for finding in sure}
    assert shown == {cause: answer.status if answer else 0 for cause, answer in statuses.items()}
    assert len(shown) > 9


def last_status(script: str) -> int:
    """Return the status of the last answer that lines get, 0 for none."""
    pool = IdentityPool(AUTH, key=KEY, run="by hand", seed=2, addresses=AddressPool("none", seed=1))
    tokens = {letter: pool.lease(1)[0].headers["Authorization"].removeprefix("Bearer ") for letter in "ABC"}
    names = {f"SEATRIAL_TOKEN_ORG_{letter}": token for letter, token in tokens.items()}
    environment = {**os.environ, "NO_PROXY": "*", **names}
    done = subprocess.run(
        ["sh", "-c", script], env=environment, capture_output=True, text=True, timeout=30, check=False
    )
    return int(([0, *re.findall(r"^HTTP/1\.1 (\d{3}) ", done.stdout, re.MULTILINE)])[-1])


def test_exchanges_have_the_clock_of_this_process(defective: Evidence) -> None:
    """Exchanges of the engine's process can be put in one order with those of this one."""
    moments = [(exchange.sent_s, exchange.received_s) for exchange in defective.exchanges]
    assert all(0 < sent_s <= received_s for sent_s, received_s in moments)


def test_same_seed_sends_the_same(defective: Evidence, tmp_path: Path) -> None:
    """A second run with the same seed sends as many requests and shows the same ones."""

    def essence(evidence: Evidence) -> list[tuple[str, str, str, str]]:
        return [
            (e.operation, e.request.method, urllib.parse.urlsplit(e.request.url).path, e.request.body)
            for e in evidence.exchanges
        ]

    with service(tmp_path, *EVERYTHING) as target:
        again = fuzz(target)
    assert essence(again) == essence(defective)
    assert again.measurements == defective.measurements


def test_same_seed_sends_every_request_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not only what is shown: each request of a second run is that of the first one, byte for byte and by whom."""
    runs: list[list[Sent]] = []
    listen = EngineProcess.listen

    def keep(process: EngineProcess, order: Order, progress: Progress) -> Heard:
        heard = listen(process, order, progress)
        runs.append(heard.sent)
        return heard

    monkeypatch.setattr(EngineProcess, "listen", keep)
    for _ in range(2):
        with service(tmp_path) as target:
            fuzz(target, examples=1)
    first, second = (normal(sent) for sent in runs)
    assert len(first) > 100
    assert first == second


def test_processes_change_nothing_that_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many parts run at once, each request is the same, by the same user; so is each finding."""
    heard: list[Heard] = []
    listen = EngineProcess.listen

    def keep(process: EngineProcess, order: Order, progress: Progress) -> Heard:
        heard.append(listen(process, order, progress))
        return heard[-1]

    monkeypatch.setattr(EngineProcess, "listen", keep)
    seen = []
    for processes in (1, 3):
        with service(tmp_path, *WITHOUT_STATE) as target:
            seen.append(found(fuzz(target, examples=1, processes=processes)))
    first, second = (normal(each.sent) for each in heard)
    assert len(first) > 100
    assert not [pair for pair in zip_longest(first, second) if pair[0] != pair[1]][:3]
    assert seen[0] == seen[1]
    assert len(seen[0]) == len(WITHOUT_STATE)


WHOLE = "import seatrial.fuzz._child as child; child.taken_apart = lambda order: [order]; child.main()"


def test_parts_find_what_the_whole_does(defective: Evidence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A document that is not taken apart shows the same findings on the same seed, and no more."""
    orders: list[Order] = []
    listen = EngineProcess.listen

    def keep(process: EngineProcess, order: Order, progress: Progress) -> Heard:
        orders.append(order)
        return listen(process, order, progress)

    monkeypatch.setattr(EngineProcess, "listen", keep)
    monkeypatch.setattr(_listen, "COMMAND", (sys.executable, "-W", "ignore", "-c", WHOLE))
    with service(tmp_path, *EVERYTHING) as target:
        whole = fuzz(target)
    assert len(taken_apart(orders[0])) > 1
    assert found(whole) == found(defective)
    assert found(whole, FindingStatus.FLAKY) == found(defective, FindingStatus.FLAKY)


def test_resource_that_vanishes_is_found(tmp_path: Path) -> None:
    """A service that answers 201 and keeps nothing breaks the life of its resources."""
    with service(tmp_path, "vanish") as target:
        evidence = fuzz(target)
    assert {check for check, _ in found(evidence)} == {"resource-lifecycle"}


def test_resource_that_is_removed_is_always_looked_for(tmp_path: Path) -> None:
    """One that is served on is found although the fuzzer sends little, and its requests follow each other."""
    with service(tmp_path, "undead") as target:
        evidence = fuzz(target, examples=1)
    assert found(evidence) == {("resource-lifecycle", "GET /items/{id}")}
    assert outcomes(evidence)["resource-lifecycle"] is Outcome.FAILED


def test_resource_that_cannot_be_removed_passes_nothing(tmp_path: Path) -> None:
    """Where every removal fails, nobody saw that what is removed is gone; the reason says what was answered."""
    with service(tmp_path, "clinging") as target:
        evidence = fuzz(target, examples=1)
    (life,) = [result for result in evidence.results if result.check == "contract.resource-lifecycle"]
    assert life.outcome is Outcome.NOT_TESTED
    assert life.reason.endswith(": POST /items, DELETE /items/{id} (DELETE /items/{id} answered 409)")
    assert not found(evidence)


def test_service_that_breaks_over_what_was_removed_is_found(tmp_path: Path) -> None:
    """An answer of 500 is no sign that something is gone, but a server error like others."""
    with service(tmp_path, "brittle") as target:
        evidence = fuzz(target, examples=1)
    assert found(evidence) == {("no-server-error", "GET /items/{id}")}
    assert outcomes(evidence)["resource-lifecycle"] is Outcome.NOT_TESTED


def test_nobody_let_in_is_never_a_pass(tmp_path: Path) -> None:
    """Where no token is accepted, what was refused at the door says nothing about input, resources or credentials."""
    with service(tmp_path) as target:
        ended = outcomes(fuzz(target, key=SigningKey.generate(), examples=1))
    silent = ("operations-reached", "invalid-input-refused", "valid-input-accepted", "authentication-enforced")
    assert {ended[name] for name in silent} == {Outcome.INCONCLUSIVE}
    assert ended["resource-lifecycle"] is Outcome.NOT_TESTED


def test_stopped_engine_passes_nothing(tmp_path: Path) -> None:
    """An engine whose time is up leaves every check inconclusive, whatever it had seen, and says so in a note."""
    with service(tmp_path) as target:
        evidence = fuzz(target, budget_s=0.001)
    assert set(outcomes(evidence).values()) <= {Outcome.INCONCLUSIVE, Outcome.NOT_APPLICABLE}
    assert any(note.startswith("the fuzzer was stopped after 0.001 s") for note in evidence.notes)
    assert all("before it had sent all" in result.reason for result in evidence.results if result.reason)
    assert evidence.unfinished.startswith("the fuzzer was stopped")


def test_killed_engine_passes_nothing(tmp_path: Path) -> None:
    """When the engine's process dies, no check passes and nothing hangs; it bears the mark of the run."""
    marks: list[str | None] = []

    def kill(phase: str) -> None:
        if phase == "coverage":
            for child in psutil.Process().children():
                # One may have ended, this one too: a second part of the document comes to the phase as well.
                with suppress(psutil.Error):
                    if "seatrial.fuzz._child" in child.cmdline():
                        marks.append(child.environ().get("SEATRIAL_RUN"))
                        child.kill()

    with service(tmp_path) as target:
        evidence = fuzz(target, progress=kill)
    assert set(marks) == {RUN}
    assert set(outcomes(evidence).values()) == {Outcome.INCONCLUSIVE}
    assert all("the engine ended before its time" in result.reason for result in evidence.results)
