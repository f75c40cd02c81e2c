"""Whether anything was seen that a promise is about: a promise that nobody looked at is never kept."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from seatrial.core import Outcome
from seatrial.fuzz._messages import Lived, Sent
from seatrial.openapi import Operation, lifecycles_of

UNAUTHENTICATED = 401
LIFECYCLE = "resource-lifecycle"
Concerns = Callable[[Sent, Operation], bool]
"""Whether an answer can show that the promise is broken."""


@dataclass(frozen=True, slots=True)
class Promise:
    """`documented`: whether an operation promises this at all; `concerns`: whether an answer is about it."""

    documented: Callable[[Operation], bool]
    undocumented: str
    concerns: Concerns
    unseen: str
    otherwise: Outcome = Outcome.INCONCLUSIVE


@dataclass(frozen=True, slots=True)
class Gap:
    """Why a promise was not looked at."""

    outcome: Outcome
    reason: str


def proper(sent: Sent, operation: Operation) -> bool:
    """Return whether a request was one of the operation, not one with a method that is not documented."""
    return sent.method == operation.method


def _always(_operation: Operation) -> bool:
    return True


def _media(sent: Sent, operation: Operation) -> bool:
    return proper(sent, operation) and operation.documented_as(sent.status) in operation.with_body


def _body(sent: Sent, operation: Operation) -> bool:
    return _media(sent, operation) and not sent.cut


def _headers(sent: Sent, operation: Operation) -> bool:
    return proper(sent, operation) and operation.documented_as(sent.status) in operation.with_headers


def _of_mode(mode: str) -> Concerns:
    """Return what looks at answers to input of a kind; who is not let in has not shown any."""
    return lambda sent, operation: (
        sent.mode == mode and proper(sent, operation) and sent.status != UNAUTHENTICATED and bool(operation.inputs)
    )


PROMISES: Mapping[str, Promise] = {
    "no-server-error": Promise(_always, "", lambda _sent, _operation: True, "no request was answered"),
    "status-documented": Promise(
        lambda operation: not operation.default,
        "every operation documents `default`, which allows any status",
        lambda sent, operation: not operation.default and proper(sent, operation),
        "no request was answered",
    ),
    "content-type-documented": Promise(
        lambda operation: bool(operation.with_body),
        "the document describes no answer's body",
        _media,
        "no answer came whose body is documented",
    ),
    "headers-documented": Promise(
        lambda operation: bool(operation.with_headers),
        "the document describes no answer's headers",
        _headers,
        "no answer came whose headers are documented",
        Outcome.NOT_TESTED,
    ),
    "response-schema": Promise(
        lambda operation: bool(operation.with_body),
        "the document describes no answer's body",
        _body,
        "no answer came whose body is documented",
    ),
    "invalid-input-refused": Promise(
        lambda operation: bool(operation.inputs),
        "no operation has inputs",
        _of_mode("negative"),
        "no request with invalid input was answered",
    ),
    "valid-input-accepted": Promise(
        lambda operation: bool(operation.inputs),
        "no operation has inputs",
        _of_mode("positive"),
        "no request with valid input was answered",
    ),
    "method-not-allowed": Promise(
        _always,
        "",
        lambda sent, operation: not proper(sent, operation),
        "no request with an undocumented method was answered",
    ),
    LIFECYCLE: Promise(
        lambda operation: operation.in_path,
        "no operation names a resource in its path",
        lambda sent, operation: sent.chained and not sent.displaced and proper(sent, operation),
        "no request could be made from an earlier answer",
        Outcome.NOT_TESTED,
    ),
}


def gap(
    check: str, operations: Mapping[str, Operation], sent: Sequence[Sent], *, limited: Collection[int]
) -> Gap | None:
    """Return why nothing can be said about a promise, or None when answers were looked at."""
    promise = PROMISES[check]
    if operations and not any(map(promise.documented, operations.values())):
        return Gap(Outcome.NOT_APPLICABLE, promise.undocumented)
    answered = [s for s in sent if s.status and s.status not in limited and s.operation in operations]
    if not answered:
        return Gap(Outcome.INCONCLUSIVE, "not one request was answered" if sent else "not one request was sent")
    if not any(promise.concerns(s, operations[s.operation]) for s in answered):
        return Gap(promise.otherwise, promise.unseen)
    return None


def unseen_ends(operations: Mapping[str, Operation], lived: Sequence[Lived]) -> Gap | None:
    """Return which resources nobody looked for after their removal, although links promise that they can be removed."""
    missing = {life.lifecycle: life.missing for life in lived}
    promised = [lifecycle.name for lifecycle in lifecycles_of(operations)]
    unseen = {name: missing.get(name, "nobody came to it") for name in promised}
    reasons = "; ".join(f"{name} ({reason})" for name, reason in unseen.items() if reason)
    return Gap(Outcome.NOT_TESTED, f"nothing was looked for after its removal: {reasons}") if reasons else None


def unpromised_ends(operations: Mapping[str, Operation]) -> list[str]:
    """Return, as a sentence, the removals that no link leads to: what they removed is looked for by chance alone."""
    promised = {lifecycle.remove.label for lifecycle in lifecycles_of(operations)}
    labels = sorted(o.label for o in operations.values() if o.method == "DELETE" and o.in_path)
    left = [label for label in labels if label not in promised]
    why = "not verified that what these removed is gone, as no answer links to them and to a GET of the same path"
    return [f"{why}: {', '.join(left)}"] if left else []
