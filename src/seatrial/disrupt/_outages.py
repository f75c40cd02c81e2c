"""Let one dependency after the other hang, once for all that is to be seen, because every hang takes seconds."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import httpx

from seatrial.config import HealthSettings
from seatrial.disrupt._asks import Ask, Seen, Unusable
from seatrial.disrupt._looks import HealthSeen, see_hang, see_recovery
from seatrial.disrupt._users import Users
from seatrial.stack import Stack


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """What was seen of one dependency as it hung.

    `broken` are requests that did not work again afterwards. `unseen` says why no requests were sent, where none were.
    """

    health: HealthSeen
    seen: tuple[Seen, ...] = ()
    broken: tuple[Ask, ...] = ()
    unseen: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Who takes part: the stack (with control verbs), an operator's client, and users."""

    stack: Stack
    client: httpx.Client
    users: Users
    health: HealthSettings

    def outages(self) -> dict[str, Outage]:
        """Return what was seen, by dependency; after one that left requests broken, only health is looked at.

        Without `serves_within_s` nothing is promised of requests, and none are sent.
        """
        found: dict[str, Outage] = {}
        unseen = "" if self.health.serves_within_s else "[health] serves_within_s is not declared"
        for name, service in self.health.dependencies.items():
            asks: Sequence[Ask] = ()
            try:
                asks = () if unseen else self.users.served(self.health.react_s)
            except (Unusable, httpx.TransportError) as problem:
                unseen = str(problem)
            found[name] = replace(self._outage(service, asks), unseen=unseen)
            if found[name].broken:
                unseen = f"requests did not work again after {name} went on"
        return found

    def _outage(self, service: str, asks: Sequence[Ask]) -> Outage:
        timeout_s = 2 * (self.health.serves_within_s or 0)
        with ThreadPoolExecutor(len(asks) + 1) as people:
            self.stack.control("pause", service)
            try:
                sent = [people.submit(self.users.send, ask, timeout_s) for ask in asks]
                health = see_hang(self.client, self.health)
                seen = tuple(one.result() for one in sent)
            finally:
                self.stack.control("unpause", service)
        recovered = see_recovery(self.client, self.health)
        broken = tuple(ask for ask in asks if ask.repeatable and not self.users.works(ask, self.health.react_s))
        return Outage(health=replace(health, recovered=recovered), seen=seen, broken=broken)
