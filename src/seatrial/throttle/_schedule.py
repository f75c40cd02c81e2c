"""What a proof sends, when, and as whom: a pure function of the policy, which the proof then follows.

quota --> window ------------------------------------------> | just before its end | after it
      --> use ------------------------------------> | late   |                     | after it
      --> refusals (one silent, one that goes on asking) - - - - - - - - - - - - - | after it
      --> Retry-After ------------------------------------------------------------ | when it says
            window --> exempt paths, statuses, addresses, screens, users: they fill the gap

Each step has clients of its own, so that all windows begin together and what waits meets just after their end.
"""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.throttle._author import Author
from seatrial.throttle._edges import edges
from seatrial.throttle._policy import Plan, Policy
from seatrial.throttle._promises import WAYS, promises
from seatrial.throttle._returns import returns
from seatrial.throttle._step import Client, Kind, Schedule, Step, Visit
from seatrial.throttle._variants import CHUNK, Who, claims_of, variants

EARLY_S = 0.25
HAMMER = 50
"""So many requests does a client send that goes on asking while it is refused; of a log, more than its quota."""

LATE = 0.9
"""When, in windows, a request comes that would prolong a window that goes by the last one."""

FIRST = ("isolation", "quota-exact", "rejection-status", "headers-truthful")


def schedule(policy: Policy, plan: Plan) -> Schedule:
    """Return the schedule of a proof; more is sent only to repeat what was not decided, and to confirm a bypass."""
    steps = () if plan.no_proof else tuple(_Proof(policy, plan).steps())
    return Schedule(window_s=policy.window_s, steps=steps, most=plan.most(policy.settings.max_requests))


