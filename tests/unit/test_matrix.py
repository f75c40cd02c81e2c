"""The contract's matrix: what fills which cell, whoever sent it, and what is said of those that stay empty."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from seatrial.campaign import metric_belongs, tell_matrix
from seatrial.campaign._known import NO_CREDENTIALS, directions_of
from seatrial.config import (
    AuthSettings,
    HealthSettings,
    JobSettings,
    SecuritySettings,
    Settings,
    TokenSettings,
    parse_rule,
)
from seatrial.core import (
    CheckResult,
    Documented,
    Exchange,
    Outcome,
    Request,
    Response,
    Tally,
    Verdict,
    content,
)
from seatrial.fuzz._messages import Sent
from seatrial.fuzz._tallies import tallies_of
from seatrial.fuzz.directed._known import LARGE
from seatrial.gate import collect_values, judge
from seatrial.http import AddressPool, IdentityPool, SigningKey
from seatrial.openapi import Operation, documented_in, figures, fill, filled, never_came, operations_of
from seatrial.record import (
    CheckFinished,
    ContractRead,
    ExchangeRecorded,
    ExchangesCounted,
    Record,
    Recorder,
    RunStarted,
    read_record,
)
from seatrial.reporting import write_reports

JSON = "application/json"
READ = Documented(
    operation="GET /a/{id}",
    answers=(("200", JSON), ("4XX", JSON), ("503", JSON), ("default", "")),
    inputs=("path:id", "query:q"),
    apart=("503",),
)
BATCH = Documented(operation="GET /a/batch", answers=(("200", "text/csv"), ("200", JSON), ("204", "")))
STARTED = RunStarted(
    run="r", version="1", started="s", stack="local", why_stack="w", profile="quick", seed=1, suites=("contract",)
)


def tally(operation: str = "GET /a/{id}", status: int = 200, media: str = JSON, **more: Any) -> Tally:
    """Return one answer."""
    return Tally(operation=operation, status=status, media=media, **more)


def shares(*tallies: Tally, documented: tuple[Documented, ...] = (READ, BATCH)) -> dict[str, float]:
    """Return the percentages that these answers come to."""
    return {figure.name.removeprefix("contract."): figure.value for figure in figures(fill(documented, tallies))}


@pytest.mark.parametrize(
    ("answer", "filled_cells", "others"),
    [
        (tally(), [("200", JSON)], {}),
        (tally(status=404), [("4XX", JSON)], {}),
        (tally(status=418, media="text/plain"), [], {"418 text/plain": 1}),
        (tally(status=500, media="text/html"), [("default", "")], {}),
        (tally(operation="GET /a/7"), [("200", JSON)], {}),
        (tally(operation="GET /a/batch"), [], {}),
        (tally(operation="PUT /a/7"), [], {}),
        (tally(operation="GET /a/7/b"), [], {}),
    ],
)
def test_an_answer_fills_the_cell_that_documents_it(
    answer: Tally, filled_cells: list[tuple[str, str]], others: dict[str, int]
) -> None:
    """Its status, class or default, and its media type: of one operation, a path that is spelt out before others."""
    row = fill([READ, BATCH], [answer])[0]
    assert [(cell.status, cell.media) for cell in row.answers if cell.count] == filled_cells
    assert row.others == others


@pytest.mark.parametrize(
    ("documented", "came", "fills"),
    [
        ("text/csv", "text/csv", True),
        ("text/*", "text/csv", True),
        ("*/*", JSON, True),
        (JSON, "text/csv", False),
        (JSON, "", False),
        ("", JSON, True),
        ("", "", True),
    ],
)
def test_media_types_are_cells_of_their_own(documented: str, came: str, *, fills: bool) -> None:
    """A status came as it is documented only with its media type; where none is, with any."""
    one = Documented(operation="GET /a", answers=(("200", documented),))
    (row,) = fill([one], [tally(operation="GET /a", media=came)])
    assert bool(row.answers[0].count) is fills


def test_figures_count_cells() -> None:
    """Neither `default` is a status, nor what a limiter or an outage brings about a client's."""
    assert shares() == {"operations": 0, "statuses": 0, "client-statuses": 0, "parameters": 0}
    some = (tally(valid=("path:id",), count=3), tally(status=404, invalid=("path:id",)), tally(status=500))
    assert shares(*some) == {"operations": 50, "statuses": 100 / 3, "client-statuses": 40, "parameters": 50}
    assert shares(tally(status=503))["client-statuses"] == 0
    assert shares(documented=()) == {}


