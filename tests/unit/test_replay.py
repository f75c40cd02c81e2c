"""What a replay says of the last answer, and which requests it does not send."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3

from seatrial.campaign._replay import _moved, set_stage
from seatrial.config import AuthSettings, LimitSettings, LoginSettings, Settings, rejections
from seatrial.core import Exchange, Finding, Request, Response, SeatrialError, Severity
from seatrial.fuzz._judge import DECIDES
from seatrial.fuzz._replay import unsendable
from seatrial.fuzz._still import can_judge, still
from seatrial.record import Record, StackReady

DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "paths": {
        "/a/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {
                "responses": {
                    "200": {
                        "description": "d",
                        "content": {"application/json": {"schema": {"type": "object", "required": ["a"]}}},
                        "headers": {"X-A": {"required": True, "schema": {"type": "integer"}}},
                    },
                    "404": {"description": "d"},
                }
            },
        }
    },
}
JSON = {"Content-Type": "application/json"}


def finding(check: str, operation: str = "GET /a/{id}") -> Finding:
    """Return a finding of a check of the contract."""
    return Finding(check=f"contract.{check}", severity=Severity.HIGH, title="t", cause="c", operation=operation)


def then(status: int, body: str = "", url: str = "http://h/a/1") -> Exchange:
    """Return the last request of a finding; status 0 is no answer."""
    request = Request(method="GET", url=url, body=body)
    response = Response(status=status) if status else None
    return Exchange(id="x", operation="GET /a", identity="", request=request, response=response, sent_s=0, received_s=0)


def now(status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> requests.Response | None:
    """Return an answer of today; status 0 is none."""
    if not status:
        return None
    answer = requests.Response()
    answer.status_code, answer._content = status, body  # noqa: SLF001 - an answer without a server
    answer.headers.update(headers or {})
    answer.raw = urllib3.HTTPResponse(headers=headers, status=status)
    answer.request = requests.Request("GET", "http://h/a/1").prepare()
    return answer


@pytest.mark.parametrize(
    ("check", "was", "answer", "expected"),
    [
        ("no-server-error", 500, now(503), True),
        ("no-server-error", 500, now(422), False),
        ("no-server-error", 500, None, None),
        ("no-server-error", 0, None, True),
        ("no-server-error", 0, now(200), False),
        ("authentication-enforced", 200, now(204), True),
        ("authentication-enforced", 200, now(401), False),
        ("authentication-enforced", 200, now(429), None),
        ("invalid-input-refused", 200, now(201), True),
        ("invalid-input-refused", 200, now(422), False),
        ("invalid-input-refused", 200, now(401), None),
        ("invalid-input-refused", 200, now(404), None),
        ("valid-input-accepted", 422, now(422), True),
        ("valid-input-accepted", 422, now(201), False),
        ("valid-input-accepted", 422, now(409), None),
        ("method-not-allowed", 200, now(200), True),
        ("method-not-allowed", 200, now(405), True),
        ("method-not-allowed", 200, now(405, {"Allow": "GET"}), False),
        ("method-not-allowed", 200, now(404), None),
        ("resource-lifecycle", 404, now(404), True),
        ("resource-lifecycle", 404, now(200), False),
        ("resource-lifecycle", 200, now(200), True),
        ("resource-lifecycle", 200, now(410), False),
        ("resource-lifecycle", 200, now(500), None),
        ("status-documented", 203, now(203), True),
        ("status-documented", 203, now(200), False),
        ("status-documented", 203, now(404), None),
        ("response-schema", 200, now(200, JSON, b'{"b": 1}'), True),
        ("response-schema", 200, now(200, JSON, b'{"a": 1}'), False),
        ("response-schema", 200, now(404), None),
        ("response-schema", 200, now(500), None),
        ("response-schema", 200, None, None),
        ("headers-documented", 200, now(200, JSON), True),
        ("headers-documented", 200, now(200, {"X-A": "1"}), False),
        ("content-type-documented", 200, now(200, {"Content-Type": "text/plain"}), True),
        ("content-type-documented", 200, now(200, JSON), False),
    ],
)
def test_only_what_says_something_decides(
    check: str, was: int, answer: requests.Response | None, *, expected: bool | None
) -> None:
    """The answer that was the defect is the defect; what has another reason says nothing."""
    assert still(finding(check), then(was), answer, lambda: DOCUMENT) is expected


def test_an_operation_that_is_gone_from_the_document_promises_nothing() -> None:
    """What is documented no longer can be neither kept nor broken."""
    gone = finding("response-schema", "GET /b")
    assert still(gone, then(200), now(200, JSON, b"{}"), lambda: DOCUMENT) is None


def test_whatever_the_engine_finds_can_be_replayed() -> None:
    """Each promise that the fuzzer judges has a judge of replays, and credentials too; no other suite's check has."""
    assert all(can_judge(f"contract.{name}") for name, _ in DECIDES.values())
    assert can_judge("contract.authentication-enforced")
    assert not can_judge("ratelimit.quota-exact")


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (then(200, "x" * 9 + "... (9000 bytes)"), "only in part"),
        (then(200, "a\N{REPLACEMENT CHARACTER}"), "is no text"),
        (then(200, '{"refresh": "{{secret:token}}"}'), "outside its headers"),
        (then(200, url="http://h/?key={{secret:u}}"), "outside its headers"),
        (replace(then(200), request=Request(method="POST", url="http://h/", size=20_000)), "only in part"),
    ],
)
def test_what_the_record_does_not_hold_is_not_sent(step: Exchange, why: str) -> None:
    """A request that would be another one is none."""
    assert why in unsendable([then(200), step], {})
    assert unsendable([then(200)], {}) == ""
    assert unsendable([], {})