class _Proof(Author):
    """Write down the proof of one policy."""

    def steps(self) -> Iterator[Step]:
        """Yield the steps in the order in which they can begin."""
        yield self._quota()
        yield self._window()
        yield from self._waiting()
        yield Step(name="one write", claims=("quota-exact",), after="window", visits=(self.ramp(self.user()),))
        yield from self._exempt()
        if self.settings.anonymous_by == "address":
            yield from self._addresses()
            yield self._screen("nobody", self.nobody())
        yield self._screen("user", self.user())
        yield from self._parameters()
        yield from self._costs()
        yield from self._users()

    def _quota(self) -> Step:
        """Fill one user's quota one by one, see that others still have theirs, and that there is one count."""
        others = [self.user()]
        if "user" in self.settings.authenticated_by and not self.plan.no_users:
            others.append(self.client("colleague", self.first.name))
        probes = (self.probe(other, "has his own") for other in others)
        visits = (self.ramp(self.first), *probes, self.anew(self.first))
        return Step(name="quota", claims=self.promised(*FIRST), visits=visits)

    def _window(self) -> Step:
        """Ask for everything at once, and again when the window has ended."""
        user, (connections, each) = self.user(), self.policy.spread
        burst = Visit(client=user, what="at once", requests=connections * each)
        if self.plan.no_edges or self.plan.no_window:
            return Step(name="window", claims=("quota-exact",), after="quota", visits=(burst,))
        visits = (
            burst,
            Visit(client=user, what="until refused", requests=1),
            Visit(client=user, what="just before the end", requests=1, at=1 - min(EARLY_S / self.policy.window_s, 0.1)),
            Visit(client=user, what="after the end", requests=self.policy.ramp, at=1.0),
        )
        return Step(name="window", claims=("quota-exact", "window-resets"), after="quota", visits=visits)

    def _waiting(self) -> Iterator[Step]:
        """Yield what waits besides, each as somebody else."""
        fixed = not (self.plan.no_edges or self.plan.no_window)
        if fixed and self.policy.quota > 1:
            yield self._use()
        if promises(self.policy, "edge-bounded") and not self.plan.no_sliding:
            yield from edges(self)
        if promises(self.policy, "retry-after-honoured") and not self.plan.no_window:
            at = self.policy.wait_s / self.policy.window_s
            visit = Visit(client=self.first, what="as Retry-After says", requests=1, at=at)
            yield Step(
                name="Retry-After",
                claims=("retry-after-honoured",),
                visits=(visit,),
                after="quota",
                continues="quota",
                refusals=True,
            )
        if self.policy.bucket and not self.plan.no_return:
            yield from returns(self, "quota")
        if not self.plan.no_refusals:
            yield self._refusals()

    def _use(self) -> Step:
        """See that a window goes by its first request, not by the last one."""
        user = self.user()
        visits = (
            Visit(client=user, what="all but one", requests=self.policy.quota - 1),
            Visit(client=user, what="one late", requests=1, at=LATE),
            Visit(client=user, what="after the end", requests=1, at=1.0),
        )
        return Step(name="use", claims=("window-resets",), after="quota", visits=visits, refusals=True)

    def _refusals(self) -> Step:
        """See that requests that are refused cost nothing: two clients alike, but that one goes on asking."""
        silent, loud = self.user(), self.user()
        over = self.policy.patience_s / self.policy.window_s
        asks = max(HAMMER, 2 * self.policy.ramp) if self.policy.logs else HAMMER
        visits = (
            self.ramp(silent),
            self.ramp(loud),
            Visit(client=loud, what="goes on asking", requests=asks, over=over),
            self.probe(silent, "after the wait", over),
            self.probe(loud, "after the wait", over),
        )
        return Step(name="refusals", claims=("refusals-free",), after="quota", visits=visits, refusals=True)

    def _exempt(self) -> Iterator[Step]:
        """See that exempt paths are never limited, and use nothing up."""
        if not self.settings.exempt:
            return
        many = self.policy.ramp * len(self.settings.exempt)
        user, other = self.user(), self.nobody()
        hammered = (Visit(client=client, what="exempt paths", requests=many) for client in (user, other))
        last = Visit(client=user, what="the limited path", requests=1)
        yield Step(name="exempt", claims=("health-exempt",), after="window", visits=(*hammered, last))

    def _addresses(self) -> Iterator[Step]:
        """See that addresses are limited, each for itself, also when they send bad tokens."""
        if self.plan.no_addresses:
            return
        visits = (self.ramp(self.client("address")), self.probe(self.client("address"), "has its own"))
        yield Step(name="addresses", claims=("anonymous-by-address",), after="window", visits=visits)
        many = Visit(client=self.client("address"), what="with bad tokens", requests=self.policy.beyond)
        yield Step(name="bad tokens", claims=("refused-counted",), after="addresses", visits=(many,))
        if self.settings.proxy and not self.plan.no_proxy:
            yield self._network()

    def _network(self) -> Step:
        """See that the addresses of an IPv6 network share a bucket, which another network has no part in."""
        visits = tuple(visit for proxy in self.settings.proxy for visit in self._behind(proxy))
        return Step(name="network", claims=("network-bounded",), after="addresses", visits=visits)

    def _behind(self, proxy: str) -> Iterator[Visit]:
        first = self.reported(proxy)
        yield self.ramp(first, "until refused")
        yield self.probe(self.reported(proxy), "has its own")
        yield Visit(client=first, what="from another address", requests=1 + 2)

    def _screen(self, who: Who, client: Client) -> Step:
        """Write requests otherwise as a client whose quota is used up."""
        tried = [variant for variant in variants(self.policy) if variant.who == who]
        # What comes back to a bucket meanwhile is used up again: no more than a quota, as it all fits into a window.
        controls = 2 * -(-len(tried) // CHUNK) + (self.policy.quota if self.policy.refills else 0)
        visits = (
            self.ramp(client, "until refused"),
            Visit(client=client, what="written otherwise", requests=len(tried) + controls),
        )
        claims = claims_of(self.policy, who)
        return Step(name=f"screen {who}", claims=claims, after="window", visits=visits, refusals=who == "user")

    def _parameters(self) -> Iterator[Step]:
        """See that resources share their client's quota."""
        if self.settings.path_template:
            many = Visit(client=self.user(), what="as many resources", requests=self.policy.beyond)
            claims = ("path-parameter-in-key",)
            yield Step(name="resources", claims=claims, after="screen user", visits=(many,), refusals=True)

    def _costs(self) -> Iterator[Step]:
        """See that requests cost what is declared for the status that they end in."""
        many, claims = self.policy.beyond, ("statuses-counted",)
        if counted := self.policy.costs(counts=True):
            statuses = ", ".join(str(cost.status) for cost in counted)
            mixed = Visit(client=self.user(), what=f"as usual, and ending in {statuses}", requests=many)
            yield Step(name="statuses that count", claims=claims, after="screen user", visits=(mixed,), refusals=True)
        if found := [(cost, self.user()) for cost in self.policy.costs(counts=False)]:
            ending = (Visit(client=user, what=f"ending in {cost.status}", requests=many) for cost, user in found)
            last = (Visit(client=user, what="the limited path", requests=1) for _, user in found)
            yield Step(name="free statuses", claims=claims, after="screen user", visits=(*ending, *last), refusals=True)

    def _users(self) -> Iterator[Step]:
        """See who shares a bucket with a user, and who does not."""
        if self.plan.no_users or not self.settings.authenticated_by:
            return
        user = self.user()
        ways = [self.client(kind, user.name) for kind in self._ways()]
        looks = Visit(client=user, what="still refused", requests=2 * len(ways))
        probes = (self.probe(way, f"as {way.kind}") for way in ways)
        visits, claims = (self.ramp(user, "until refused"), looks, *probes), dict.fromkeys(WAYS[w.kind] for w in ways)
        yield Step(name="one user", claims=tuple(claims), after="window", visits=visits, refusals=True)
        if not self.plan.no_addresses:
            yield self._victim()

    def _ways(self) -> Iterator[Kind]:
        """Yield who else has the bucket of a user: where an organisation has one, everybody in it."""
        yield "again"
        if "user" not in self.settings.authenticated_by:
            yield "colleague"
        if not self.plan.no_addresses:
            yield "moved"

    def _victim(self) -> Step:
        """See that forged tokens of a user cost him nothing."""
        user = self.user()
        stranger = self.client("forged", user.name)
        visits = (self.ramp(stranger, "as the user"), Visit(client=user, what="unharmed", requests=1))
        return Step(name="victim", claims=("victim-unharmed",), after="window", visits=visits)
