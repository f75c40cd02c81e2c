"""Whether an answer still shows a finding: True, False, or None where it says nothing about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import requests

from seatrial.core import Exchange, Finding
from seatrial.fuzz._judge import DECIDES
from seatrial.fuzz.probes import BY_ASKING, BY_LOOKING

SUCCESS = range(200, 300)
CLIENT_ERROR = range(400, 500)
SERVER_ERROR = range(500, 600)
ABSENT = frozenset({401, 404, 409, 410, 429})
"""Answers that say of a request that it did not come to what it is about."""

NOT_ALLOWED = 405
MISSING = 404
REFUSED = frozenset({401, 403})
GONE = frozenset({403, 404, 410})
Answer = requests.Response | None
Judge = Callable[[int, Answer], bool | None]
"""Judges the answer of today, given the status of then (0: there was none)."""


def _breaks(then: int, answer: Answer) -> bool | None:
    if answer is None:
        return None if then else True
    return answer.status_code in SERVER_ERROR


def _lets_in(_then: int, answer: Answer) -> bool | None:
    return _by_status(answer, yes=SUCCESS, no=REFUSED)


def _takes_invalid(_then: int, answer: Answer) -> bool | None:
    return _by_status(answer, yes=SUCCESS, no=frozenset(CLIENT_ERROR) - ABSENT - REFUSED)


def _refuses_valid(then: int, answer: Answer) -> bool | None:
    return _by_status(answer, yes={then}, no=SUCCESS)


def _answers_any_method(_then: int, answer: Answer) -> bool | None:
    if answer is None or answer.status_code in ABSENT:
        return None
    return answer.status_code != NOT_ALLOWED or not answer.headers.get("Allow")


def _lives_wrongly(then: int, answer: Answer) -> bool | None:
    """Something made was missing, or something removed is served."""
    if then == MISSING:
        return _by_status(answer, yes={MISSING}, no=SUCCESS)
    return _by_status(answer, yes=SUCCESS, no=GONE)


def _by_status(answer: Answer, *, yes: Any, no: Any) -> bool | None:
    if answer is None:
        return None
    return True if answer.status_code in yes else (False if answer.status_code in no else None)


JUDGES: Mapping[str, Judge] = {
    "contract.no-server-error": _breaks,
    "contract.authentication-enforced": _lets_in,
    "contract.invalid-input-refused": _takes_invalid,
    "contract.valid-input-accepted": _refuses_valid,
    "contract.method-not-allowed": _answers_any_method,
    "contract.resource-lifecycle": _lives_wrongly,
}
BY_DOCUMENT = frozenset(
    f"contract.{name}"
    for name in ("status-documented", "content-type-documented", "headers-documented", "response-schema")
)
"""What the document of today is asked about."""


def can_judge(check: str) -> bool:
    """Return whether a finding of this check can be looked at again."""
    return check in JUDGES or check in BY_DOCUMENT or check in BY_ASKING or check in BY_LOOKING


def still(finding: Finding, then: Exchange, answer: Answer, document: Callable[[], Mapping[str, Any]]) -> bool | None:
    """Return whether the last answer of a finding's requests shows it still."""
    status = then.response.status if then.response else 0
    if judge := JUDGES.get(finding.check):
        return judge(status, answer)
    if answer is None or answer.status_code in ABSENT - {status}:
        return None
    failed = _breaks_document(document(), finding, answer)
    comparable = answer.status_code == status or finding.check == "contract.status-documented"
    return failed if failed or comparable else None


def _breaks_document(document: Mapping[str, Any], finding: Finding, answer: requests.Response) -> bool | None:
    """Return whether an answer is not what the document promises of its operation."""
    from seatrial.fuzz._conforms import fails  # noqa: PLC0415 - Schemathesis takes a second to import

    names = [name for name, (check, _) in DECIDES.items() if f"contract.{check}" == finding.check]
    return fails(document, finding.operation, names, answer)