@pytest.mark.parametrize(
    ("url", "target", "becomes"),
    [
        ("http://127.0.0.1:1/a?b=http://127.0.0.1:1", "http://h:2", "http://h:2/a?b=http://127.0.0.1:1"),
        ("http://127.0.0.1:1/base/a", "http://h:2", "http://h:2/a"),
        ("http://elsewhere:9/a", "http://h:2/", "http://h:2/a"),
        ("http://127.0.0.1:1", "http://h:2", "http://h:2"),
    ],
)
def test_requests_go_to_the_service_of_today(url: str, target: str, becomes: str) -> None:
    """The stack of the run is gone, and another one has another port."""
    assert _moved(url, ["http://127.0.0.1:1", "http://127.0.0.1:1/base"], target) == becomes


NOWHERE = "http://127.0.0.1:1"
FETCHED = {
    "auth-variable-unset": AuthSettings(kind="bearer", variable="SEATRIAL_TEST_NEVER_SET"),
    "auth-login-unanswered": AuthSettings(kind="bearer", login=LoginSettings(url="/login", body={})),
    "auth-command-failed": AuthSettings(kind="bearer", command=("false",)),
}


@pytest.mark.parametrize(("fails", "auth"), FETCHED.items(), ids=FETCHED)
def test_nobodys_credentials_are_fetched_for_what_needs_none(fails: str, auth: AuthSettings, tmp_path: Path) -> None:
    """A public request goes out without a token, so none is asked for; one that held a token needs one."""
    settings, found = Settings(root=tmp_path, auth=auth), replace(finding("no-server-error"), steps=("x",))
    record = Record(tmp_path, stacks=[StackReady(variant="clean", driver="remote", url="http://h", duration_s=1)])
    public = then(500)
    record.exchanges["x"] = public
    stage = set_stage(settings, record, found, stack=NOWHERE, allow_target="")
    assert ([step.request.url for step in stage.steps], stage.secrets) == ([f"{NOWHERE}/a/1"], {})
    headers = (("Authorization", "{{secret:ann}}"),)
    record.exchanges["x"] = replace(public, identity="ann", request=replace(public.request, headers=headers))
    with pytest.raises(SeatrialError) as caught:
        set_stage(settings, record, found, stack=NOWHERE, allow_target="")
    assert caught.value.slug == fails


def test_a_limiter_rejects_as_declared_and_as_usual() -> None:
    """What stands before a service may have limits that nobody declared."""
    limit = LimitSettings.model_validate({"quota": 1, "window_s": 1.0, "path": "/a", "rejection_status": 503})
    assert rejections([limit]) == [429, 503]
    assert rejections([]) == [429]
