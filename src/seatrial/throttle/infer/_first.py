"""The first client: its quota, what a refusal looks like, and whether others share its bucket."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass

from seatrial.throttle._kinds import REDIRECT
from seatrial.throttle._shapes import NO_ANSWER
from seatrial.throttle._wire import Answer
from seatrial.throttle.infer._bucket import fit_bucket
from seatrial.throttle.infer._found import Found
from seatrial.throttle.infer._lab import Client, GoneError, Lab, OpenError, Record, SpentError
from seatrial.throttle.infer._looks import tell_looks
from seatrial.throttle.infer._people import Person
from seatrial.throttle.infer._told import read_told

SHARE = 0.45
"""So much of the time goes into finding a refusal at all."""
LARGEST = 4000
"""A client that was refused none of so many requests, one by one, has no limit; one that sent fewer tells nothing."""
SPARED = 192
"""Requests that are left for what is asked for at once."""
RIPE = 6
SLOWER, SLOWER_S = 3, 0.02
TRIES = 6
IN_A_ROW = 12
TWICE = 2
"""One window may end while a quota is taken; two do not."""


async def first_refusal(lab: Lab, record: Record, *, patient: bool) -> bool:
    """Ask until it is seen what a refusal looks like; raises OpenError for a client that gets no service.

    Returns False when nothing was refused, or, unless patient, when answers come so slowly that something may queue
    them.
    """
    end_s = lab.began_s + lab.task.max_s * SHARE / (1 if patient else 2)
    while not exhausted(lab, record):
        number = len(record.answers)
        answer = await lab.ask(record, anew=True)
        if number == 0:
            _served(answer)
        lab.looks = tell_looks(record.answers)
        if lab.looks:
            return True
        if time.monotonic() > end_s or (not patient and number % RIPE == RIPE - 1 and _slower(record.answers)):
            return False
    return False


def searched(record: Record) -> int:
    """Return how many requests are sent until a client counts as unlimited: more than headers tell, too."""
    return max([LARGEST, *(read_told(answer).limit or 0 for answer in record.answers[:1])]) + 1


def exhausted(lab: Lab, record: Record) -> bool:
    """Return whether no more is asked for to find a refusal."""
    most = max(lab.task.max_requests // 2, lab.task.max_requests - SPARED)
    return len(record.answers) >= searched(record) or lab.requests >= most


def _served(answer: Answer) -> None:
    if answer.status == NO_ANSWER:
        raise GoneError(f"the target does not answer: {answer.body}")
    if answer.status == 429:  # noqa: PLR2004 - RFC 6585
        raise OpenError("a client that sent nothing before is refused: wait until its window has ended, or be another")
    if answer.status >= REDIRECT:
        raise OpenError(f"{answer.method} {answer.path} answers {answer.status}: name one that serves these clients")


def _slower(answers: Sequence[Answer]) -> bool:
    """Tell whether the latest answers took much longer than the first: reason enough to look for a queue."""
    took = [answer.received.s - answer.sent.s for answer in answers]
    return min(took[-RIPE + 1 :]) > SLOWER * min(took) + SLOWER_S


@dataclass(slots=True)
class Crowd:
    """Who can be asked as, in the order in which clients are made."""

    people: list[Person]
    addresses: list[str]

    def use_up(self, count: int) -> None:
        """Leave out those who were asked as already, as far as there are many."""
        for group in (self.people, self.addresses):
            if len(group) > count + 1:
                del group[1 : 1 + count]

    def first(self, lab: Lab) -> Client:
        """Return the first of all."""
        return self.make(lab, self.people[0], self.addresses[0])

    @staticmethod
    def make(lab: Lab, person: Person, address: str) -> Client:
        """Return a person at an address."""
        name = person.user or ("somebody" if person.headers else "anonymous")
        return lab.client(f"{name}@{address}" if address else name, person, address)

    def clients(self, lab: Lab, *, by_person: bool, by_address: bool) -> list[Client]:
        """Return clients with a bucket of their own; the first and the last person and address were used already."""
        people, addresses = self.people[1:], self.addresses[1:]
        if by_person and by_address:
            pairs = list(itertools.product(people, addresses))
        elif by_person:
            pairs = list(zip(people, itertools.cycle(addresses or self.addresses), strict=False))
        else:
            pairs = list(zip(itertools.cycle(self.people), addresses, strict=False)) if by_address else []
        return [self.make(lab, person, address) for person, address in pairs]


async def isolate(lab: Lab, crowd: Crowd, record: Record, found: Found) -> None:
    """Find out who has a bucket of their own, and make the clients; raises SpentError, GoneError."""
    person, address = crowd.people[0], crowd.addresses[0]
    strangers = [one for one in crowd.people[1:] if not _akin(one, person)] or crowd.people[1:]
    by_person = await _apart(lab, record, crowd.make(lab, strangers[-1], address)) if strangers else None
    by_address = None
    if len(crowd.addresses) > 1:
        by_address = await _apart(lab, record, crowd.make(lab, person, crowd.addresses[-1]))
    used = [strangers[-1]] if strangers else []
    crowd.people = [one for one in crowd.people if one not in used or one is person]
    crowd.addresses = crowd.addresses[:-1] if by_address is not None else crowd.addresses
    lab.clients += crowd.clients(lab, by_person=bool(by_person), by_address=bool(by_address))
    await _scope(lab, crowd, record, found, by_person=by_person, by_address=by_address)
    found.show("scope", lab.compared)


def _akin(one: Person, other: Person) -> bool:
    return one.user == other.user or bool(one.organisation and one.organisation == other.organisation)


async def _apart(lab: Lab, record: Record, other: Client) -> bool | None:
    """Tell whether another client is served while the first is refused, before and after; None where that is open."""
    for _ in range(TRIES):
        answer = await lab.send(other)
        control = await lab.ask(record)
        lab.compared += [answer, control]
        if lab.looks is None or not (lab.looks.refused(answer) or lab.looks.admitted(answer)):
            raise GoneError(f"the target answers another client with {answer.status or answer.body}")
        if lab.looks.refused(answer):
            return False
        if lab.looks.refused(control):
            return True
    return None


async def _scope(  # noqa: PLR0913 - the truth table
    lab: Lab, crowd: Crowd, record: Record, found: Found, *, by_person: bool | None, by_address: bool | None
) -> None:
    tested = f"{record.client.name} was refused before and after another one asked"
    if by_person:
        await _whose(lab, crowd, record, found, tested)
        if by_address:
            found.blame("address-in-key", f"the same person has another quota at another address: {tested}")
    elif by_address:
        found.learn("scope", "address", "proved", proof=tested)
    elif by_person is None and by_address is None:
        found.leave_open("scope", "there is one client only: name others with --identity or --address-pool")
    else:
        found.learn("scope", "global", "proved", proof="a client that sent nothing before was refused")
        found.blame("global-bucket", "a client that sent nothing before was refused once another used the quota up")


async def _whose(lab: Lab, crowd: Crowd, record: Record, found: Found, tested: str) -> None:
    """Tell tokens, users and organisations apart, as far as there are two of one."""
    me = crowd.people[0]
    tokens = [one for one in crowd.people[1:] if one.user == me.user]
    fellows = [one for one in crowd.people[1:] if one.user != me.user and _akin(one, me)]
    address = crowd.addresses[0]
    if tokens and await _apart(lab, record, crowd.make(lab, tokens[0], address)):
        found.learn("scope", "token", "proved", proof=tested)
    elif fellows and await _apart(lab, record, crowd.make(lab, fellows[0], address)) is False:
        found.learn("scope", "organisation", "proved", proof=tested)
    else:
        found.learn("scope", "user", "proved" if tokens and fellows else "fitted", proof=tested)
        missing = [*([] if tokens else ["two tokens of one user"]), *([] if fellows else ["two of one organisation"])]
        if missing:
            found.leave_open("scope", f"nobody named {' or '.join(missing)}: that would tell users from those")
    _no_longer_fresh(lab, {id(one) for one in (*tokens[:1], *fellows[:1], me)})


def _no_longer_fresh(lab: Lab, used: set[int]) -> None:
    lab.clients = [client for client in lab.clients if id(client.person) not in used]


async def count_replicas(lab: Lab, record: Record, found: Found) -> int:
    """See whether others still admit after the first refusal, and return the quota of all; raises SpentError."""
    in_a_row, found_at = 0, len(record.answers)
    while in_a_row < IN_A_ROW * max(1, lab.replicas):
        answer = await lab.ask(record, anew=True)
        in_a_row = in_a_row + 1 if lab.looks and lab.looks.refused(answer) else 0
        lab.replicas = max(lab.replicas, _first_hits(record) if _rises(record) >= TWICE else 1)
        if len(record.answers) - found_at > lab.task.max_requests * SHARE:
            raise SpentError
    admitted = sum(bool(lab.looks and lab.looks.admitted(answer)) for answer in record.answers)
    refills = fit_bucket(lab.segments(), admitted) is not None
    limit = read_told(record.answers[0]).limit
    before = next((n for n, a in enumerate(record.answers) if lab.looks and lab.looks.refused(a)), admitted)
    (segment,) = lab.segments()
    split = len(segment.recoveries())
    _judge_replicas(lab, found, refills=refills, split=split, limit=limit, admitted=admitted)
    return admitted if lab.replicas > 1 else before


def _rises(record: Record) -> int:
    """Return how often more is said to remain than in the answer before."""
    told = [one.remaining for one in map(read_told, record.answers) if one.remaining is not None]
    return sum(later > sooner for sooner, later in itertools.pairwise(told))


def _first_hits(record: Record) -> int:
    """Return how many answers say that one request of the quota was used: each instance says so once."""
    told = [read_told(answer) for answer in record.answers]
    return sum(one.limit is not None and one.remaining == one.limit - 1 and one.limit > 1 for one in told)


def _judge_replicas(  # noqa: PLR0913 - what a count rests on
    lab: Lab, found: Found, *, refills: bool, split: int, limit: int | None, admitted: int
) -> None:
    proof = f"{admitted} admitted over new connections, one by one, then {IN_A_ROW} refusals in a row"
    if refills and not (limit and admitted >= lab.replicas * limit and lab.replicas > 1):
        lab.replicas = 1
    if lab.replicas == 1 and split >= TWICE and not refills:
        lab.replicas = 2
        found.leave_open("replicas", "some were admitted after refusals, and no header tells how many instances count")
        found.blame("replicas", proof)
    elif lab.replicas > 1:
        found.learn("replicas", lab.replicas, "proved", proof=f"so many answers say that one request was used; {proof}")
        found.blame("replicas", proof)
    elif split and refills:
        lab.refilled = True  # one bucket, or several instances: the algorithm will tell
    elif split:
        found.leave_open(
            "replicas", "once, some were admitted after a refusal: another instance, or a window that ended"
        )
    else:
        found.learn("replicas", 1, "fitted", proof=proof)