def test_what_never_came_is_named() -> None:
    """By operation and status, with its media type where that is another than JSON."""
    assert never_came(fill([READ, BATCH], [tally(), tally(status=400)])) == [
        "documented answers that never came: GET /a/{id} 503; GET /a/batch 200 (text/csv), 200, 204"
    ]
    assert never_came(fill([BATCH], [tally("GET /a/batch", media=m) for m in (JSON, "text/csv")])) == [
        "documented answers that never came: GET /a/batch 204"
    ]


def test_what_is_out_of_reach_counts_when_it_is_served_alone() -> None:
    """Who cannot be served in a run makes no figure smaller, and is named; statuses other than 2xx count as ever."""
    closed = replace(READ, beyond="nobody has the key")
    assert shares(documented=(closed,)) == {"statuses": 0, "client-statuses": 0, "parameters": 0}
    rows = fill([closed], [tally(status=403)])
    assert {figure.name: figure.samples for figure in figures(rows)}["contract.statuses"] == 2
    assert never_came(rows)[1:] == ["GET /a/{id} was not served: nobody has the key"]
    assert shares(tally(), documented=(closed,))["operations"] == 100


DOCUMENTS = {
    "3.1": (
        {"openapi": "3.1.0"},
        {"responses": {"200": {"content": {"application/JSON; charset=utf-8": {}, "text/csv": {}}}, "4xx": {}}},
        {("200", JSON), ("200", "text/csv"), ("4XX", "")},
    ),
    "2.0": (
        {"swagger": "2.0", "produces": [JSON, "application/xml"]},
        {"responses": {"200": {"schema": {}}, "204": {}, "default": {"schema": {}}}},
        {("200", JSON), ("200", "application/xml"), ("204", ""), ("default", JSON), ("default", "application/xml")},
    ),
    "2.0 of its own": (
        {"swagger": "2.0", "produces": [JSON]},
        {"produces": ["text/csv"], "responses": {"200": {"schema": {}}}},
        {("200", "text/csv")},
    ),
}


