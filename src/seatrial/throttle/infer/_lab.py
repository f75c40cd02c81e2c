"""Clients that nobody used before, requests that are counted, and a record of what came back."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field

from seatrial.throttle._answers import Headers
from seatrial.throttle._shapes import NO_ANSWER
from seatrial.throttle._wire import Answer, Instant, Wire, WireError
from seatrial.throttle.infer._ends import told_spans
from seatrial.throttle.infer._looks import Looks
from seatrial.throttle.infer._people import Person
from seatrial.throttle.infer._seen import Hit, Segment
from seatrial.throttle.infer._task import Task

PAUSE_S = 0.02
FRESH_AFTER = 2.1
"""A sliding counter remembers two windows."""


class SpentError(Exception):
    """The request budget is used up."""


class OpenError(Exception):
    """Something could not be decided; says why."""


class GoneError(Exception):
    """The target does not answer any more."""


@dataclass(slots=True)
class Client:
    """One bucket's key: a person, an address, or both."""

    name: str
    wire: Wire
    person: Person
    used_s: float | None = None
    busy: bool = False


@dataclass(slots=True)
class Record:
    """What one client asked since it was fresh, in order."""

    client: Client
    plain: bool = True
    answers: list[Answer] = field(default_factory=list)
    left_out: bool = False
    screened: bool = False


class Lab:
    """One target and the budget for it."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.random = random.Random(f"infer:{task.seed}")  # noqa: S311 - repeatable on purpose
        self.requests = 0
        self.replicas = 1
        self.refilled = False  # whether what was admitted after refusals could have come back to a bucket
        self.began_s = time.monotonic()
        self.deadline_s = self.began_s + task.max_s
        self.clients: list[Client] = []
        self.records: list[Record] = []
        self.compared: list[Answer] = []  # of others, and of the first client beside them
        self.looks: Looks | None = None
        self.window_s: float | None = None
        self._wires: list[Wire] = []
        self._told = 0, 0.0
        self._epoch_s = time.time() - time.monotonic()

    def client(self, name: str, person: Person, address: str = "") -> Client:
        """Return somebody to ask as."""
        headers = {**self.task.headers, **person.headers}
        wire = Wire(self.task.base, name=name, headers=headers, address=address)
        self._wires.append(wire)
        return Client(name, wire, person)

    def again(self, client: Client) -> Client:
        """Return the same client on another connection."""
        wire = client.wire.twin()
        self._wires.append(wire)
        return Client(client.name, wire, client.person)

    async def close(self) -> None:
        """Hang up everywhere."""
        await asyncio.gather(*(wire.close() for wire in self._wires))

    @contextlib.asynccontextmanager
    async def fresh(self) -> AsyncIterator[Client]:
        """Lend a client whose quota nobody touched; with too few clients, wait until one has it back."""
        while (client := next(self._free(), None)) is None:  # noqa: ASYNC110 - time alone frees a client
            await asyncio.sleep(PAUSE_S)
        client.busy = True
        try:
            yield client
        finally:
            client.busy, client.used_s = False, time.monotonic()

    def _free(self) -> Iterator[Client]:
        yield from (client for client in self.clients if not client.busy and client.used_s is None)
        if self.window_s is not None:
            since_s = time.monotonic() - FRESH_AFTER * max(self.window_s, self.told_length())
            yield from (c for c in self.clients if not c.busy and c.used_s is not None and c.used_s < since_s)

    def told_length(self) -> float:
        """Return how far apart two ends are that the first client was told of, 0 where that is too far to wait for."""
        answers = self.records[0].answers
        if len(answers) != self._told[0]:  # somebody who waits wants to know again and again
            low, high = next(iter(told_spans(answers)), (0.0, 0.0))
            self._told = len(answers), (low + high) / 2 if high * 1.2 < self.task.max_s else 0.0
        return self._told[1]

    def spend(self, count: int = 1) -> None:
        """Count requests before they are sent; raises SpentError."""
        if self.requests + count > self.task.max_requests:
            raise SpentError
        self.requests += count

    async def send(
        self, client: Client, *, path: str = "", method: str = "", extra: Headers = (), anew: bool = False
    ) -> Answer:
        """Send one request; a connection that ends without an answer is an answer too. Raises SpentError."""
        self.spend()
        method, path, sent = method or self.task.method, path or self.task.path, Instant.now()
        if anew:
            await client.wire.close()
        try:
            return await client.wire.send(method, path, extra)
        except WireError as error:
            return Answer(
                method=method,
                path=path,
                status=NO_ANSWER,
                headers=(),
                sent=sent,
                received=Instant.now(),
                client=client.name,
                extra=extra,
                body=str(error),
            )

    def record(self, client: Client, *, plain: bool = True) -> Record:
        """Begin to write down what a client sees."""
        found = Record(client, plain)
        self.records.append(found)
        return found

    async def ask(self, record: Record, *, anew: bool = False) -> Answer:
        """Send the plain request and write its answer down; raises SpentError, GoneError."""
        answer = await self.send(record.client, anew=anew)
        if self.looks and not (self.looks.refused(answer) or self.looks.admitted(answer)):
            answer = await self._once_more(record.client, answer)
        record.answers.append(answer)
        return answer

    async def _once_more(self, client: Client, answer: Answer) -> Answer:
        """Ask again where an answer is neither admitted nor refused; raises GoneError where that stays so."""
        for _ in range(2):
            await asyncio.sleep(PAUSE_S)
            again = await self.send(client)
            if self.looks and (self.looks.refused(again) or self.looks.admitted(again)):
                return again
        what = answer.body if answer.status == NO_ANSWER else f"it answers {answer.status}"
        raise GoneError(f"the target stopped working meanwhile: {what}")

    def segments(self) -> list[Segment]:
        """Return what was written down, as far as it can be held against models."""
        return [
            Segment(record.client.name, hits, plain=record.plain, screened=record.screened)
            for record in self.records
            if not record.left_out and (hits := self.hits(record.answers))
        ]

    def hits(self, answers: Sequence[Answer]) -> tuple[Hit, ...]:
        """Return answers by the time since the epoch, on a clock that never steps."""
        if self.looks is None:
            return ()
        return tuple(
            Hit(answer.sent.s + self._epoch_s, answer.received.s + self._epoch_s, self.looks.admitted(answer))
            for answer in sorted(answers, key=lambda answer: answer.sent.s)
            if self.looks.admitted(answer) or self.looks.refused(answer)
        )
