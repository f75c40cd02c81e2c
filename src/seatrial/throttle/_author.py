"""Writing schedules: clients are named one after the other, so that no two steps share one."""

from __future__ import annotations

from itertools import count

from seatrial.throttle._policy import Plan, Policy
from seatrial.throttle._promises import promises
from seatrial.throttle._step import Client, Kind, Visit


class Author:
    """Write down one schedule; `first` is the client of its first step."""

    def __init__(self, policy: Policy, plan: Plan) -> None:
        self.policy, self.plan, self.settings = policy, plan, policy.settings
        self._numbers = {"user": count(1), "address": count(1), "network": count(1)}
        self.first = self.user()

    def client(self, kind: Kind, of: str = "") -> Client:
        """Return a client whom no other step has; `of` is the one that it is like."""
        if kind in {"user", "colleague"}:
            return Client(name=f"user {next(self._numbers['user'])}", kind=kind, of=of)
        if kind in {"again", "forged"}:
            return Client(name=f"{of} ({'another token' if kind == 'again' else 'forged'})", kind=kind, of=of)
        if kind == "nobody":
            return Client(name="nobody", kind=kind)
        name = f"address {next(self._numbers['address'])}"
        return Client(name=f"{of} from {name}" if of else name, kind=kind, of=of)

    def reported(self, proxy: str) -> Client:
        """Return a client of an IPv6 network of his own, as a proxy says."""
        return Client(name=f"network {next(self._numbers['network'])} by {proxy}", kind="reported", via=proxy)

    def user(self) -> Client:
        """Return a client with a bucket of its own: an address where there are no users."""
        return self.client("address" if self.plan.no_users else "user")

    def nobody(self) -> Client:
        """Return a client without a token."""
        return self.client("nobody" if self.plan.no_addresses else "address")

    def ramp(self, client: Client, what: str = "one by one") -> Visit:
        """Return the visit that fills a client's quota."""
        return Visit(client=client, what=what, requests=self.policy.shows)

    def anew(self, client: Client) -> Visit:
        """Return the visit that shows whether others count for themselves, once a client is refused."""
        return Visit(client=client, what="over new connections", requests=self.policy.anew)

    def probe(self, client: Client, what: str, at: float = 0.0) -> Visit:
        """Return the visit that shows whether a client has quota left."""
        return Visit(client=client, what=what, requests=self.policy.probes, at=at)

    def promised(self, *claims: str) -> tuple[str, ...]:
        """Return those of some claims that the policy makes."""
        return tuple(claim for claim in claims if promises(self.policy, claim))
