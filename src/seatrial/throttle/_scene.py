"""What every phase of a proof works with: clients that nobody saw before, and requests that are counted."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import cached_property

from seatrial.core import Identities, Identity, Progress, Target
from seatrial.throttle._answers import Headers
from seatrial.throttle._claims import lasted_s
from seatrial.throttle._kinds import Kinds, UndecidedError, ends_rejected, tell_kinds
from seatrial.throttle._ledger import Ledger
from seatrial.throttle._policy import BEYOND, Plan, Policy
from seatrial.throttle._window import end_of_window, inside
from seatrial.throttle._wire import Answer, Wire, WireError

ATTEMPTS = 4
PROBES = 4
CONNECTIONS = 32
AFTER_S = 0.01


class Scene:
    """One policy, one target, one ledger."""

    def __init__(  # noqa: PLR0913 - all that a proof is given
        self,
        policy: Policy,
        *,
        plan: Plan,
        target: Target,
        identities: Identities,
        progress: Progress,
        seed: int,
    ) -> None:
        self.policy, self.plan, self.url = policy, plan, target.url
        self.progress = progress
        self.ledger = Ledger()
        self.random = random.Random(f"throttle:{seed}")  # noqa: S311 - repeatable on purpose
        self._identities = identities
        self._deadline_s = time.monotonic() + plan.budget_s
        self._wires: list[Wire] = []

    def wire(self, identity: Identity) -> Wire:
        """Return a connection of a client, closed when the proof ends."""
        wire = Wire(
            self.url, name=identity.name, headers=identity.headers, address=identity.address, body=self.policy.body
        )
        self._wires.append(wire)
        return wire

    async def close(self) -> None:
        """Hang up everywhere."""
        await asyncio.gather(*(wire.close() for wire in self._wires))

    @cached_property
    def has_users(self) -> bool:
        """Return whether clients are told apart by who they are."""
        (found,) = self._identities.lease(1)
        return bool(found.headers and self.policy.settings.authenticated_by)

    def user(self, *, organisation: str = "") -> Identity:
        """Return a client with a bucket of its own: a user, or an address where users are not told apart."""
        if not self.has_users:
            return self.anonymous()[0]
        return self._identities.lease(1, organisation=organisation, fresh=True)[0]

    def again(self, user: Identity) -> Identity:
        """Return the same user with another token."""
        return self._identities.again(user)

    def forged(self, user: Identity) -> Identity:
        """Return a stranger who claims to be a user."""
        return self._identities.forged(user)

    def anonymous(self, count: int = 1) -> Sequence[Identity]:
        """Return clients without a token, each of an address of its own; raises UndecidedError where there are none."""
        found = self._identities.lease_anonymous(count)
        if len(found) < count:
            raise UndecidedError(f"this needs {count} clients with an address of their own")
        return found

    async def send(self, wire: Wire, count: int = 1, extra: Headers = ()) -> list[Answer]:
        """Send requests to the limited path, one by one."""
        settings = self.policy.settings
        self.ledger.requests += count
        return [await wire.send(settings.method, settings.path, extra) for _ in range(count)]

    async def probe(self, wire: Wire, extra: Headers = ()) -> list[Answer]:
        """Send as many requests as tell a quota of one's own from what comes back to one that is used up."""
        return await self.send(wire, PROBES if self.policy.bucket else 1, extra)

    def own_quota(self, answers: Sequence[Answer], kinds: Kinds) -> bool:
        """Return whether what was sent after a rejection (the first answer) is sure to be counted elsewhere.

        Raises UndecidedError where every request was admitted, and the bucket that is used up could have done it.
        """
        admitted = sum(kinds.admitted(answer) for answer in answers[1:])
        if admitted < len(answers) - 1:
            return False
        # Less than one request was left.
        if self.policy.bucket and admitted <= 1 + self.policy.back(lasted_s(answers)):
            raise UndecidedError("a bucket refills too quickly here to tell whose it is")
        return True

    async def ramp(self, wire: Wire, *, anonymous: bool) -> tuple[list[Answer], Kinds]:
        """Fill a fresh client's quota one by one, until it is seen what a rejection is, or twice the quota was sent.

        Raises UndecidedError when that does not fit into one window: nothing is known about what the rest admits.
        """
        settings, answers = self.policy.settings, await self.send(wire, self.policy.ramp)
        enough = self.policy.quota + self.policy.ramp
        kinds = tell_kinds(
            answers, declared=settings.rejection_status, anonymous=anonymous, window_s=self.policy.window_s
        )
        while not ends_rejected(answers, settings.rejection_status) and len(answers) < enough:
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
        wires = [self.wire(user) for _ in range(min(self.policy.ramp, CONNECTIONS))]
        await asyncio.gather(*(wire.open() for wire in wires))
        share = -(-self.policy.ramp // len(wires))
        parts = await asyncio.gather(*(self.send(wire, share) for wire in wires))
        return sorted((answer for part in parts for answer in part), key=lambda answer: answer.received.s)

    async def one_write(self, user: Identity) -> list[Answer]:
        """Ask for a client's quota in one write, which many servers handle in one turn of their loop."""
        settings, count = self.policy.settings, self.policy.ramp
        self.ledger.requests += count
        return await self.wire(user).pipeline(settings.method, settings.path, count)

    async def await_clock(self) -> None:
        """Begin in the first half of a window that follows the clock."""
        window_s = self.policy.window_s
        if self.policy.settings.anchor == "clock" and time.time() % window_s > window_s / 2:
            await self.sleep_until(time.monotonic() + window_s - time.time() % window_s)

    async def sleep_until(self, moment_s: float) -> None:
        """Sleep until just after a moment of the steady clock."""
        await asyncio.sleep(max(0.0, moment_s + AFTER_S - time.monotonic()))

    async def attempt(self, claims: Sequence[str], phase: Callable[[int], Awaitable[None]]) -> bool:
        """Run a phase, again with other clients when it was not decided; what stays undecided never passes.

        Return whether it was decided in the end.
        """
        reason = ""
        for number in range(ATTEMPTS):
            began_s = time.monotonic()
            try:
                await phase(number)
            except (UndecidedError, WireError) as error:
                reason = reason or str(error)
                wait_s = error.wait_s if isinstance(error, UndecidedError) else 0.0
                if time.monotonic() + wait_s + (time.monotonic() - began_s) > self._deadline_s:
                    break
                await asyncio.sleep(wait_s)
            else:
                return True
        self.ledger.leave_open(claims, reason)
        return False

    @property
    def heard(self) -> list[Answer]:
        """Return every answer that came to any client."""
        return [answer for wire in self._wires for answer in wire.answers]
