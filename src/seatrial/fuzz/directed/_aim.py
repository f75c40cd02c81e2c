"""What was documented, what came of it so far, and who may ask for the rest, while time is left."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping

from seatrial.core import NOBODY, Identity, Tally, user_named
from seatrial.fuzz._looked import proper
from seatrial.fuzz._messages import Sent
from seatrial.fuzz.directed._requests import Answered, Asked, Senders, asked_in
from seatrial.openapi import Operation, documented_in, fill

SUCCESS = range(200, 300)
AT_THE_DOOR = frozenset({401, 403, 429})
LONGEST_S = 10.0
"""How long all of this may take."""


class Aim:
    """The operations, what was sent to them, and what came so far; `users` are headers by identities' names."""

    def __init__(  # noqa: PLR0913 - what was found, and what to go on with
        self,
        operations: Mapping[str, Operation],
        sent: Iterable[Sent],
        came: Iterable[Tally],
        *,
        users: Mapping[str, Mapping[str, str]],
        senders: Senders,
        url: str,
    ) -> None:
        self.operations = operations
        self.users = users
        self.senders = senders
        self.found: list[Tally] = []
        self._url = url
        self._sent: dict[str, list[Sent]] = defaultdict(list)
        for each in sent:
            if each.status and each.operation in operations and proper(each, operations[each.operation]):
                self._sent[each.operation].append(each)
        self._came: dict[str, list[Tally]] = defaultdict(list)
        for tally in came:
            self._came[tally.operation].append(tally)
        self._until_s = time.monotonic() + LONGEST_S

    @property
    def late(self) -> bool:
        """Return whether no time is left."""
        return time.monotonic() > self._until_s

    def is_served(self, operation: Operation) -> bool:
        """Return whether somebody was served."""
        return any(tally.status in SUCCESS for tally in self._came[operation.label])

    def accepted(self, operation: Operation) -> set[str]:
        """Return the inputs of an operation that somebody held when he was served."""
        return {name for tally in self._came[operation.label] for name in tally.valid}

    def unseen(self, operation: Operation) -> set[str]:
        """Return the statuses of an operation that never came."""
        (row,) = fill(documented_in({operation.label: operation}), self._came[operation.label])
        return {cell.status for cell in row.answers if not cell.count}

    def samples(self, operation: Operation, count: int) -> list[tuple[Asked, Identity]]:
        """Return requests of an operation and who sent them: those first that were served, then the shortest."""
        chosen = sorted(self._sent[operation.label], key=_usefulness)[:count]
        return [(asked_in(each, self._url), self._sender_of(each)) for each in chosen]

    def _sender_of(self, sent: Sent) -> Identity:
        return Identity(name=sent.identity, headers=self.users.get(sent.identity, {}))

    def ask(self, operation: Operation, asked: Asked, who: Identity, *, valid: tuple[str, ...] = ()) -> Answered:
        """Send a request, and count its answer; `valid` are the inputs that are so if it is served."""
        answer = self.senders.send(asked, who)
        shown = valid if answer.status in SUCCESS else ()
        caller = user_named(who.name) if who.headers or who.query else NOBODY
        tally = Tally(operation=operation.label, status=answer.status, media=answer.media, valid=shown, caller=caller)
        if answer.status:
            self.found.append(tally)
            self._came[operation.label].append(tally)
        return answer


def _usefulness(sent: Sent) -> tuple[bool, bool, int, int]:
    return sent.status not in SUCCESS, sent.status in AT_THE_DOOR, len(sent.body) + len(sent.url), sent.number
