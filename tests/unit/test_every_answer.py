"""What is judged of every answer: statuses that `default` hides, the form of errors, what they tell, traces, time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from seatrial.config import ContractSettings, ErrorSettings, TracingSettings
from seatrial.core import FindingStatus, Outcome
from seatrial.core.inside import told
from seatrial.fuzz._messages import Sent
from seatrial.fuzz.probes import Asker, Besides, Ground
from seatrial.fuzz.probes._answers import errors_discreet, errors_enveloped, status_named
from seatrial.fuzz.probes._ground import Probe
from seatrial.fuzz.probes._time import AGAIN, MOST, in_time
from seatrial.fuzz.probes._traces import trace_ids
from seatrial.openapi import Operation

TRACE = "X-Trace-ID"
LISTED = Operation(label="GET /a", method="GET", statuses=frozenset({"200", "404"}), default=True)
PLAIN = Operation(label="GET /a", method="GET", statuses=frozenset({"200", "404"}))
ONLY_DEFAULT = Operation(label="GET /a", method="GET", default=True)
STRICT, LENIENT = ContractSettings(default_covers="nothing"), ContractSettings()
DECLARED = Besides(
    errors=ErrorSettings(fields=("error.code", "error.trace"), trace_field="error.trace"),
    tracing=TracingSettings(header=TRACE),
)


def answered(status: int = 200, said: str = "{}", **more: Any) -> Sent:
    """Return a request to GET /a with its answer."""
    common: dict[str, Any] = {
        "number": 1, "operation": "GET /a", "mode": "positive", "method": "GET", "url": "http://h/a", "identity": "u",
        "request_headers": [], "body": b"", "at_s": 1.0,
    }  # fmt: skip
    return Sent(**{**common, **more}, status=status, response_body=said)


def ground_of(
    *sent: Sent,
    operation: Operation = PLAIN,
    settings: ContractSettings = LENIENT,
    besides: Besides = DECLARED,
    again: Sequence[Sent | None] = (),
) -> Ground:
    """Return what probes stand on; `again` is what is answered to what they ask."""
    left = iter(again)
    ask = Asker(
        lambda _sent, _who: next(left),
        users={},
        queries={},
        organisations={},
        identities=None,  # type: ignore[arg-type]  # nobody new is asked for
        base_url="http://h",
        limited=[429],
    )
    return Ground(
        operations={operation.label: operation},
        sent=sent,
        settings=settings,
        besides=besides,
        limited=[429],
        ask=ask,
    )


def judged(look: Probe, ground: Ground) -> tuple[list[str], Outcome | None]:
    """Return the titles of what is wrong, and the outcome where nothing was looked at."""
    seen, gap = look(ground)
    assert all(each.cause and each.steps for each in seen)
    return [each.title for each in seen], gap.outcome if gap else None


@pytest.mark.parametrize(
    ("status", "operation", "settings", "hidden"),
    [
        (200, LISTED, STRICT, False),
        (202, LISTED, LENIENT, True),
        (302, LISTED, LENIENT, False),
        (404, LISTED, STRICT, False),
        (409, LISTED, LENIENT, False),
        (409, LISTED, STRICT, True),
        (429, LISTED, STRICT, False),
        (500, LISTED, STRICT, False),
        (204, Operation(label="GET /a", method="GET", statuses=frozenset({"404"}), default=True), LENIENT, False),
        (409, Operation(label="GET /a", method="GET", statuses=frozenset({"4XX"}), default=True), STRICT, False),
    ],
)
def test_status_that_default_hides(
    status: int, operation: Operation, settings: ContractSettings, *, hidden: bool
) -> None:
    """A second success is hidden, an error where the project says so; a limiter's and the service's own are not."""
    titles, gap = judged(status_named, ground_of(answered(), answered(status), operation=operation, settings=settings))
    assert titles == ([f"answers {status}, which only `default` documents"] if hidden else [])
    assert gap is None


@pytest.mark.parametrize("operation", [PLAIN, ONLY_DEFAULT])
def test_nothing_can_hide(operation: Operation) -> None:
    """Without `default`, or with nothing else, no status is hidden by it."""
    assert judged(status_named, ground_of(answered(202), operation=operation)) == ([], Outcome.NOT_APPLICABLE)


def test_status_of_another_method_is_not_the_operation_s() -> None:
    """What a method is answered that is not documented is not judged; without anything else nothing was seen."""
    ground = ground_of(answered(405, method="PUT"), operation=LISTED, settings=STRICT)
    assert judged(status_named, ground) == ([], Outcome.NOT_TESTED)


RIGHT = '{"error": {"code": "gone", "trace": "0123456789"}}'
WITH_TRACE = {"response_headers": [("x-trace-id", "0123456789")]}


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        (answered(404, RIGHT, **WITH_TRACE), ""),
        (answered(404, "<html>", **WITH_TRACE), "is no JSON"),
        (answered(404, "[" * 100_000, **WITH_TRACE), "is no JSON"),
        (answered(404, '{"detail": "gone"}', **WITH_TRACE), "has no error.code"),
        (answered(404, '{"error": {"code": 7}}', **WITH_TRACE), "has no error.code"),
        (answered(404, RIGHT), "has another trace id in error.trace than in its header"),
    ],
)
def test_form_of_errors(answer: Sent, wrong: str) -> None:
    """An error of any operation has every field, and the trace id of its header."""
    titles, gap = judged(errors_enveloped, ground_of(answer))
    assert titles == ([f"an answer of 404 {wrong}"] if wrong else [])
    assert gap is None


@pytest.mark.parametrize(
    "answer",
    [
        answered(200, "no error"),
        answered(500, "the service's own"),
        answered(404, "", method="HEAD"),
        answered(404, '{"long": "and so on... (9000 bytes)'),
        answered(404, "cut", cut=True),
    ],
)
def test_form_is_that_of_whole_errors_of_clients(answer: Sent) -> None:
    """Good answers, breakdowns, HEAD and what was not kept whole have no form to be judged: nothing was seen then."""
    assert judged(errors_enveloped, ground_of(answer)) == ([], Outcome.NOT_TESTED)


def test_forms_and_traces_that_nobody_declared_are_not_judged() -> None:
    """Without [errors] and [tracing] there is nothing to hold an answer against."""
    ground = ground_of(answered(404, "gone"), besides=Besides())
    assert judged(errors_enveloped, ground) == ([], Outcome.NOT_APPLICABLE)
    assert judged(trace_ids, ground) == ([], Outcome.NOT_APPLICABLE)
    assert judged(in_time, ground) == ([], Outcome.NOT_APPLICABLE)


TELLING = {
    'File "/srv/x.py", line 3, in f': "a stack trace",
    "   at com.example.Main.run(Main.java:7)": "a stack trace",
    "SELECT id, name FROM books WHERE id = 7": "SQL",
    "ERROR: duplicate key value violates unique constraint books_pkey": "SQL",
    'syntax error at or near "WHERE"': "SQL",
    "cannot open /var/lib/books/index.sqlite": "a path of the server",
    r"cannot open C:\Users\books\index.txt": "a path of the server",
    "-----BEGIN RSA PRIVATE KEY-----": "a private key",
}
HARMLESS = (
    "select one from the list",
    "no such page: /app/books/7",
    "see https://example.org/usr/manual.py for more",
    "/api/v1/books/index.json was not found",
    "the field path/to/file.conf is unknown",
    "version 1.2.3 at 10:30",
)


@pytest.mark.parametrize(("text", "kind"), TELLING.items())
def test_error_that_tells_of_the_inside(text: str, kind: str) -> None:
    """Each kind of inside is found in an error of any status, unless the request held it: it is no news then."""
    assert judged(errors_discreet, ground_of(answered(500, text))) == ([f"an answer of 500 holds {kind}"], None)
    assert judged(errors_discreet, ground_of(answered(200, text))) == ([], Outcome.NOT_TESTED)
    assert judged(errors_discreet, ground_of(answered(422, text, body=text.encode()))) == ([], None)


@pytest.mark.parametrize("text", HARMLESS)
def test_error_that_tells_nothing(text: str) -> None:
    """Ordinary words, paths of the service and links are nothing of the inside."""
    assert told(text) == ""


def test_error_with_a_secret_of_the_run() -> None:
    """A secret in an error is found by the run's own register and never repeated; one that was sent is no news."""
    besides = Besides(redact=lambda text: text.replace("hunter22", "{{secret:db}}"))
    titles, _ = judged(errors_discreet, ground_of(answered(500, "no access with hunter22"), besides=besides))
    assert titles == ["an answer of 500 holds a secret"]
    given = answered(422, "hunter22 is no name", body=b'{"name": "hunter22"}')
    assert judged(errors_discreet, ground_of(given, besides=besides)) == ([], None)


