"""What the contract's stage fills of the matrix: the fuzzer, strangers, and requests aimed at what is still missing."""

from __future__ import annotations

from collections.abc import Mapping

from seatrial.core import Evidence, Identities, Measurement, Target
from seatrial.fuzz._authentication import Send, Who
from seatrial.fuzz._judge import Heard
from seatrial.fuzz._messages import Order, Sent
from seatrial.fuzz._tallies import tallies_of
from seatrial.fuzz.directed import Aim, Directions, Senders, direct
from seatrial.openapi import Operation, documented_in, figures, fill, finder


class Overhearing:
    """Let somebody send, and keep the answers."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.answers: list[Sent] = []

    def __call__(self, sample: Sent, who: Who) -> Sent | None:
        """Send a request, and return its answer."""
        answer = self._send(sample, who)
        self.answers += [answer] if answer else []
        return answer


def exercise(  # noqa: PLR0913 - what was found, and what to go on with
    operations: Mapping[str, Operation],
    heard: Heard,
    others: list[Sent],
    order: Order,
    *,
    target: Target,
    identities: Identities,
    users: Mapping[str, Mapping[str, str]],
    directions: Directions | None,
) -> Evidence:
    """Return what is documented and how often it came, to `others` too, once what is missing was aimed at."""
    tallies = tallies_of(operations, [*heard.sent, *others])
    if directions and not heard.gone:
        senders = Senders(identities, target, uses=order.uses)
        aim = Aim(operations, heard.sent, tallies, users=users, senders=senders, url=target.url)
        tallies += direct(aim, directions)
    documented = documented_in(operations, limited=order.limited, beyond=_beyond(operations, directions))
    return Evidence(
        measurements=(*figures(fill(documented, tallies)), *_cases(heard)),
        documented=documented,
        tallies=tallies,
        unfinished=f"the fuzzer was stopped in its phase {heard.stopped}" if heard.stopped else "",
    )


def _beyond(operations: Mapping[str, Operation], directions: Directions | None) -> dict[str, str]:
    """Return why operations are out of reach, by their labels."""
    find, reasons = finder(operations), directions.beyond if directions else {}
    found = {find(*request.split(" ", 1)): reason for request, reason in reasons.items()}
    return {operation.label: reason for operation, reason in found.items() if operation}


def _cases(heard: Heard) -> list[Measurement]:
    """Return how many requests the engine sent; none is no figure."""
    count = len(heard.sent)
    name, definition = "contract.cases", "requests of the fuzzer"
    return [Measurement(name=name, value=count, unit="count", definition=definition)] if count else []
