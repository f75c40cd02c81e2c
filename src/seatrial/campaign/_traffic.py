"""What a scenario of the contract or of a recording sends: made once a run and service, before its load begins."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seatrial.campaign._ahead_of_load import BUDGET_S, Asking
from seatrial.campaign._run import Run
from seatrial.config import ScenarioSettings, Settings
from seatrial.core import EnvironmentFailure, Identity, SeatrialError, Target
from seatrial.http import open_client
from seatrial.openapi import Operation, finder, operations_of, served_document
from seatrial.swarm import check_sent
from seatrial.swarm.traffic import (
    Choice,
    Filler,
    Label,
    Makings,
    Traffic,
    choose_operations,
    make_requests,
    needed_for,
    nothing_left,
    read_recording,
    replay_recording,
    tell,
    without_headers,
)

NO_DOCUMENT = (
    "name what to GET with --path /PATH, a recording with --har FILE, or where the document is with [contract] document"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """What is known ahead of a scenario's traffic: requests of each operation (0: as many as there is to ask about).

    `left_out` says what is not sent, and why.
    """

    mix: Mapping[str, int]
    left_out: tuple[str, ...]


def foresee(settings: Settings, url: str, name: str, scenario: ScenarioSettings) -> Foreseen | None:
    """Return what a scenario would send to a URL, None where that is not known before the stack runs.

    Raises SeatrialError as `traffic_of`.
    """
    if scenario.har:
        traffic = recorded(settings, url, name, scenario)
        check_sent(scenario, traffic.mix, name=name)
        return Foreseen(mix=traffic.mix, left_out=traffic.left_out)
    if not (scenario.traffic and url):
        return None
    _, choice = choose_of_contract(settings, url, name, scenario)
    check_sent(scenario, choice.chosen, name=name)
    return Foreseen(mix=dict.fromkeys(choice.chosen, 0), left_out=tell(choice.left_out))


def traffic_of(run: Run, target: Target, name: str, scenario: ScenarioSettings) -> Traffic | None:
    """Return what a scenario sends to a service, None where a user class or paths say it; the same all through a run.

    Of the contract: reads of its lists are sent ahead, which say what there is. Raises SeatrialError where there is
    nothing to send, or an objective is about what is not sent.
    """
    if not (scenario.traffic or scenario.har):
        return None
    key = (target.url, name)
    if key not in run.traffic:
        make = _of_recording if scenario.har else _of_contract
        _keep(run, target, name, scenario, make(run, target, name, scenario))
    return run.traffic[key]


def agree_on_traffic(
    name: str, scenario: ScenarioSettings, base: tuple[Run, Target], candidate: tuple[Run, Target]
) -> tuple[str, ...]:
    """Settle that `traffic_of` of two services is alike, made for the base; return what is not sent, and why.

    Of a recording that is the same list. Of the contract, the base's document and what was made of it count, and each
    service's own answers say which objects there are; raises EnvironmentFailure where that makes another mix.
    """
    if scenario.har:
        _keep(*base, name, scenario, sent := _of_recording(*base, name, scenario))
        _keep(*candidate, name, scenario, sent)
    elif scenario.traffic:
        stock = _stock(*base, name, scenario)
        sent, others = (_fill(*side, name, scenario, stock) for side in (base, candidate))
        _check_alike(name, _check_any(name, sent), others)
        _keep(*base, name, scenario, sent)
        _keep(*candidate, name, scenario, others)
    return traffic.left_out if (traffic := traffic_of(*base, name, scenario)) else ()


def _check_alike(name: str, sent: Traffic, others: Traffic) -> None:
    if [one.operation for one in sent.requests] != [one.operation for one in others.requests]:
        raise EnvironmentFailure(
            f"base and candidate cannot be sent the same: {_difference(sent, others)}",
            slug="load-traffic-differs",
            where=f"[load.{name}]",
            remedy=f"choose operations of which both sides have as much, with `only` under [load.{name}], or send "
            "paths or a recording",
            details="\n".join(
                f"{role} is not sent: {line}"
                for role, side in (("base", sent), ("candidate", others))
                for line in side.left_out
            ),
        )


def _difference(sent: Traffic, others: Traffic) -> str:
    """Return which operations there are more requests of for one side."""
    ours, theirs = Counter(sent.mix), Counter(others.mix)
    uneven = sorted(each for each in ours | theirs if ours[each] != theirs[each])
    told = (f"{each} ({ours[each]} and {theirs[each]} requests)" for each in uneven)
    return ", ".join(told) or "their order"


def _keep(run: Run, target: Target, name: str, scenario: ScenarioSettings, found: Traffic) -> None:
    check_sent(scenario, found.mix, name=name)
    run.traffic[target.url, name] = found
    for line in found.left_out:
        run.progress("load")(f"{name}: not sent: {line}")


def choose_of_contract(
    settings: Settings, url: str, name: str, scenario: ScenarioSettings
) -> tuple[Mapping[str, Any], Choice]:
    """Return the document of a service, and what a scenario sends of it; raises SeatrialError as `traffic_of`."""
    try:
        document = served_document(settings, url)
    except EnvironmentFailure as error:
        raise EnvironmentFailure(error.what, slug=error.slug, where=error.where, remedy=NO_DOCUMENT) from error
    closed = settings.contract.closed if settings.contract else ()
    return document, choose_operations(name, scenario, operations_of(document), closed=closed)


def recorded(settings: Settings, url: str, name: str, scenario: ScenarioSettings) -> Traffic:
    """Return the requests of a scenario's recording as they go to a service; raises UsageError where none may."""
    recording = read_recording(settings.root / scenario.har)
    return replay_recording(name, scenario, recording, target=url, label=_label(settings, url))


