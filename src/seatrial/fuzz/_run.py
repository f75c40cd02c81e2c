"""Fuzz a served contract: the engine in a child process, identities by turns, outcomes and the matrix.

document --Order--> child (Schemathesis) --Sent lines--> judge --> Evidence
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from seatrial.config import ContractSettings, LimitSettings, effective
from seatrial.core import Evidence, Identities, Identity, Measurement, Progress, SeatrialError, Target, curl_for
from seatrial.fuzz._authentication import Doors, Stranger, judge_authentication
from seatrial.fuzz._carried import HEADER
from seatrial.fuzz._evidence import as_exchange
from seatrial.fuzz._judge import Heard, judge
from seatrial.fuzz._listen import EngineProcess
from seatrial.fuzz._looked import unpromised_ends
from seatrial.fuzz._matrix import Overhearing, exercise
from seatrial.fuzz._messages import Key, Order, Share, Source
from seatrial.fuzz.directed import Directions
from seatrial.fuzz.probes import Asker, Besides, Ground, probe
from seatrial.openapi import Operation, fetch_document, operations_of, selected
from seatrial.signin import People

OWN_SHARE, WHOLE_SHARE = 0.6, 0.8
"""How much of its quota an identity may use of its own accord, and with requests about what it made.

The rest is left for requests that are sent once more, and for a limiter that counts more strictly than it promises.
"""

UNLIMITED = 100_000
FEWEST, MOST = 4, 400
CASES_PER_OPERATION = 20
"""Roughly how many requests the engine sends to an operation beside its examples, to guess how many are needed."""

CASES_PER_EXAMPLE = 4
ADDRESSES = 40
STOP_S = {"quick": 200.0, "full": 900.0}
"""When the fuzzer is stopped where nobody says how long it may take."""

TOO_MANY_REQUESTS = 429
MOST_PROCESSES = 4


def run_contract(  # noqa: PLR0913 - what a campaign knows, by keyword
    settings: ContractSettings,
    *,
    target: Target,
    identities: Identities,
    limits: Sequence[LimitSettings],
    environment: Mapping[str, str],
    profile: str,
    seed: int,
    run: str,
    progress: Progress,
    only: Sequence[str] = (),
    budget_s: float | None = None,
    process: EngineProcess | None = None,
    document: dict[str, Any] | None = None,
    people: People | None = None,
    directions: Directions | None = None,
    besides: Besides | None = None,
) -> Evidence:
    """Fuzz the document of a target; raises UsageError or EnvironmentFailure for one that is none.

    `people` are the users that are declared, where no others can be made.
    `document` is what is promised, if not what the target serves; `only` are the labels of the operations that count,
    if not all do. `process` was started ahead; without one, a new one is.
    How much is sent goes by the examples alone. After `budget_s` seconds the engine is stopped all the same: an
    emergency, in which nothing is passed, and a note says so.
    `directions` say what else is known of the service: with them, documented answers that never came are aimed at.
    With what the project declares `besides`, checks of ours send requests of their own and look at every answer.
    """
    if document is None:
        document = fetch_document(target.url + settings.document, settings.prefix)
    operations = selected(operations_of(document), only)
    quota, window_s = _tightest([limit for limit in limits if limit.reach == "service"], environment)
    examples = next((count for name, count in settings.examples.items() if name == profile), 10)
    uses = max(1, int(quota * OWN_SHARE))
    limited = sorted({TOO_MANY_REQUESTS, *(limit.rejection_status for limit in limits)})
    users = _users(identities, _needed(len(operations), examples, uses))
    key = _key_of(people, users)
    order = Order(
        document=document,
        base_url=target.url,
        seed=seed,
        examples=examples,
        identities=[(each.name, {HEADER: each.name} if key else dict(each.headers)) for each in users],
        addresses=[identity.address for identity in identities.lease_anonymous(ADDRESSES)],
        by_address=target.by_address or target.url,
        uses=uses,
        most=max(uses, int(quota * WHOLE_SHARE)),
        window_s=window_s,
        limited=limited,
        budget_s=budget_s or STOP_S.get(profile, STOP_S["full"]),
        narrow={limit.path: _share(limit, environment) for limit in limits if limit.reach == "path"},
        only=list(only),
        batches={limit.batch_path: limit.batch_field for limit in limits if limit.batch_path},
        processes=settings.processes or min(MOST_PROCESSES, os.cpu_count() or 1),
        key=key,
        sources=_sources(people),
    )
    heard = (process or EngineProcess(run)).listen(order, progress)
    users = _as_they_are(users, people, heard)
    headers = {each.name: each.headers for each in users}
    queries = {each.name: each.query for each in users if each.query}
    judgement = judge(operations, heard, limited=limited, limited_percent=settings.rate_limited_percent)
    strangers = identities.lease_anonymous(len(operations))
    stranger = Stranger(
        strangers,
        target=target,
        limited=limited,
        window_s=window_s,
        users=headers,
        queries=queries,
    )
    doors = Doors(
        operations, heard.sent, closed=frozenset(label for label in settings.closed if not only or label in only)
    )
    send = Overhearing(stranger.send)
    judge_authentication(doors, send=send, judgement=judgement, problem=heard.problem)
    exercised = exercise(
        operations,
        heard,
        send.answers,
        order,
        target=target,
        identities=identities,
        users=headers,
        directions=None if key else directions,
    )
    if besides:
        progress("requests of our own")
        caller = Stranger(strangers, target=target, limited=limited, window_s=window_s, users=headers, queries=queries)
        ask = Asker(
            caller.send,
            users=headers,
            queries=queries,
            organisations={each.name: each.organisation for each in users},
            identities=identities,
            base_url=target.url,
            limited=limited,
        )
        sent = [*heard.sent, *send.answers]
        ground = Ground(operations=operations, sent=sent, settings=settings, besides=besides, limited=limited, ask=ask)
        probe(ground, judgement, problem=heard.problem)
    return replace(
        exercised,
        results=tuple(judgement.results),
        measurements=(*exercised.measurements, *_waited(heard)),
        exchanges=tuple(judgement.exchanges.values()),
        notes=tuple(_notes(operations, heard, order.budget_s)),
    )


def _tightest(limits: Sequence[LimitSettings], environment: Mapping[str, str]) -> tuple[float, float]:
    """Return the smallest quota and the longest window of what is declared."""
    if not limits:
        return UNLIMITED, 0.0
    quota = min(effective(environment, limit.quota_variable, limit.quota) for limit in limits)
    return quota, max(effective(environment, limit.window_variable, limit.window_s) for limit in limits)


def _share(limit: LimitSettings, environment: Mapping[str, str]) -> Share:
    """Return how much of the limit of one path a client may use."""
    quota, window_s = _tightest([limit], environment)
    return Share(uses=max(1, int(quota * OWN_SHARE)), window_s=window_s)


def _needed(operations: int, examples: int, uses: int) -> int:
    """Return how many identities can send what is about to be sent without waiting."""
    cases = operations * (CASES_PER_OPERATION + CASES_PER_EXAMPLE * examples)
    return min(MOST, max(FEWEST, math.ceil(cases / uses)))


def _users(identities: Identities, count: int) -> list[Identity]:
    """Return users of as many organisations: a limiter may count by either; each once, though they come by turns."""
    leased = [identities.lease(1)[0] for _ in range(count)]
    return list({identity.secret: identity for identity in leased if identity.secret}.values())


def _key_of(people: People | None, users: Sequence[Identity]) -> Key | None:
    """Return the key of each user, where requests hold it elsewhere than in a header of its own."""
    if people is None or people.carrier.place == "header":
        return None
    secrets = {each.name: each.secret for each in users}
    return Key(place=people.carrier.place, name=people.carrier.name, secrets=secrets)


def _sources(people: People | None) -> dict[str, Source]:
    found = people.tokens() if people else {}
    return {name: Source(means=means, token=token) for name, (means, token) in found.items()}


def _as_they_are(users: list[Identity], people: People | None, heard: Heard) -> list[Identity]:
    """Return users with the tokens that they have by now; those are secrets before anything of them is written."""
    if people is None:
        return users
    for learned in heard.learned:
        people.learn(learned.who, learned.token)
    try:
        now = {each.name: each for each in people.identities()}
    except SeatrialError:  # nobody lets them in any more: what was found stays
        return users
    return [now[each.name] for each in users]


def _waited(heard: Heard) -> list[Measurement]:
    """Return how often a request was sent again that a limiter had refused: such are counted apart from cases."""
    what = "refusals of a limiter that were waited for"
    figure = Measurement(name="contract.waits", value=heard.sent_again, unit="count", definition=what)
    return [figure] if heard.sent else []


def _notes(operations: Mapping[str, Operation], heard: Heard, budget_s: float) -> list[str]:
    stopped = f"the fuzzer was stopped after {budget_s:g} s, in its phase {heard.stopped}" if heard.stopped else ""
    last = [f"before the service went away: {curl_for(as_exchange(sent))}" for sent in heard.last]
    cut = sorted({sent.operation for sent in heard.sent if sent.cut})
    large = [f"answers too large to be read to their end, so that their bodies were not judged: {', '.join(cut)}"]
    waited = f"{heard.sent_again} requests that a limiter refused were waited for and sent again; none is a case twice"
    broken = dict.fromkeys(f"not fuzzed: {message}" for message in heard.broken)
    gaps = unpromised_ends(operations)
    said = [stopped, waited if heard.sent_again else ""]
    return [*filter(None, said), *last, *(large if cut else []), *gaps, *broken]
