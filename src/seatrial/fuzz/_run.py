"""Fuzz a served contract: the engine in a child process, identities by turns, outcomes and the matrix.

document --Order--> child (Schemathesis) --Sent lines--> judge --> Evidence
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from seatrial.config import ContractSettings, LimitSettings, effective
from seatrial.core import Evidence, Identities, Progress, Target, curl_for
from seatrial.fuzz._authentication import Doors, Stranger, judge_authentication
from seatrial.fuzz._evidence import as_exchange
from seatrial.fuzz._judge import Heard, judge
from seatrial.fuzz._listen import EngineProcess
from seatrial.fuzz._looked import unpromised_ends
from seatrial.fuzz._matrix import measure, unseen
from seatrial.fuzz._messages import Order, Share
from seatrial.fuzz.probes import Asker, Besides, Ground, probe
from seatrial.openapi import Operation, fetch_document, operations_of, selected

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
BUDGET_S = {"quick": 25.0, "full": 170.0}
TOO_MANY_REQUESTS = 429


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
    besides: Besides | None = None,
) -> Evidence:
    """Fuzz the document of a target; raises UsageError or EnvironmentFailure for one that is none.

    `document` is what is promised, if not what the target serves; `only` are the labels of the operations that count,
    if not all do. `process` was started ahead; without one, a new one is.
    With what the project declares `besides`, checks of ours send requests of their own and look at every answer.
    After `budget_s` seconds the engine is stopped: what it did not come to is not passed, and a note says so.
    """
    if document is None:
        document = fetch_document(target.url + settings.document, settings.prefix)
    operations = selected(operations_of(document), only)
    quota, window_s = _tightest([limit for limit in limits if limit.reach == "service"], environment)
    examples = next((count for name, count in settings.examples.items() if name == profile), 10)
    uses = max(1, int(quota * OWN_SHARE))
    limited = sorted({TOO_MANY_REQUESTS, *(limit.rejection_status for limit in limits)})
    order = Order(
        document=document,
        base_url=target.url,
        seed=seed,
        examples=examples,
        identities=_users(identities, _needed(len(operations), examples, uses)),
        addresses=[identity.address for identity in identities.lease_anonymous(ADDRESSES)],
        by_address=target.by_address or target.url,
        uses=uses,
        most=max(uses, int(quota * WHOLE_SHARE)),
        window_s=window_s,
        limited=limited,
        budget_s=budget_s or BUDGET_S.get(profile, BUDGET_S["full"]),
        narrow={limit.path: _share(limit, environment) for limit in limits if limit.reach == "path"},
        only=list(only),
        batches={limit.batch_path: limit.batch_field for limit in limits if limit.batch_path},
    )
    heard = (process or EngineProcess(run)).listen(order, progress)
    judgement = judge(operations, heard, limited=limited, limited_percent=settings.rate_limited_percent)
    strangers = identities.lease_anonymous(len(operations))
    users = dict(order.identities)
    stranger = Stranger(strangers, target=target, limited=limited, window_s=window_s, users=users)
    doors = Doors(
        operations, heard.sent, closed=frozenset(label for label in settings.closed if not only or label in only)
    )
    judge_authentication(doors, send=stranger.send, judgement=judgement, problem=heard.problem)
    if besides:
        progress("requests of our own")
        caller = Stranger(strangers, target=target, limited=limited, window_s=window_s, users=users)
        ask = Asker(caller.send, users=users, identities=identities, base_url=target.url, limited=limited)
        ground = Ground(
            operations=operations, sent=heard.sent, settings=settings, besides=besides, limited=limited, ask=ask
        )
        probe(ground, judgement, problem=heard.problem)
    return Evidence(
        results=tuple(judgement.results),
        measurements=measure(operations, heard.sent),
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


def _users(identities: Identities, count: int) -> list[tuple[str, dict[str, str]]]:
    """Return users of as many organisations: a limiter may count by either."""
    leased = [identities.lease(1)[0] for _ in range(count)]
    return [(identity.name, dict(identity.headers)) for identity in leased if identity.headers]


def _notes(operations: Mapping[str, Operation], heard: Heard, budget_s: float) -> list[str]:
    stopped = f"the fuzzer was stopped after {budget_s:g} s, in its phase {heard.stopped}" if heard.stopped else ""
    last = [f"before the service went away: {curl_for(as_exchange(sent))}" for sent in heard.last]
    cut = sorted({sent.operation for sent in heard.sent if sent.cut})
    large = [f"answers too large to be read to their end, so that their bodies were not judged: {', '.join(cut)}"]
    broken = dict.fromkeys(f"not fuzzed: {message}" for message in heard.broken)
    gaps = [*unseen(operations, heard.sent), *unpromised_ends(operations)]
    return [*([stopped] if stopped else []), *last, *(large if cut else []), *gaps, *broken]
