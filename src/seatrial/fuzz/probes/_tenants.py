"""Whether organisations reach each other's resources: something is made, and somebody of another one tries."""

from __future__ import annotations

from functools import partial

from seatrial.core.recipes import values_of
from seatrial.fuzz._looked import Gap
from seatrial.fuzz._messages import Sent
from seatrial.fuzz.probes._ask import Unclear, said
from seatrial.fuzz.probes._found import Seen, twice
from seatrial.fuzz.probes._gaps import left_out, look_at_each
from seatrial.fuzz.probes._ground import GONE, SUCCESS, Ground
from seatrial.fuzz.probes._kinds import CHANGES, Kind, Made, alike, kinds_of, make, served
from seatrial.openapi import Operation

REFUSED = frozenset({403, *GONE})
"""Statuses that say that somebody may not; 401 says so of his credentials, 405 of everybody."""

NOBODY = "[auth] claims names no {organisation}, and no declared users are of two: nobody says that there are tenants"
NOTHING = "no operation that needs credentials is about one resource"
ALIKE = 0.5
"""How much of what the owner reads a stranger has to be shown: an answer of 200 may say that there is nothing."""


def tenants_apart(ground: Ground) -> tuple[list[Seen], Gap | None]:
    """Try each operation on a resource of another organisation; its own one then shows that it works and was kept."""
    wanted = [each for each in ground.operations.values() if _is_private(each, ground)]
    if not (ground.besides.tenants and wanted):
        return [], left_out([], NOTHING if ground.besides.tenants else NOBODY)
    kinds = {each.label: kind for kind in kinds_of(ground.operations) for each in _about(kind)}
    seen, unclear = look_at_each(
        ground,
        ((operation.label, partial(_tried, kinds.get(operation.label), operation, ground)) for operation in wanted),
    )
    return seen, left_out(unclear)


def _is_private(operation: Operation, ground: Ground) -> bool:
    """Return whether an operation is about something of somebody's."""
    named = operation.method in {"GET", *CHANGES} and operation.in_path
    declared = {*ground.settings.shared, *ground.settings.closed}
    return named and operation.secured and operation.label not in declared


def _about(kind: Kind) -> tuple[Operation, ...]:
    return (kind.read, *kind.changes, *kind.under)


def _tried(kind: Kind | None, operation: Operation, ground: Ground) -> list[Seen]:
    """Return what a stranger could do; that is tried a second time, on something new."""
    if kind is None:
        raise Unclear("no operation makes what it is about")
    attempt = _read if operation.method == "GET" else _write
    return twice(partial(attempt, kind, operation, ground))


def _read(kind: Kind, operation: Operation, ground: Ground) -> Seen | None:
    made = make(kind, ground, ground.ask.fresh())
    stranger = ground.ask.stranger_to(made.owner)
    url = _place(made, kind, operation)
    own = ground.ask.ask(operation, url, made.owner)
    if own.status not in SUCCESS:
        raise Unclear(f"its owner: {said(own)}")
    theirs = ground.ask.ask(operation, url, stranger)
    if theirs.status in SUCCESS and _shows(theirs, own):
        return _seen(operation, "read", [made.sent, theirs])
    if theirs.status not in REFUSED and theirs.status not in SUCCESS:
        raise Unclear(f"a stranger: {said(theirs)}")
    return None


def _write(kind: Kind, operation: Operation, ground: Ground) -> Seen | None:
    """Let a stranger write, then the owner in the same way: what harms nothing for either of them shows nothing.

    How it was before is read of another one, as no cache may answer a read after it.
    """
    twin, made = alike(kind, ground)
    stranger = ground.ask.stranger_to(made.owner)
    before = served(twin, kind, ground)
    sample = _telling(operation, before, ground)
    theirs = _as(stranger, made, operation, sample, ground)
    after = ground.ask.ask(kind.read, made.url, made.owner)
    if _harmed(before, after, sample):
        return _seen(operation, "remove" if operation.method == "DELETE" else "change", [made.sent, theirs, after])
    if theirs.status not in REFUSED and theirs.status not in SUCCESS:
        raise Unclear(f"a stranger: {said(theirs)}")
    own = _as(made.owner, made, operation, sample, ground)
    if own.status not in SUCCESS:
        raise Unclear(f"its owner: {said(own)}")
    if not _harmed(after, ground.ask.ask(kind.read, made.url, made.owner), sample):
        raise Unclear("nothing changes when its owner does it")
    return None


def _as(who: str, made: Made, operation: Operation, sample: Sent | None, ground: Ground) -> Sent:
    if sample is None:
        return ground.ask.ask(operation, made.url, who)
    return ground.ask.ask(operation, made.url, who, body=sample.body, headers=sample.request_headers)


def _telling(operation: Operation, before: Sent, ground: Ground) -> Sent | None:
    """Return a request with a body that would change what is there; none where the operation takes no body."""
    if "body" not in operation.inputs:
        return None
    held = values_of(before.response_body)
    for sample in ground.accepted(operation):
        if any(held.get(place, text) != text for place, text in values_of(sample.request_body).items()):
            return sample
    raise Unclear("nothing that it was sent was accepted and would change anything")


def _harmed(before: Sent, after: Sent, sample: Sent | None) -> bool:
    """Return whether something is gone, or holds what was written and did not before."""
    if after.status in GONE:
        return True
    held, holds = values_of(before.response_body), values_of(after.response_body)
    wrote = values_of(sample.request_body) if sample else {}
    return any(holds.get(place) == text != held.get(place, text) for place, text in wrote.items())


def _shows(theirs: Sent, own: Sent) -> bool:
    """Return whether an answer shows what the owner's shows, and not just that there is nothing."""
    held, holds = values_of(own.response_body), values_of(theirs.response_body)
    if not held:
        return bool(own.response_body) and theirs.response_body == own.response_body
    return sum(holds.get(place) == text for place, text in held.items()) >= ALIKE * len(held)


def _place(made: Made, kind: Kind, operation: Operation) -> str:
    return made.url + operation.path.removeprefix(kind.read.path)


def _seen(operation: Operation, verb: str, steps: list[Sent]) -> Seen:
    title = f"users of one organisation {verb} what is another's"
    return Seen(operation=operation.label, title=title, cause=f"{verb}-across", steps=steps)
