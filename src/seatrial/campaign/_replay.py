"""One recorded finding, looked at once more on a service that is up: whose requests they were is minted anew."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from seatrial.campaign._besides import besides_of
from seatrial.campaign._options import Options
from seatrial.campaign._run import NO_KEY, UP, choose, declared_people, signing_key, why_unsigned
from seatrial.config import ContractSettings, Settings, rejections
from seatrial.core import EnvironmentFailure, Exchange, Finding, Identities, Identity, UsageError
from seatrial.core.scripts import roles
from seatrial.http import AddressPool, IdentityPool, SigningKey
from seatrial.openapi import served_document
from seatrial.record import Record
from seatrial.stack import Choice, read_state

if TYPE_CHECKING:
    from seatrial.fuzz import Replayed

FEWEST = 4
"""A shorter beginning of a fingerprint names nothing in particular."""


def find_finding(record: Record, named: str) -> Finding:
    """Return the finding with this fingerprint, or the one whose fingerprint begins so; raises UsageError."""
    known = {found.fingerprint: found for result in record.results.values() for found in result.findings}
    meant = [found for name, found in known.items() if name.startswith(named) and len(named) >= FEWEST]
    if len(meant) != 1:
        raise UsageError(
            f"{'no finding' if not meant else 'more than one finding'} of this run is called {named!r}",
            slug="finding-unknown",
            where=str(record.directory),
            remedy=f"name one of: {', '.join(known) or '(the run found nothing)'}",
        )
    return meant[0]


def steps_of(record: Record, finding: Finding) -> list[Exchange]:
    """Return the requests that show a finding, in order; raises UsageError where it cannot be replayed."""
    from seatrial.fuzz import can_judge  # noqa: PLC0415 - needed by replays only

    steps = [record.exchanges[id_] for id_ in finding.steps if id_ in record.exchanges]
    if not can_judge(finding.check) or not steps or len(steps) < len(finding.steps):
        line = f"its line: {finding.replay}" if finding.replay else "run the suite again: seatrial run --only"
        raise UsageError(
            f"a finding of {finding.check} is not replayed",
            slug="finding-not-replayable",
            where=f"{finding.operation}: {finding.title}" if finding.operation else finding.title,
            remedy=line,
        )
    return steps


@dataclass(frozen=True, slots=True)
class Stage:
    """A service that is up, and who may ask it, by the identities' names in the record."""

    url: str
    secrets: Mapping[str, Identity]
    steps: Sequence[Exchange]
    identities: Identities


def set_stage(settings: Settings, record: Record, finding: Finding, *, stack: str, allow_target: str) -> Stage:
    """Return what a replay needs; raises UsageError or EnvironmentFailure."""
    steps = steps_of(record, finding)
    wanted = stack or _where(settings, record)
    attached, choice = choose(settings, Options(stack=wanted, allow_target=allow_target))
    url = str(attached["url"]) if attached else choice.url
    if not url:
        raise _nowhere(wanted)
    names = roles(steps)
    if names and (settings.auth is None or why_unsigned(settings, choice)):
        raise EnvironmentFailure(
            NO_KEY, slug="finding-not-signed", where="[auth]", remedy="name the key's file, or replay on `seatrial up`"
        )
    bases = [stage.url for stage in record.stacks]
    moved = [replace(step, request=replace(step.request, url=_moved(step.request.url, bases, url))) for step in steps]
    pool = _pool(settings, choice, url)
    return Stage(url, _people(pool, names) if settings.auth and names else {}, moved, pool)


def _where(settings: Settings, record: Record) -> str:
    """Return where a replay goes if nobody says so: to the stack that is up, else to the URL of the run."""
    if read_state(settings.root):
        return UP
    if record.origin.stack == "remote" and record.stacks:
        return record.stacks[0].url
    raise _nowhere("")


def _nowhere(wanted: str) -> UsageError:
    return UsageError(
        f"a replay starts no stack{f': --stack {wanted}' if wanted else ', and none is up'}",
        slug="replay-nowhere",
        where="--stack",
        remedy="start one with `seatrial up`, or name a service: --stack URL",
    )


def _pool(settings: Settings, choice: Choice, url: str) -> IdentityPool:
    """Return where users come from who were in no run; nobody's credentials are fetched before he sends."""
    return IdentityPool(
        settings.auth,
        key=signing_key(settings, choice) or SigningKey.generate(),
        run=f"replay-{secrets.token_hex(4)}",
        seed=0,
        addresses=AddressPool("none", seed=0),
        named=settings.identities,
        people=declared_people(settings, lambda _name, _value: None, url=url, check=False),
    )


def _people(pool: IdentityPool, names: Mapping[str, str]) -> dict[str, Identity]:
    """Return users by the names of those of then: those who are declared, else new ones of an organisation each."""
    known = {each.name for each in pool.people.identities()} if pool.people else set()
    return {name: pool.named(name) if name in known else pool.lease(1)[0] for name in names}


def _moved(url: str, bases: Sequence[str], target: str) -> str:
    """Return a URL of a run's stack at another service."""
    base = max((base for base in bases if url.startswith(base)), key=len, default="")
    base = base or "/".join(url.split("/", 3)[:3])
    return target.rstrip("/") + url.removeprefix(base.rstrip("/"))


def replay_finding(settings: Settings, finding: Finding, stage: Stage) -> Replayed:
    """Send a finding's requests once more, and judge the last answer by the document that is served now."""
    from seatrial.fuzz import Anew, replay  # noqa: PLC0415 - needed by replays only

    anew = Anew(
        settings=settings.contract or ContractSettings(),
        besides=besides_of(settings),
        identities=stage.identities,
        url=stage.url,
        limited=rejections(settings.limits),
    )
    document = partial(served_document, settings, stage.url)
    return replay(finding, stage.steps, secrets=stage.secrets, document=document, anew=anew)
