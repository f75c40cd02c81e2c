"""Which operations of a document are sent: reads, those that are named, and none that nobody here may enter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from seatrial.config import ScenarioSettings
from seatrial.core import UsageError, name_nearest
from seatrial.openapi import Operation
from seatrial.swarm.traffic._requests import refused

UNSIGNED = "it is for users who have signed in, and this load is sent by nobody (`identities`)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The labels of what is sent, and of what is not by why not."""

    chosen: tuple[str, ...]
    left_out: Mapping[str, tuple[str, ...]]


CLOSED = "[contract] closed says that it refuses everybody"


def choose_operations(
    name: str, scenario: ScenarioSettings, operations: Mapping[str, Operation], *, closed: Collection[str] = ()
) -> Choice:
    """Return what a scenario sends of a document; raises UsageError for what it lacks, and where nothing is left.

    Those that are `closed` are sent where they are named.
    """
    for label in scenario.only:
        check_known(name, label, operations, what="contract")
    shut = set(closed).difference(scenario.only)
    why = {label: CLOSED if label in shut else _why_not(scenario, operation) for label, operation in operations.items()}
    left_out: dict[str, tuple[str, ...]] = defaultdict(tuple)
    for label, reason in why.items():
        if reason and not (scenario.only and label not in scenario.only):
            left_out[reason] += (label,)
    chosen = tuple(label for label, reason in why.items() if not reason)
    if not chosen:
        raise nothing_left(name, [f"{reason}: {', '.join(labels)}" for reason, labels in left_out.items()])
    return Choice(chosen=chosen, left_out=dict(left_out))


def _why_not(scenario: ScenarioSettings, operation: Operation) -> str:
    why = refused(operation.label, only=scenario.only, writes=scenario.writes)
    return why or (UNSIGNED if operation.secured and not scenario.identities else "")


def check_known(name: str, label: str, known: Collection[str], *, what: str) -> None:
    """Raise UsageError for an operation that is chosen and that a contract or recording (`what`) does not have."""
    if label not in known:
        raise UsageError(
            f"the {what} has no operation {label!r}",
            slug="load-operation-unknown",
            where=f"load scenario {name!r}: `only` or --only",
            remedy=name_nearest(label, sorted(known), called="its operations"),
        )


def nothing_left(name: str, reasons: list[str]) -> UsageError:
    """Return the error of a scenario of which not one request can be sent."""
    return UsageError(
        f"the scenario {name!r} has nothing to send",
        slug="load-nothing-to-send",
        where=f"load scenario {name!r}",
        details="\n".join(reasons),
        remedy="choose operations with `only` (--only), allow those that write with `writes` (--writes), "
        "or send as users with `identities`",
    )
