"""The proof: clients that nobody saw before, phases that overlap, one window in all.

ramp (one client, one by one) -> isolation -> | burst, window's end, burst | Retry-After | exempt paths | anonymous |
A global bucket shows in the isolation; nothing else means anything then, and it is not tried.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from seatrial.core import Identities, Identity, Progress, Target
from seatrial.throttle._claims import (
    Defect,
    judge_headers,
    judge_quota,
    judge_retry_after,
    judge_status,
    read_number,
    rejected,
)
from seatrial.throttle._policy import Plan, Policy
from seatrial.throttle._window import Edge, end_of_window, inside
from seatrial.throttle._wire import Answer, Wire, WireError

BEYOND = 3
CONNECTIONS = 8
ATTEMPTS = 3
SPOOFED = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "True-Client-IP", "X-Client-IP", "CF-Connecting-IP")


class UndecidedError(Exception):
    """The answers prove neither that a claim holds nor that it does not."""


@dataclass(slots=True)
class Findings:
    """What a claim has come to: defects, or why it is not decided; a claim that is not in it was not tried."""

    defects: dict[str, list[Defect]] = field(default_factory=dict)
    undecided: dict[str, str] = field(default_factory=dict)
    requests: int = 0
    window_ratios: list[float] = field(default_factory=list)

    def judge(self, claim: str, defects: Sequence[Defect]) -> None:
        """Note that a claim was judged."""
        self.defects.setdefault(claim, []).extend(defects)


class Proof:
    """One policy against one target."""

    def __init__(self, policy: Policy, plan: Plan, target: Target, identities: Identities, progress: Progress) -> None:
        self._policy = policy
        self._plan = plan
        self._url = target.url
        self._identities = identities
        self._progress = progress
        self._wires: list[Wire] = []
        self.findings = Findings()

    async def run(self) -> Findings:
        """Prove every claim that the plan allows."""
        try:
            await self._run()
        finally:
            await asyncio.gather(*(wire.close() for wire in self._wires))
        return self.findings

    async def _run(self) -> None:
        self._progress("filling one user's quota")
        answers, edge = await self._ramp()
        await self._isolation(answers)
        if self.findings.defects.get("isolation"):
            return
        self._judge_ramp(answers, edge)
        rejection = next((answer for answer in answers if rejected(answer)), None)
        phases = [
            self._guard(("health-exempt",), self._exempt()),
            self._guard(("anonymous-by-address",), self._by_address()),
        ]
        phases.append(self._guard(("forwarded-for-ignored",), self._forwarded()))
        phases.append(self._guard(("quota-exact", "window-resets"), self._burst()))
        phases.append(self._guard(("retry-after-honoured",), self._retry_after(rejection, edge)))
        await asyncio.gather(*phases)

    async def _guard(self, claims: Sequence[str], phase: object) -> None:
        """Run a phase; what goes wrong leaves its claims undecided, never passed."""
        try:
            await phase  # type: ignore[misc]  # a coroutine of ours
        except (UndecidedError, WireError) as error:
            for claim in claims:
                self.findings.undecided.setdefault(claim, str(error))

    def _wire(self, identity: Identity) -> Wire:
        wire = Wire(self._url, name=identity.name, headers=identity.headers, address=identity.address)
        self._wires.append(wire)
        return wire

    async def _send(self, wire: Wire, count: int = 1) -> list[Answer]:
        settings = self._policy.settings
        self.findings.requests += count
        return [await wire.send(settings.method, settings.path) for _ in range(count)]

    async def _ramp(self) -> tuple[list[Answer], Edge]:
        """Fill a fresh user's quota one by one, within one window."""
        for _ in range(ATTEMPTS):
            await self._await_clock()
            self._user = self._identities.lease(1)[0]
            answers = await self._send(self._wire(self._user), self._policy.quota + BEYOND)
            edge = end_of_window(self._policy, answers)
            if rejected(answers[0]):
                raise UndecidedError(
                    f"{self._policy.settings.method} {self._policy.settings.path} answers {answers[0].status} "
                    "to a user who sent nothing before"
                )
            if inside(edge, answers):
                return answers, edge
        raise UndecidedError(f"{self._policy.quota + BEYOND} requests do not fit into one window here")

    async def _await_clock(self) -> None:
        """Begin in the first half of a window that follows the clock."""
        window_s = self._policy.window_s
        if self._policy.settings.anchor == "clock" and time.time() % window_s > window_s / 2:
            await asyncio.sleep(window_s - time.time() % window_s + 0.01)

    async def _isolation(self, ramp: Sequence[Answer]) -> None:
        """See that a user whose quota is used up does not cost others theirs."""
        others = [self._identities.lease(1)[0]]
        if "user" in self._policy.settings.authenticated_by:
            others += self._identities.lease(1, organisation=self._user.organisation)
        for other in others:
            (answer,) = await self._send(self._wire(other))
            same = other.organisation == self._user.organisation
            whom = "of the same organisation" if same else "of another organisation"
            cause = "shared-in-organisation" if same else "global-bucket"
            if rejected(answer):
                title = f"a user {whom} is rejected once another's quota is used up"
                self.findings.judge("isolation", [Defect(cause, title, (ramp[-1], answer))])
        self.findings.judge("isolation", [])

    def _judge_ramp(self, answers: Sequence[Answer], edge: Edge) -> None:
        policy, findings = self._policy, self.findings
        if not self._plan.no_edges:
            findings.judge("quota-exact", judge_quota(policy, answers, how="one after the other"))
        findings.judge("headers-truthful", judge_headers(policy, answers, None if self._plan.no_edges else edge))
        if any(rejected(answer) for answer in answers):
            findings.judge("rejection-status", judge_status(policy, answers))
        else:
            findings.undecided["rejection-status"] = "nothing was rejected"

    async def _burst(self) -> None:
        """Ask for the same quota all at once, then again after the window: whole, and not twice."""
        if self._plan.no_edges:
            return
        user = self._identities.lease(1)[0]
        wires = [await self._wire(user).open() for _ in range(CONNECTIONS)]
        await self._await_clock()
        first = await self._all_at_once(wires)
        edge = end_of_window(self._policy, first)
        if not inside(edge, first):
            raise UndecidedError("a burst did not fit into one window here")
        self.findings.judge("quota-exact", judge_quota(self._policy, first, how="at once"))
        if self._plan.no_window:
            return
        await self._window_end(wires, edge, min(answer.sent_s for answer in first))

    async def _all_at_once(self, wires: Sequence[Wire]) -> list[Answer]:
        share = -(-(self._policy.quota + BEYOND) // len(wires))
        parts = await asyncio.gather(*(self._send(wire, share) for wire in wires))
        return sorted((answer for part in parts for answer in part), key=lambda answer: answer.sent_s)

    async def _window_end(self, wires: Sequence[Wire], edge: Edge, began_s: float) -> None:
        """Not a moment before its end is anything admitted; after it the whole quota is."""
        self._progress(f"waiting {max(0.0, edge.latest_s - time.time()):.1f} s for a window to end")
        early_s = edge.earliest_s - min(0.25, self._policy.window_s / 10)
        await asyncio.sleep(max(0.0, early_s - time.time()))
        (early,) = await self._send(wires[0])
        if early.received_s < edge.earliest_s and not rejected(early):
            lasted = early.received_s - began_s
            title = f"a window lasted less than {lasted:.2f} s, declared are {self._policy.window_s:g} s"
            self.findings.judge("window-resets", [Defect("window-too-short", title, (early,))])
            return
        await asyncio.sleep(max(0.0, edge.latest_s + 0.01 - time.time()))
        await self._await_clock()
        again = await self._all_at_once(wires)
        if not inside(end_of_window(self._policy, again), again):
            raise UndecidedError("the second burst did not fit into one window here")
        self.findings.window_ratios.append((again[0].sent_s - began_s) / self._policy.window_s)
        self.findings.judge("window-resets", judge_quota(self._policy, again, how="after the window"))

    async def _retry_after(self, rejection: Answer | None, edge: Edge) -> None:
        """Whoever waits as long as Retry-After says must be admitted."""
        claim, settings = "retry-after-honoured", self._policy.settings
        if not settings.retry_after or self._plan.no_window:
            return
        if rejection is None:
            raise UndecidedError("nothing was rejected")
        defects = judge_retry_after(self._policy, rejection, None if self._plan.no_edges else edge)
        wait = read_number(rejection, "Retry-After")
        if isinstance(wait, int) and not defects:
            await asyncio.sleep(max(0.0, rejection.received_s + wait - time.time()))
            (answer,) = await self._send(self._wire(self._user))
            if rejected(answer):
                waited_s = answer.sent_s - rejection.received_s
                title = f"Retry-After said {wait} s, but a request {waited_s:.2f} s later is rejected"
                defects = [Defect("retry-after-too-short", title, (rejection, answer))]
        self.findings.judge(claim, defects)

    async def _exempt(self) -> None:
        """Exempt paths are never limited and use nothing up."""
        exempt = self._policy.settings.exempt
        if not exempt:
            return
        user = self._identities.lease(1)[0]
        answers = await asyncio.gather(*(self._hammer(self._wire(user), path) for path in exempt))
        limited = [a for part in answers for a in part if a.status in {429, self._policy.settings.rejection_status}]
        defects = [Defect("exempt-limited", f"{a.path} is limited: it answers {a.status}", (a,)) for a in limited[:1]]
        (after,) = await self._send(self._wire(user))
        left = read_number(after, "X-RateLimit-Remaining")
        if not defects and isinstance(left, int) and left < self._policy.quota - 1:
            title = f"requests to exempt paths use up quota: {left} of {self._policy.quota} are left after one request"
            # A user who sent nothing before tells an untrue header from a quota that is really used up.
            (fresh,) = await self._send(self._wire(self._identities.lease(1)[0]))
            if read_number(fresh, "X-RateLimit-Remaining") != left:
                defects = [Defect("exempt-counted", title, (after,))]
        self.findings.judge("health-exempt", defects)

    async def _hammer(self, wire: Wire, path: str) -> list[Answer]:
        self.findings.requests += self._policy.quota + BEYOND
        return [await wire.send("GET", path) for _ in range(self._policy.quota + BEYOND)]

    async def _by_address(self) -> None:
        """Clients without a token are told apart by address."""
        if self._policy.settings.anonymous_by != "address" or self._plan.no_addresses:
            return
        first, second = self._identities.lease_anonymous(2)
        used_up = await self._exhaust(first)
        if not rejected(used_up[-1]) or not self._is_limit(used_up[-1]):
            title = f"{len(used_up)} requests without a token from one address are all admitted"
            self.findings.judge("anonymous-by-address", [Defect("unlimited", title, (used_up[-1],))])
            return
        (other,) = await self._send(self._wire(second))
        shared = other.status == used_up[-1].status
        title = "a client is rejected once another address used up its quota"
        defects = [Defect("shared-by-addresses", title, (used_up[-1], other))] if shared else []
        self.findings.judge("anonymous-by-address", defects)

    def _is_limit(self, answer: Answer) -> bool:
        """Return whether an answer is a rejection by the limiter (a client without a token may get 401 before)."""
        return answer.status not in {401, 403}

    async def _exhaust(self, identity: Identity) -> list[Answer]:
        return await self._send(self._wire(identity), self._policy.quota + BEYOND)

    async def _forwarded(self) -> None:
        """See that a client whose quota is used up gets none by claiming another address."""
        if self._policy.settings.anonymous_by != "address":
            return
        leased = self._identities.lease_anonymous(1)
        client = leased[0] if leased else Identity(name="anonymous")
        used_up = await self._exhaust(client)
        edge = end_of_window(self._policy, used_up)
        if not self._is_limit(used_up[-1]) or not rejected(used_up[-1]):
            raise UndecidedError("a client without a token was not limited at all")
        wire, defects = self._wire(client), []
        for header in SPOOFED:
            value = "for=198.51.100.7" if header == "Forwarded" else "198.51.100.7"
            self.findings.requests += 1
            settings = self._policy.settings
            answer = await wire.send(settings.method, settings.path, {header: value})
            if not inside(edge, [answer]):
                raise UndecidedError("the window ended before every header was tried")
            if answer.status != used_up[-1].status:
                title = f"a forged {header} opens a new bucket"
                defects.append(Defect(f"bypass-{header.lower()}", title, (used_up[-1], answer)))
        self.findings.judge("forwarded-for-ignored", defects)