def traced(trace: str, **more: Any) -> Sent:
    """Return an answer with a trace id."""
    kept = more.pop("response_headers", [])
    return answered(response_headers=[("x-trace-id", trace), *kept], **more)


@pytest.mark.parametrize(
    ("answers", "wrong"),
    [
        ([traced("0123456789"), traced("0123456780")], []),
        ([traced("0123456789"), answered(404)], ["X-Trace-ID is not there on an answer of 404"]),
        ([traced("<b>")], ["X-Trace-ID is malformed on an answer of 200"]),
        ([traced("0123456789")] * 3, ["X-Trace-ID is that of an earlier answer"]),
        ([traced("0123456789"), traced("0123456789", request_headers=[("x-trace-id", "0123456789")])], []),
        ([traced("0123456789"), traced("0123456789", response_headers=[("Age", "3")])], []),
    ],
)
def test_trace_ids(answers: list[Sent], wrong: list[str]) -> None:
    """Each answer has its own, unless the caller chose it or somebody in between kept the answer."""
    assert judged(trace_ids, ground_of(*answers)) == (wrong, None)


@pytest.mark.parametrize(
    ("again", "status"),
    [
        ([answered(elapsed_s=1.2)] * AGAIN, FindingStatus.CONFIRMED),
        ([answered(elapsed_s=1.2), answered(elapsed_s=0.2)], FindingStatus.FLAKY),
        ([answered(404, elapsed_s=1.2)], FindingStatus.FLAKY),
        ([None], FindingStatus.UNCONFIRMED),
    ],
    ids=["always slow", "slow for a moment", "not there any more", "no time left"],
)
def test_time_is_judged_by_the_fastest_answer(again: list[Sent | None], status: FindingStatus) -> None:
    """Only a request that takes too long each time is a defect: a busy machine is slow for a moment."""
    settings = ContractSettings(answers_within_s=1)
    ground = ground_of(answered(elapsed_s=0.1), answered(elapsed_s=1.5), settings=settings, again=again)
    [seen], gap = in_time(ground)
    assert (seen.status, seen.operation, gap) == (status, "GET /a", None)