def _of_recording(run: Run, target: Target, name: str, scenario: ScenarioSettings) -> Traffic:
    return recorded(run.settings, target.url, name, scenario)


def _label(settings: Settings, url: str) -> Label:
    """Return what names requests as the document does, or by their own paths where there is none."""
    try:
        operations: Mapping[str, Operation] = operations_of(served_document(settings, url)) if url else {}
    except SeatrialError:
        operations = {}
    find = finder(operations)

    def label(method: str, path: str) -> str:
        found = find(method, path)
        return found.path if found else path

    return label


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stock:
    """What was made of a document, before any service was asked what there is."""

    choice: Choice
    operations: Mapping[str, Operation]
    makings: Makings


def _of_contract(run: Run, target: Target, name: str, scenario: ScenarioSettings) -> Traffic:
    return _check_any(name, _fill(run, target, name, scenario, _stock(run, target, name, scenario)))


def _stock(run: Run, target: Target, name: str, scenario: ScenarioSettings) -> _Stock:
    document, choice = choose_of_contract(run.settings, target.url, name, scenario)
    operations = operations_of(document)
    run.progress("load")(f"{name}: making requests of {len(choice.chosen)} operations")
    makings = make_requests(document, needed_for(choice.chosen, operations), seed=run.seed)
    return _Stock(choice=choice, operations=operations, makings=makings)


def _fill(run: Run, target: Target, name: str, scenario: ScenarioSettings, stock: _Stock) -> Traffic:
    """Return the requests of a stock for what there is at a service."""
    users = _users(run, target, scenario)
    makings = without_headers(stock.makings, {header for user in users if user for header in user.headers})
    run.progress("load")(f"{name}: asking {target.url} what there is")
    asking = Asking(
        f"load scenario {name!r}, {target.url}",
        deadline_s=scenario.deadline_s,
        budget_s=BUDGET_S + len(makings.made),
    )
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(open_client(target, identity=user, suite="load")) for user in users]
        asks = [asking.of(client) for client in clients]
        other = asks[-1] if asks[1:] else None
        filler = Filler(stock.operations, makings, asks[0], named=scenario.only, ask_other=other)
        return filler.traffic(stock.choice.chosen, stock.choice.left_out)


def _check_any(name: str, found: Traffic) -> Traffic:
    if not found.requests:
        raise nothing_left(name, list(found.left_out))
    return found


def _users(run: Run, target: Target, scenario: ScenarioSettings) -> list[Identity | None]:
    """Return who asks ahead, as two of those who send the load; it is no part of the load, and is not recorded."""
    if not scenario.identities:
        return [None]
    pool = run.identities.at(target.url)
    return list({identity.name: identity for _ in range(2) for identity in pool.lease(1)}.values())
