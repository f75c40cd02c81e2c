"""Fuzz a served contract: the engine in a child process, identities by turns, outcomes and the matrix.

document --Order--> child (Schemathesis) --Sent lines--> judge --> Evidence
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from seatrial.config import ContractSettings, LimitSettings
from seatrial.core import Evidence, Identities, Measurement, Progress, Target, curl_for
from seatrial.fuzz._authentication import Doors, judge_authentication
from seatrial.fuzz._callers import Callers, callers_of
from seatrial.fuzz._evidence import Judgement, as_exchange
from seatrial.fuzz._judge import Heard, judge
from seatrial.fuzz._listen import EngineProcess
from seatrial.fuzz._looked import unpromised_ends
from seatrial.fuzz._matrix import Overhearing, exercise
from seatrial.fuzz._messages import Sent
from seatrial.fuzz._order import Scene, order_of, users_of
from seatrial.fuzz.directed import Directions
from seatrial.fuzz.probes import Besides, Ground, probe
from seatrial.openapi import Operation, fetch_document, operations_of, selected
from seatrial.signin import People

NO_LINKS = "link definitions required for stateful testing are excluded"
"""What Schemathesis says of a part of a document in which no operation leads to another."""


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
    scene = Scene(
        settings=settings,
        document=document,
        operations=selected(operations_of(document), only),
        target=target,
        identities=identities,
        limits=limits,
        environment=environment,
        profile=profile,
        people=people,
    )
    users = users_of(scene)
    order = order_of(scene, users, seed=seed, only=only, budget_s=budget_s)
    heard = (process or EngineProcess(run)).listen(order, progress)
    callers = callers_of(scene, users, heard)
    judgement = judge(scene.operations, heard, limited=order.limited, limited_percent=settings.rate_limited_percent)
    others = try_the_doors(callers, heard, judgement, only=only)
    exercised = exercise(
        scene.operations,
        heard,
        others,
        order,
        target=target,
        identities=identities,
        users=callers.headers,
        directions=None if order.key else directions,
    )
    if besides:
        progress("requests of our own")
        look_besides(callers, heard, others, judgement, besides)
    return replace(
        exercised,
        results=tuple(judgement.results),
        measurements=(*exercised.measurements, *_waited(heard)),
        exchanges=tuple(judgement.exchanges.values()),
        notes=tuple(_notes(scene.operations, heard, order.budget_s)),
    )


def try_the_doors(callers: Callers, heard: Heard, judgement: Judgement, *, only: Sequence[str]) -> list[Sent]:
    """Judge whether who has no credentials is refused, and return the answers that it took."""
    closed = frozenset(label for label in callers.scene.settings.closed if not only or label in only)
    doors = Doors(callers.scene.operations, heard.sent, closed=closed)
    send = Overhearing(callers.stranger().send)
    judge_authentication(doors, send=send, judgement=judgement, problem=heard.problem)
    return send.answers


def look_besides(
    callers: Callers, heard: Heard, others: Sequence[Sent], judgement: Judgement, besides: Besides
) -> None:
    """Let every check of ours ask, and look at all answers."""
    scene = callers.scene
    ground = Ground(
        operations=scene.operations,
        sent=[*heard.sent, *others],
        settings=scene.settings,
        besides=besides,
        limited=scene.limited,
        ask=callers.asker(),
    )
    probe(ground, judgement, problem=heard.problem)


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
    # A part of the document without links says so; another one's links were followed.
    followed = any(phase.casefold() == "stateful" for phase in heard.phases)
    broken = dict.fromkeys(
        f"not fuzzed: {message}" for message in heard.broken if not (followed and NO_LINKS in message)
    )
    gaps = unpromised_ends(operations)
    said = [stopped, waited if heard.sent_again else ""]
    return [*filter(None, said), *last, *(large if cut else []), *gaps, *broken]
