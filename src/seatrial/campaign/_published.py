"""What a run does about the contract that was published: judge it with what is served, or fuzz it as well."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from seatrial.campaign._drift import NO_BREAKING, judge_drift
from seatrial.config import Settings
from seatrial.core import CheckResult, Evidence, Outcome
from seatrial.fuzz import OLD_PROMISES_HOLD, holds_as_served, holds_by_itself
from seatrial.openapi import operations_of
from seatrial.openapi.diff import (
    Effect,
    Judged,
    Level,
    baseline_document,
    counting,
    diff,
    judge_changes,
    still_promised,
    today,
)

UNTOUCHED = frozenset({"operation-added", "deprecated-operation-removed"})
"""Kinds of changes that leave what is promised of all other operations as it was."""


@dataclass(frozen=True, slots=True)
class Published:
    """What is to be done: `document` is to be fuzzed, or it is `decided` already; else what is served decides.

    `only` are the labels of the operations that count, if not all do; `drift` is what the documents say by themselves.
    """

    drift: tuple[CheckResult, ...] = ()
    document: dict[str, Any] | None = None
    only: tuple[str, ...] = ()
    decided: CheckResult | None = None

    def judge(self, served: Evidence, fuzz: Callable[[dict[str, Any], tuple[str, ...]], Evidence]) -> Evidence:
        """Return every outcome, from what was found of what is served and what `fuzz` finds of what was published."""
        if self.document is None:
            return Evidence(results=(*self.drift, self.decided or holds_as_served(served)))
        found = holds_by_itself(fuzz(self.document, self.only))
        return replace(found, results=(*self.drift, *found.results))


def look_up_published(settings: Settings, new: dict[str, Any], only: Sequence[str] = ()) -> Published | None:
    """Return what to do about the published document beside the one that is served, if there is one.

    Of the operations that count alone (`only`), those that were not published are judged as they are served.
    """
    old, contract = baseline_document(settings), settings.contract
    if old is None or contract is None:
        return None
    changes = judge_changes(diff(old, new), contract, today=today())
    found = Published(drift=tuple(judge_drift(changes, contract)))
    if any(_breaks(each) for each in changes):
        return replace(found, decided=_not_to_hold(changes))
    if all(each.change.effect is Effect.METADATA or each.change.kind in UNTOUCHED for each in changes):
        return found
    document = still_promised(old, new)
    labels = tuple(label for label in only if label in operations_of(document))
    return found if only and not labels else replace(found, document=document, only=labels)


def _breaks(judged: Judged) -> bool:
    """Return whether a change breaks something by the law, whatever the project decided about it."""
    return judged.change.level() is Level.BREAKING


def _not_to_hold(changes: Sequence[Judged]) -> CheckResult:
    """Return the outcome where not all can hold: the document itself says so."""
    if counting(changes, Level.BREAKING):
        reason = f"{NO_BREAKING} did not pass"
        return CheckResult(check=OLD_PROMISES_HOLD, outcome=Outcome.BLOCKED, reason=reason)
    known = "; ".join(each.title for each in changes if _breaks(each))
    reason = f"what was published is not to hold any more, as the project decided: {known}"
    return CheckResult(check=OLD_PROMISES_HOLD, outcome=Outcome.NOT_TESTED, reason=reason)
