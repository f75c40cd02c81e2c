"""What every phase of a proof works with: clients that nobody saw before, and requests that are counted."""

from __future__ import annotations

import asyncio
import copy
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Self

from seatrial.core import Identities, Identity, Progress, Target
from seatrial.throttle._answers import Headers
from seatrial.throttle._claims import lasted_s
from seatrial.throttle._kinds import Kinds, UndecidedError, UnrefusedError, ends_rejected, tell_kinds
from seatrial.throttle._ledger import Ledger
from seatrial.throttle._means import Means
from seatrial.throttle._networks import fresh_address
from seatrial.throttle._patience import suspicious
from seatrial.throttle._policy import BEYOND, Plan, Policy
from seatrial.throttle._step import Kind, Schedule, Step
from seatrial.throttle._window import Edge, end_of_window, inside
from seatrial.throttle._wire import Answer, HungUpError, Wire, WireError

ATTEMPTS = 4
AFTER_S = 0.01


class SpentError(Exception):
    """The request budget is used up; nothing more may be sent."""


class Scene:
    """One policy, one target, one ledger; the scene of a step knows its clients, and counts its requests."""

    def __init__(  # noqa: PLR0913 - all that a proof is given
        self,
        policy: Policy,
        *,
        plan: Plan,
        schedule: Schedule,
        target: Target,
        identities: Identities,
        progress: Progress,
        seed: int,
        means: Means | None = None,
    ) -> None:
        self.policy, self.plan, self.schedule, self.url = policy, plan, schedule, target.url
        self._target = target
        self.means = means or Means()
        self.progress = progress
        self.ledger = Ledger()
        self.random = random.Random(f"throttle:{seed}")  # noqa: S311 - repeatable on purpose
        self._step: Step | None = None
        self._begun = {step.name: asyncio.Event() for step in self.schedule.steps}
        self._identities = identities
        self._deadline_s = time.monotonic() + plan.budget_s
        self._wires: list[Wire] = []

    def at(self, step: Step) -> Self:
        """Return the scene of one step."""
        scene = copy.copy(self)
        scene._step = step  # noqa: SLF001 - its own
        return scene

    @property
    def step(self) -> Step:
        """Return the step that this is the scene of."""
        if self._step is None:
            raise RuntimeError("this is the scene of no step")
        return self._step

    async def begin(self) -> None:
        """Wait until the first visits of the step before this one are over."""
        if self.step.after:
            await self._begun[self.step.after].wait()

    def go_on(self) -> None:
        """Let those begin that wait for the first visits of this step."""
        self._begun[self.step.name].set()

    def spend(self, count: int = 1) -> None:
        """Count requests before they are sent; raises SpentError beyond what the policy allows."""
        if self.ledger.requests + count > self.schedule.most:
            raise SpentError
        self.ledger.sent[self.step.name] = self.ledger.sent.get(self.step.name, 0) + count

    def wire(self, identity: Identity) -> Wire:
        """Return a connection of a client, closed when the proof ends."""
        wire = self.unheard(identity)
        self._wires.append(wire)
        return wire

    def unheard(self, identity: Identity) -> Wire:
        """Return a connection whose answers are not told later, for whom there would be too many; close it."""
        return Wire(
            self.url,
            name=identity.name,
            headers=identity.headers,
            via=self._target.seen_from(identity.address),
            address=identity.address,
            reported=identity.reported,
            body=self.policy.body,
        )

    async def close(self) -> None:
        """Hang up everywhere."""
        self.ledger.late_s = max((wire.late_s for wire in self._wires), default=0.0)
        await asyncio.gather(*(wire.close() for wire in self._wires))

    def cast(self) -> Sequence[Identity]:
        """Return the clients of the step, in the order of the schedule; nobody saw them before.

        Raises UndecidedError where there are not so many addresses.
        """
        clients = {client.name: client for client in self.step.clients}
        made: dict[str, Identity] = {}
        for client in sorted(clients.values(), key=lambda client: bool(client.of)):
            other = made.get(client.of)
            made[client.name] = self.reported(client.via) if client.via else self._make(client.kind, other)
        return [made[name] for name in clients]

    def another(self, kind: Kind | None = None) -> Identity:
        """Return one more client of a kind, by default like the first of the step, to confirm what that one showed."""
        return self._make(kind or self.step.clients[0].kind, None)

    async def ask_once(self) -> Answer:
        """Send one request as somebody who never came before, and hang up; raises WireError."""
        identity = self.another("user" if self.plan.no_addresses else "address")
        wire, settings = self.unheard(identity), self.policy.settings
        try:
            self.spend()
            return await wire.send(settings.method, settings.path)
        finally:
            await wire.close()

    def _make(self, kind: Kind, other: Identity | None) -> Identity:
        if other is None:
            return self._stranger(kind)
        if kind == "colleague":
            return self._identities.lease(1, organisation=other.organisation, fresh=True)[0]
        if kind == "again":
            return replace(self._identities.again(other), name=f"{other.name} (another token)")
        forged, address = self._identities.forged(other) if kind == "forged" else other, self._anonymous().address
        return replace(forged, address=address, name=f"{forged.name}@{address}")

    def _stranger(self, kind: Kind) -> Identity:
        if kind == "user":
            return self._identities.lease(1, fresh=True)[0]
        return Identity(name="anonymous") if kind == "nobody" else self._anonymous()

    def _anonymous(self) -> Identity:
        found = self._identities.lease_anonymous(1)
        if not found:
            raise UndecidedError("this needs clients with an address of their own")
        return found[0]

    def reported(self, proxy: str) -> Identity:
        """Return a client of an IPv6 network that nobody had before, as a proxy says."""
        address = fresh_address()
        return Identity(name=f"{address}@{proxy}", address=proxy, reported=address)

    async def send(self, wire: Wire, count: int = 1, extra: Headers = ()) -> list[Answer]:
        """Send requests to the limited path, one by one."""
        settings = self.policy.settings
        return [await self.ask(wire, settings.method, settings.path, extra) for _ in range(count)]

    async def ask(self, wire: Wire, method: str, path: str, extra: Headers) -> Answer:
        """Send one request; a connection that ends without an answer is an answer too: some limiters refuse so."""
        self.spend()
        await wire.open()
        try:
            return await wire.send(method, path, extra)
        except HungUpError:
            return wire.answers[-1]  # it stands for the one that did not come

    async def probe(self, wire: Wire, extra: Headers = ()) -> list[Answer]:
        """Send as many requests as tell a quota of one's own from what comes back to one that is used up."""
        return await self.send(wire, self.policy.probes, extra)

    def own_quota(self, answers: Sequence[Answer], kinds: Kinds) -> bool:
        """Return whether what was sent after a rejection (the first answer) is sure to be counted elsewhere.

        Raises UndecidedError where every request was admitted, and what came back to the one that is used up could have
        done it.
        """
        admitted = sum(kinds.admitted(answer) for answer in answers[1:])
        if admitted < len(answers) - 1:
            return False
        # Less than one request was left.
        if self.policy.refills and admitted <= 1 + self.policy.back(lasted_s(answers)):
            raise UndecidedError("too much comes back meanwhile here to tell whose quota it is")
        return True

    async def ramp(self, wire: Wire, *, anonymous: bool) -> tuple[list[Answer], Kinds]:
        """Fill a fresh client's quota one by one, until it is seen what a rejection is, or twice the quota was sent.

        Raises UndecidedError when that does not fit into one window: nothing is known about what the rest admits. Where
        nothing was refused until then, it is an UnrefusedError, also when all beyond the quota took longer than others.
        """
        settings, answers = self.policy.settings, await self.send(wire, self.policy.ramp)
        enough = self.policy.quota + self.policy.ramp
        kinds = tell_kinds(
            answers, declared=settings.rejection_status, anonymous=anonymous, window_s=self.policy.window_s
        )
        while not ends_rejected(answers, settings.rejection_status) and len(answers) < enough:
            if suspicious(self.policy.quota, answers) or not inside(end_of_window(self.policy, answers), answers):
                raise UnrefusedError(f"{len(answers)} requests, none refused, do not fit into one window here")
            answers += await self.send(wire, BEYOND)
        if not inside(end_of_window(self.policy, answers), answers):
            raise UndecidedError(f"{len(answers)} requests do not fit into one window here")
        kinds = tell_kinds(
            answers, declared=settings.rejection_status, anonymous=anonymous, window_s=self.policy.window_s
        )
        self.ledger.journal.kinds.append(kinds)
        return answers, kinds

    async def burst(self, user: Identity) -> list[Answer]:
        """Ask for a client's quota all at once, over many connections."""
        connections, each = self.policy.spread
        wires = [self.wire(user) for _ in range(connections)]
        await asyncio.gather(*(wire.open() for wire in wires))
        parts = await asyncio.gather(*(self.send(wire, each) for wire in wires))
        return sorted((answer for part in parts for answer in part), key=lambda answer: answer.received.s)

    async def one_write(self, user: Identity) -> list[Answer]:
        """Ask for a client's quota in one write, which many servers handle in one turn of their loop."""
        settings, count = self.policy.settings, self.policy.ramp
        self.spend(count)
        return await self.wire(user).pipeline(settings.method, settings.path, count)

    async def volley(self, user: Identity, count: int) -> list[Answer]:
        """Ask over so many connections in one moment: each has its request but for the end, which all get together."""
        settings, wires = self.policy.settings, [self.wire(user) for _ in range(count)]
        self.spend(count)
        await asyncio.gather(*(wire.begin(settings.method, settings.path) for wire in wires))
        for wire in wires:
            wire.release()
        answers = await asyncio.gather(*(wire.finish(settings.method, settings.path) for wire in wires))
        return sorted(answers, key=lambda answer: answer.received.s)

    async def await_clock(self) -> None:
        """Begin in the first half of a window that follows the clock."""
        window_s = self.policy.window_s
        if self.policy.settings.anchor == "clock" and time.time() % window_s > window_s / 2:
            await self.sleep_until(time.monotonic() + window_s - time.time() % window_s)

    async def sleep_until(self, moment_s: float) -> None:
        """Sleep until just after a moment of the steady clock."""
        await asyncio.sleep(max(0.0, moment_s + AFTER_S - time.monotonic()))

    def moment_s(self, edge: Edge, what: str) -> float:
        """Return when a visit of the step is due, in the window that ends there."""
        return edge.earliest_s - (1 - self.step.visit(what).at) * self.policy.window_s

    async def attempt(self, claims: Sequence[str], phase: Callable[[], Awaitable[None]]) -> bool:
        """Run a phase, again with other clients when it was not decided; what stays undecided never passes.

        Return whether it was decided in the end.
        """
        reason = ""
        for _ in range(ATTEMPTS):
            began_s = time.monotonic()
            try:
                await phase()
            except (UndecidedError, WireError) as error:
                reason = reason or str(error)
                wait_s = error.wait_s if isinstance(error, UndecidedError) else 0.0
                if time.monotonic() + wait_s + (time.monotonic() - began_s) > self._deadline_s:
                    break
                self.ledger.repeated += 1
                await asyncio.sleep(wait_s)
            else:
                return True
        self.ledger.leave_open(claims, reason)
        return False

    @property
    def heard(self) -> list[Answer]:
        """Return what came of every request of any client."""
        return [answer for wire in self._wires for answer in wire.answers]
