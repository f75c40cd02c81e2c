"""All that is made of a scenario's rows, in one pass over the file that they stand in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from seatrial.swarm._account import Account
from seatrial.swarm._order import Order
from seatrial.swarm._ordering import order_rows
from seatrial.swarm._recovery import Recoveries
from seatrial.swarm._rows import Visit, visits_of
from seatrial.swarm._seconds import Seconds
from seatrial.swarm._sessions import Refusals


@dataclass(frozen=True, slots=True)
class Reading:
    """Figures, refusals, seconds and recovery of one attempt."""

    account: Account
    refusals: Refusals
    seconds: Seconds
    recoveries: Recoveries | None = None

    @classmethod
    def of(cls, order: Order, visits: Iterable[Visit] = (), *, folder: Path | None = None) -> Self:
        """Return what arrivals come to; raises OSError when there is no room in `folder` for what memory cannot hold.

        They come in the order of their due times; what users do before their first one is counted, and is no load.
        """
        account = Account(folder, deadline_s=order.scenario.deadline_s)
        quotas = () if order.exempt else order.quotas
        found = cls(
            account,
            Refusals(quotas, rejection=order.rejection),
            Seconds(rejection=order.rejection),
            Recoveries.of(order.scenario, account.spool),
        )
        found.take(visits)
        return found

    def take(self, visits: Iterable[Visit]) -> None:
        """Take in arrivals."""
        others = [one.take for one in (self.refusals, self.seconds, self.recoveries) if one]
        for visit in visits:
            self.account.take(visit)
            if visit[0].arrival >= 0:
                for take in others:
                    take(visit)


def read_attempt(order: Order, file: Path) -> Reading:
    """Return what a load process wrote down, which stands in the order of its arrivals then; raises OSError."""
    order_rows(file)
    return Reading.of(order, visits_of(file), folder=file.parent)