@pytest.mark.parametrize(("head", "operation", "answers"), DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_answers_are_read_from_documents_of_each_version(
    head: dict[str, Any], operation: dict[str, Any], answers: set[tuple[str, str]]
) -> None:
    """Media types stand without their parameters; Swagger 2.0 has them beside the answers."""
    assert operations_of({**head, "paths": {"/a": {"get": operation}}})["GET /a"].answers == answers


def test_statuses_apart_are_those_of_limiters_and_of_faults() -> None:
    """What a request alone does not bring about is known by its status."""
    operation = Operation(label="GET /a", method="GET", statuses=frozenset({"200", "429", "403", "5XX", "500"}))
    (documented,) = documented_in({"GET /a": operation}, limited=(403, 429), beyond={"GET /b": "elsewhere"})
    assert (documented.apart, documented.beyond) == (("403", "429", "500", "5XX"), "")


def sent(**more: Any) -> Sent:
    """Return a request of the fuzzer, which was served."""
    usual = {"number": 0, "operation": "GET /a", "mode": "positive", "method": "GET", "url": "http://h/a", "body": b""}
    return Sent(**{**usual, "identity": "", "request_headers": [], "at_s": 0.0, "status": 200, **more})


SIDES = {
    "held and accepted": ({"held": ["query:q", "header:x-a"]}, ("header:X-A", "query:q"), ()),
    "accepted without": ({"held": []}, (), ()),
    "invalid and accepted": ({"mode": "negative", "held": ["query:q"], "negated": ["query:q"]}, (), ()),
    "invalid and refused": ({"mode": "negative", "status": 422, "negated": ["query:q"]}, (), ("query:q",)),
    "all of a place": ({"mode": "negative", "status": 400, "negated": ["query"]}, (), ("query:q", "query:r")),
    "refused at the door": ({"mode": "negative", "status": 401, "negated": ["query:q"]}, (), ()),
}


@pytest.mark.parametrize(("more", "valid", "invalid"), SIDES.values(), ids=SIDES.keys())
def test_sides_are_those_of_inputs_that_were_held(
    more: dict[str, Any], valid: tuple[str, ...], invalid: tuple[str, ...]
) -> None:
    """An input's valid side takes a request that held it and was served, its invalid side one refused for it."""
    inputs = frozenset({"query:q", "query:r", "header:X-A"})
    operations = {"GET /a": Operation(label="GET /a", method="GET", inputs=inputs)}
    (found,) = tallies_of(operations, [sent(**more)])
    assert (found.valid, found.invalid) == (valid, invalid)


@pytest.mark.parametrize(
    ("bodies", "asked", "told"),
    [
        ({JSON}, JSON, ("body",)),
        ({JSON, "text/csv"}, f"{JSON}; charset=utf-8", (f"body:{JSON}",)),
        ({JSON, "text/*"}, "text/plain", ("body:text/*",)),
        ({JSON, "text/csv"}, "application/xml", ()),
        ({JSON, "text/csv"}, "", ()),
    ],
)
def test_a_body_of_several_media_types_is_an_input_for_each(
    bodies: set[str], asked: str, told: tuple[str, ...]
) -> None:
    """What a request shows of a body, it shows of the media type that it was sent as."""
    operation = Operation(
        label="POST /a", method="POST", inputs=frozenset({"body", "query:q"}), bodies=frozenset(bodies)
    )
    (documented,) = documented_in({"POST /a": operation})
    assert documented.inputs == (*operation.told(["body"]), "query:q")
    request = {"operation": "POST /a", "method": "POST", "request_headers": [("content-type", asked)]}
    taken, refused = sent(held=["body"], **request), sent(mode="negative", status=422, negated=["body"], **request)
    (first, second) = tallies_of({"POST /a": operation}, [taken, refused])
    assert (first.valid, second.invalid) == (told, told)


def test_methods_that_are_not_documented_fill_nothing() -> None:
    """Nor does a request without an answer, or one of no operation."""
    operations = {"GET /a": Operation(label="GET /a", method="GET")}
    assert tallies_of(operations, [sent(method="TRACE"), sent(status=0), sent(operation="GET /b")]) == ()
    media = [("Content-Type", "application/JSON; charset=utf-8")]
    (found,) = tallies_of(operations, [sent(response_headers=media), sent(number=1, response_headers=media)])
    assert (found.media, found.count) == (JSON, 2)


def exchange(id_: str, operation: str, status: int) -> ExchangeRecorded:
    """Return a recorded exchange; status 0 is no answer."""
    method, _, path = operation.partition(" ")
    answer = Response(status=status, headers=(("content-type", f"{JSON}; charset=utf-8"),)) if status else None
    request = Request(method=method, url=f"http://h{path}")
    told = Exchange(
        id=id_, operation=operation, identity="", request=request, response=answer, sent_s=0.0, received_s=1.0
    )
    return ExchangeRecorded(exchange=told)


def recorded(directory: Path, *further: CheckResult, unfinished: str = "") -> Record:
    """Write a run down in which three kinds of senders asked, and return it as it is read back."""
    with Recorder(directory) as recorder:
        recorder.emit(STARTED)
        recorder.emit(ContractRead(operations=(READ, BATCH), unfinished=unfinished))
        recorder.emit(exchange("health-1", "GET /a/7", 503))
        recorder.emit(exchange("health-2", "GET /a/7", 0))
        recorder.emit(exchange("contract-1", "GET /a/{id}", 200))
        recorder.emit(ExchangesCounted(tallies=(tally(count=5, valid=("path:id",)),), shown=("contract-1",)))
        recorder.emit(ExchangesCounted(tallies=(tally("GET /a/batch", media="text/csv", count=40),)))
        for result in further:
            recorder.emit(CheckFinished(result=result))
    return read_record(directory)


def test_every_exchange_of_a_run_counts_once(tmp_path: Path) -> None:
    """What suites recorded, what the fuzzer sent and what load counted: what a count holds is not added again."""
    read, batch = filled(recorded(tmp_path))
    assert (read.asked, read.served) == (6, 5)
    assert {cell.status: cell.count for cell in read.answers} == {"200": 5, "4XX": 0, "503": 1, "default": 0}
    assert {cell.media: cell.count for cell in batch.answers} == {"text/csv": 40, JSON: 0, "": 0}
    assert filled(Record(tmp_path)) == []


def test_the_matrix_is_told_before_anything_is_judged(tmp_path: Path) -> None:
    """Figures of the run and the names of what never came go into the record, and matrix.json keeps its schema."""
    record = recorded(tmp_path)
    with Recorder(tmp_path) as recorder:
        recorder.subscribe(record.add)
        tell_matrix(record, recorder)
    assert record.measurements["contract.operations"].value == 100
    assert any("GET /a/{id} 4XX" in note for note in record.limitations)
    write_reports(tmp_path)
    matrix = json.loads((tmp_path / "matrix.json").read_text())
    schema = json.loads((content("reports") / "schema" / "matrix-1.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(matrix)
    assert matrix["operations"][0]["requests"] == 6
    assert matrix["figures"]["statuses"]["documented"] == 6
    page = (tmp_path / "report.html").read_text()
    assert "GET /a/{id}" in page
    assert "The contract, exercised" in page


def test_a_run_without_a_document_has_no_matrix(tmp_path: Path) -> None:
    """Nothing is said of a contract that was not read."""
    with Recorder(tmp_path) as recorder:
        recorder.emit(STARTED)
        tell_matrix(Record(tmp_path), recorder)
    record = write_reports(tmp_path)
    assert (record.measurements, record.limitations) == ({}, [])
    assert not (tmp_path / "matrix.json").exists()
    assert "The contract, exercised" not in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize(
    ("metric", "suites", "whole", "started", "belongs"),
    [
        ("contract.statuses", ("contract",), False, True, False),
        ("contract.statuses", ("contract", "health"), True, True, True),
        ("contract.statuses", ("contract", "health"), True, False, False),
        ("contract.client-statuses", ("contract",), False, True, True),
        ("contract.operations", ("contract",), False, False, True),
        ("contract.operations", ("health",), False, True, False),
    ],
)
def test_gates_belong_to_runs_that_can_decide_them(
    metric: str, suites: tuple[str, ...], *, whole: bool, started: bool, belongs: bool
) -> None:
    """What takes a limiter or an outage is judged of whole runs of a stack that was started, the rest of any."""
    assert metric_belongs(metric, suites, whole=whole, started=started) is belongs


UNHEARD = CheckResult(
    check="contract.operations-reached", outcome=Outcome.INCONCLUSIVE, reason="never reached: GET /a/{id}"
)
HEARD = CheckResult(check="contract.operations-reached", outcome=Outcome.PASSED)


@pytest.mark.parametrize(
    ("result", "stopped", "doubt"),
    [(HEARD, "", ""), (UNHEARD, "", "never reached"), (HEARD, "the fuzzer was stopped", "the fuzzer was stopped")],
    ids=["heard", "unheard", "stopped"],
)
def test_a_gate_fails_only_where_the_fuzzer_was_heard(
    result: CheckResult, stopped: str, doubt: str, tmp_path: Path
) -> None:
    """Where an operation was not reached, or time was up, that too little came says nothing about the service."""
    record = recorded(tmp_path, result, unfinished=stopped)
    with Recorder(tmp_path) as recorder:
        recorder.subscribe(record.add)
        tell_matrix(record, recorder)
    (gate,) = judge([parse_rule("contract.client-statuses >= 90 %")], collect_values(record), applies=lambda _: True)
    assert gate.status is (Verdict.INCONCLUSIVE if doubt else Verdict.FAIL)
    assert doubt in gate.reason


SETTINGS = Settings(
    auth=AuthSettings(public_key_variable="K"),
    tokens=TokenSettings(path="/token", credentials={"secret": "{SECRET}"}, refresh_path="/renew"),
    security=SecuritySettings(
        body_path="/jobs",
        body_bytes=9,
        admin_path="/admin",
        admin_from=("127.77.0.0/24",),
        admin_claims={"admin": True},
    ),
    jobs=JobSettings(submit="/jobs", body={"text": "t"}),
    health=HealthSettings.model_validate(
        {"asks": ({"path": "/me"}, {"method": "POST", "path": "/me", "body": {"a": "b"}})}
    ),
)


def people(*, apart: bool) -> IdentityPool:
    """Return identities, with addresses of their own or without."""
    addresses = AddressPool("loopback" if apart else "none", seed=1)
    return IdentityPool(SETTINGS.auth, key=SigningKey.generate(), run="r", seed=1, addresses=addresses)


def test_what_the_settings_know_is_sent() -> None:
    """Credentials with the run's own secret, what follows from them, an administrator, and what users do."""
    directions = directions_of(SETTINGS, people(apart=True), {"SECRET": "s3cret"})
    known = {f"{one.method} {one.path}": one for one in directions.known}
    assert set(known) == {"GET /admin", "POST /token", "POST /jobs", "GET /me", "POST /me"}
    assert known["POST /token"].body == {"secret": "s3cret"}
    then = known["POST /token"].then
    assert then
    renewal = then({"refresh_token": "once"})
    assert renewal
    assert (renewal.path, renewal.body) == ("/renew", {"refresh_token": "once"})
    assert then({}) is then(None) is None
    assert known["GET /admin"].identity.address == "127.77.0.0"
    assert known["POST /me"].identity == known["POST /jobs"].identity
    assert (directions.beyond, directions.body_bytes) == ({}, 9)
    assert "s3cret" not in repr(directions)


def test_what_a_run_has_not_is_said() -> None:
    """Credentials of a stack that somebody else started, and administrators' addresses where all clients look alike."""
    identities = people(apart=False)
    directions = directions_of(SETTINGS, identities, None)
    reasons = {"POST /token": NO_CREDENTIALS, "POST /renew": NO_CREDENTIALS, "GET /admin": identities.alike}
    assert directions.beyond == reasons
    assert {one.path for one in directions.known} == {"/jobs", "/me"}
    assert directions_of(Settings(), identities, None).body_bytes == LARGE
