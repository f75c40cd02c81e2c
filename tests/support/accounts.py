"""Rows in memory, taken in as those of a file are."""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any

from seatrial.config import ScenarioSettings
from seatrial.swarm._account import Account
from seatrial.swarm._recovery import Recoveries
from seatrial.swarm._rows import Row, Visit, visits_in
from seatrial.swarm._seconds import Seconds
from seatrial.swarm._sessions import Quota, Refusals
from seatrial.swarm._spool import MOST_HELD, Spool


def visits(rows: Iterable[Row]) -> list[Visit]:
    """Return rows as arrivals, in their order."""
    return list(visits_in(sorted(rows, key=attrgetter("arrival"))))


def account_of(
    rows: Iterable[Row], *, deadline_s: float = 1.0, folder: Path | None = None, most_held: int = MOST_HELD
) -> Account:
    """Return what rows come to."""
    account = Account(folder, deadline_s=deadline_s, most_held=most_held)
    for visit in visits(rows):
        account.take(visit)
    return account


def refusals_of(rows: Iterable[Row], quotas: Sequence[Quota], *, rejection: int = 429) -> Refusals:
    """Return who was refused, and who sent more than a quota."""
    found = Refusals(quotas, rejection=rejection)
    for visit in visits(rows):
        found.take(visit)
    return found


def seconds_of(rows: Iterable[Row], *, rejection: int) -> list[dict[str, Any]]:
    """Return every second of rows."""
    seconds = Seconds(rejection=rejection)
    for visit in visits(rows):
        seconds.take(visit)
    return seconds.told


def recoveries_of(rows: Iterable[Row], scenario: ScenarioSettings) -> Recoveries | None:
    """Return how a service recovered from a spike."""
    found = Recoveries.of(scenario, Spool())
    for visit in visits(rows) if found else ():
        assert found is not None
        found.take(visit)
    return found