def test_time_that_nobody_could_look_at_again() -> None:
    """A slow answer stays open where no other one of its kind came; operations beyond the slowest are named."""
    settings = ContractSettings(answers_within_s=1)
    ground = ground_of(answered(elapsed_s=1.5), settings=settings, again=[answered(404, elapsed_s=0.1)])
    [seen], gap = in_time(ground)
    assert (seen.status, gap) == (FindingStatus.UNCONFIRMED, None)
    labels = [f"GET /{number}" for number in range(MOST + 1)]
    slow = [answered(operation=label, elapsed_s=9.0 - number) for number, label in enumerate(labels)]
    more = {label: Operation(label=label, method="GET") for label in labels}
    ground = ground_of(*slow, settings=settings, again=[answered(elapsed_s=0.1)] * MOST)
    seen_again, gap = in_time(replace(ground, operations=more))
    assert [each.operation for each in seen_again] == labels[:MOST]
    assert gap
    assert (gap.outcome, labels[MOST] in gap.reason) == (Outcome.NOT_TESTED, True)


def test_time_that_is_kept() -> None:
    """What is answered in time is not asked again; without an answer nothing is known."""
    settings = ContractSettings(answers_within_s=1)
    assert judged(in_time, ground_of(answered(elapsed_s=0.9), settings=settings)) == ([], None)
    assert judged(in_time, ground_of(settings=settings)) == ([], Outcome.INCONCLUSIVE)
