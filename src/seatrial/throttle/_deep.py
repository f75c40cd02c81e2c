"""What takes longer by its nature: pressure, two windows, tens of thousands of clients, or control of the store.

quota --> cost --> noise --> volley --> load (_pressure.py), and only then:
    --> refusals, and the whole quota again (where only two windows show it)
    --> watch (a drained client in every window) while keys (clients that are never seen again) come, twice
                                                          keys --> store (stopped, frozen, restarted)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from seatrial.core import ALIKE, Severity
from seatrial.throttle._author import Author
from seatrial.throttle._plan import MARGIN_S, unproved_quota
from seatrial.throttle._policy import Beside, Plan, Policy
from seatrial.throttle._pressure import PRESSURE, pressure
from seatrial.throttle._promises import promises
from seatrial.throttle._returns import returns
from seatrial.throttle._step import RATE_PER_S, Client, Schedule, Step, Visit

DEEP: Mapping[str, Severity] = {
    **PRESSURE,
    "memory-bounded": Severity.HIGH,
    "buckets-kept": Severity.HIGH,
    "store-returns": Severity.HIGH,
}
"""The claims of this stage, by severity."""

KEYS, WARM = 10_000, 1000
"""So many clients come in a batch, and before the first one, so that what a service allocates once is there."""

GAP = 2
"""Windows between two batches: what was kept for the first one is due to be forgotten."""

WATCHES = 3
HAMMER = 100
"""So many requests does a client send that goes on asking, and in each window more than its quota."""

ASKED = 3
"""So many clients ask while the store is in trouble, so that whoever counts there notices."""

TROUBLES = (("restart", ""), ("pause", "unpause"), ("stop", "start"))
SOON, LATE = 0.4, 0.95
"""When, in windows, a drained client is looked at: soon where something comes back, late where nothing does."""

NO_LOAD = "no [load.NAME] says what to send meanwhile"


def deep_claims(policy: Policy) -> dict[str, Severity]:
    """Return what this stage decides, by severity: what one window shows is proved without it."""
    returns = {"window-resets": Severity.HIGH} if policy.known else {}
    return {**DEEP, **({} if policy.in_one_window else {"refusals-free": Severity.MEDIUM, **returns})}


def plan_deep(  # noqa: PLR0913 - by keyword, each is needed once
    policy: Policy,
    *,
    memory: bool,
    control: bool,
    budget_s: float,
    addresses: int,
    alike: str = ALIKE,
    no_users: str = "",
    profile: str = "",
    load: str = "",
    beside: tuple[Beside, ...] = (),
) -> Plan:
    """Say what of the deep stage can be tried in so many seconds, on a stack that tells its memory or is controlled.

    `load` names the scenario that can be sent meanwhile.
    """
    plan = Plan(
        no_addresses="" if addresses > 1 else alike,
        no_users=no_users,
        no_edges="" if policy.fixed else "its windows have no edges",
        no_memory="" if memory else "nobody can read how much memory this target takes",
        no_control="" if control else "nobody can stop the store of this target",
        no_kept=_unkept(policy),
        no_quota=unproved_quota(policy),
        no_load="" if load else NO_LOAD,
        load=load,
        beside=beside,
        budget_s=budget_s,
    )
    return replace(plan, no_proof=_impossible(policy, plan, profile))


def _unkept(policy: Policy) -> str:
    """Return why a bucket that was dropped cannot be told from what comes back, empty where it can."""
    if policy.shifted:
        return "a window that is shifted for its key ends at any moment, as if its bucket was dropped"
    if not policy.known:
        return "what an unknown algorithm gives back cannot be told from a bucket that was dropped"
    small = policy.refills and policy.quota * (1 - SOON) <= 1
    return f"a quota of {policy.quota} is too small to tell what comes back from a bucket that was dropped" * small


def _impossible(policy: Policy, plan: Plan, profile: str) -> str:
    if plan.no_users and plan.no_addresses:
        return f"{plan.no_users}, and {plan.no_addresses}"
    made = deep_schedule(policy, plan)
    whose = f"the {profile} profile's budget" if profile else "a budget"
    if made.seconds + MARGIN_S > plan.budget_s:
        return f"the deep stage takes about {made.seconds:.0f} s, {whose} is {plan.budget_s:g} s"
    sent = made.requests + plan.besides
    most = policy.settings.deep_requests
    return f"the deep stage sends {sent} requests, deep_requests is {most}" if sent > most else ""


def deep_schedule(policy: Policy, plan: Plan) -> Schedule:
    """Return the schedule of the deep stage."""
    steps = () if plan.no_proof else tuple(_Deep(policy, plan).steps())
    return Schedule(window_s=policy.window_s, steps=steps, most=plan.most(policy.settings.deep_requests))


class _Deep(Author):
    """Write down the deep stage of one policy."""

    def steps(self) -> Iterator[Step]:
        """Yield the steps in the order in which they can begin."""
        pressed = tuple(pressure(self))
        self._before = pressed[-1].name
        again = () if self.policy.in_one_window or not self.policy.known else returns(self, self._before)
        tried = [*pressed, *self._refusals(), *again, *self._watch(), *self._keys(), *self._store()]
        claims = tuple(dict.fromkeys(claim for step in tried for claim in step.claims))
        others = self.probe(self.user(), "has his own")
        yield Step(name="quota", claims=claims, visits=(self.ramp(self.first), others, self.anew(self.first)))
        yield from tried

    def _refusals(self) -> Iterator[Step]:
        """See over two windows that asking on costs nothing: a counter remembers the window before."""
        if self.policy.in_one_window:
            return
        silent, loud = self.user(), self.user()
        visits = (
            self.ramp(silent, "until refused"),
            self.ramp(loud, "until refused"),
            Visit(client=loud, what="goes on asking", requests=max(HAMMER, 4 * self.policy.ramp), over=2.0),
            self.probe(silent, "after two windows", 2.0),
            self.probe(loud, "after two windows", 2.0),
        )
        yield Step(
            name="refusals in two windows", claims=("refusals-free",), after=self._before, visits=visits, refusals=True
        )

    def _watch(self) -> Iterator[Step]:
        """Look, in every window, whether a client whose quota is used up stays refused."""
        if self.plan.no_kept:
            return
        late, count = (SOON, self.policy.ramp) if self.policy.refills else (LATE, 1)
        for number in range(WATCHES):
            client = self.user()
            visits = (
                replace(self.ramp(client, "until refused"), at=float(number)),
                Visit(client=client, what="still refused", requests=count, at=number + late),
            )
            yield Step(
                name=f"watch {number + 1}", claims=("buckets-kept",), after=self._before, visits=visits, refusals=True
            )

    def _keys(self) -> Iterator[Step]:
        """Come as ever new clients, twice as many thousands: what is kept for the first ones has to be forgotten."""
        if self.plan.no_memory and self.plan.no_kept:
            return
        kind = "users" if self.plan.no_addresses else "addresses"
        again = GAP + (WARM + KEYS) / RATE_PER_S / self.policy.window_s
        crowds = (("to begin with", WARM, 0.0), ("a first batch", KEYS, 0.0), ("a second batch", KEYS, again))
        visits = tuple(
            Visit(
                client=Client(name=f"{count:,} {kind}, {what}", kind="crowd"), what="once each", requests=count, at=at
            )
            for what, count, at in crowds
        )
        reasons = {"memory-bounded": self.plan.no_memory, "buckets-kept": self.plan.no_kept}
        claims = tuple(claim for claim, reason in reasons.items() if not reason)
        yield Step(name="keys", claims=claims, after=self._before, visits=visits, refusals=True)

    def _store(self) -> Iterator[Step]:
        """See that limits hold exactly again after each trouble of the store."""
        if self.plan.no_control or not promises(self.policy, "store-returns"):
            return
        visits = []
        for verb, _ in TROUBLES:
            crowd = Client(name=f"{ASKED} users, {verb}", kind="crowd")
            visits += [Visit(client=crowd, what=f"during {verb}", requests=ASKED)]
            visits += [self.ramp(self.user(), f"after {verb}")]
        after = "keys" if self._has_keys() else self._before
        yield Step(name="store", claims=("store-returns",), after=after, visits=tuple(visits))

    def _has_keys(self) -> bool:
        return not (self.plan.no_memory and self.plan.no_kept)
