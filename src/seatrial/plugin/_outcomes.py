"""How a check says that it did not pass: exceptions that pytest understands too.

pytest.skip.Exception            pytest.fail.Exception
 ├── NotApplicable                ├── Inconclusive
 ├── NotTested                    ├── DefectsFound   carries findings
 └── Blocked                      └── Recorded       carries an instrument's result
"""

from __future__ import annotations

from typing import NoReturn, TypeVar

import httpx

# pytest.skip.Exception and pytest.fail.Exception, under the names that a type checker can follow.
from _pytest.outcomes import Failed, Skipped

from seatrial.core import CheckResult, Outcome, SeatrialError
from seatrial.core.tls import is_of_tls

Promise = TypeVar("Promise")


class NotApplicable(Skipped):
    """The stack does not promise what the check verifies."""


class NotTested(Skipped):
    """The promise exists, but this run cannot verify it."""


class Blocked(Skipped):
    """A check that this one presupposes did not pass."""


class Inconclusive(Failed):
    """The check ran and could not decide."""


class DefectsFound(Failed):
    """The check found defects; they are in the item's `Defects`."""


class Recorded(Failed):
    """An instrument decided that the check did not pass."""

    def __init__(self, result: CheckResult) -> None:
        super().__init__(result.reason, pytrace=False)
        self.result = result


class RecordedSkip(Skipped):
    """An instrument decided that the check does not count here."""

    def __init__(self, result: CheckResult) -> None:
        super().__init__(result.reason)
        self.result = result


def adopt(result: CheckResult) -> None:
    """Return for a pass; otherwise end the item as the instrument did."""
    if result.outcome in {Outcome.FAILED, Outcome.INCONCLUSIVE}:
        raise Recorded(result)
    if result.outcome is not Outcome.PASSED:
        raise RecordedSkip(result)


def not_applicable(reason: str) -> NoReturn:
    """End the item: the promise is not declared."""
    raise NotApplicable(reason)


def declared(value: Promise | None, key: str) -> Promise:
    """Return what is declared under a key (`[health] liveness`), or end the item when nothing is."""
    if value is None:
        not_applicable(f"{key} is not declared")
    return value


def not_tested(reason: str) -> NoReturn:
    """End the item: this run cannot verify the promise, and why."""
    raise NotTested(reason)


def inconclusive(reason: str) -> NoReturn:
    """End the item: it could not decide, and why."""
    raise Inconclusive(reason, pytrace=False)


KINDS: tuple[tuple[type[BaseException], Outcome], ...] = (
    (NotApplicable, Outcome.NOT_APPLICABLE),
    (NotTested, Outcome.NOT_TESTED),
    (Blocked, Outcome.BLOCKED),
    (Inconclusive, Outcome.INCONCLUSIVE),
    (DefectsFound, Outcome.FAILED),
    (AssertionError, Outcome.FAILED),
    (httpx.TransportError, Outcome.FAILED),
    (SeatrialError, Outcome.INCONCLUSIVE),
    (Skipped, Outcome.NOT_TESTED),
    (Failed, Outcome.FAILED),
)


def judge_exception(error: BaseException) -> tuple[Outcome, str]:
    """Return what an exception in a check means; one that nobody foresaw is the check's fault, not the product's."""
    reason = first_line(error)
    if isinstance(error, httpx.ConnectError) and is_of_tls(error):
        return Outcome.BLOCKED, f"no connection over TLS: {reason}"
    for kind, outcome in KINDS:
        if isinstance(error, kind):
            return outcome, f"no answer: {reason}" if kind is httpx.TransportError else reason
    return Outcome.INCONCLUSIVE, f"the check itself broke: {type(error).__name__}: {reason}"


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or its type."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
