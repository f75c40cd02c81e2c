"""Every value that an objective can be about: as it was, and as the service can have earned it at the best."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypedDict

from seatrial.core import Measurement
from seatrial.swarm._account import Account, Group
from seatrial.swarm._recovery import RECOVERY, Recoveries
from seatrial.swarm._statistics import Figures, figures_of, least_of, total_of, word

LIMITED = "limited_ratio"
BESIDES = frozenset({LIMITED, RECOVERY})
"""What no generator can spoil, or what is looked at second by second: the figures of all rows do not have them."""

LIMITED_DEFINITION = "requests that got the rejection status, divided by all requests"


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """The values of a scenario or of one operation; `least` without whatever the generator may have spoilt."""

    seen: Mapping[str, float] = field(default_factory=dict)
    least: Mapping[str, float] = field(default_factory=dict)


class Circumstances(TypedDict):
    """How a scenario was sent, and with which status one request too many is refused."""

    rejection: int
    duration_s: float


def values_of(account: Account, recoveries: Recoveries | None, *, rejection: int, duration_s: float) -> Values:
    """Return the values of a scenario, with how it recovered where it has a spike; none where nothing was sent."""
    if not account.total.due:
        return Values()
    least = least_of(account.groups, account.total, duration_s=duration_s)
    found = _values(account.groups, total_of(account, duration_s=duration_s), least, rejection)
    if recoveries is None:
        return found
    seen, best = {RECOVERY: recoveries.seen.seconds}, {RECOVERY: recoveries.least.seconds}
    return Values(seen={**found.seen, **seen}, least={**found.least, **best})


def operation_values(account: Account, *, rejection: int, duration_s: float) -> dict[str, Values]:
    """Return the values of each operation."""
    found = {}
    for operation, groups in account.by_operation().items():
        least = least_of(groups, account.operations[operation], duration_s=duration_s)
        found[operation] = _values(groups, figures_of(groups, duration_s=duration_s), least, rejection)
    return found


def _values(groups: Iterable[Group], figures: Figures, least: Figures, rejection: int) -> Values:
    limited = {LIMITED: limited_ratio(groups, rejection)}
    return Values(seen={**figures.values, **limited}, least={**least.values, **limited})


def limited_ratio(groups: Iterable[Group], rejection: int) -> float:
    """Return which share of the requests was refused as one too many."""
    sent = [group for group in groups if group.kind.is_http]
    count = sum(group.count for group in sent)
    return sum(group.count for group in sent if group.kind.status == rejection) / count if count else 0.0


def measure_limited(name: str, account: Account, rejection: int) -> list[Measurement]:
    """Return the share of refusals of a scenario and of each of its operations; empty when nothing was sent."""
    taken: set[str] = set()
    parts = account.by_operation().items()
    found = {f"load.{name}": account.groups, **{f"load.{name}.{word(part, taken)}": groups for part, groups in parts}}
    return [
        Measurement(
            name=f"{prefix}.{LIMITED}", value=limited_ratio(groups, rejection), unit="ratio",
            definition=LIMITED_DEFINITION, samples=sum(group.count for group in groups),
        )
        for prefix, groups in found.items()
        if groups
    ]  # fmt: skip
