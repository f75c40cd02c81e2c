"""What a scenario of the contract or of a recording sends: made once a run and service, before its load begins."""

from __future__ import annotations

import contextlib
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
        found = make(run, target, name, scenario)
        check_sent(scenario, found.mix, name=name)
        run.traffic[key] = found
        for line in found.left_out:
            run.progress("load")(f"{name}: not sent: {line}")
    return run.traffic[key]


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


def _of_contract(run: Run, target: Target, name: str, scenario: ScenarioSettings) -> Traffic:
    document, choice = choose_of_contract(run.settings, target.url, name, scenario)
    operations = operations_of(document)
    run.progress("load")(f"{name}: making requests of {len(choice.chosen)} operations")
    makings = make_requests(document, needed_for(choice.chosen, operations), seed=run.seed)
    users = _users(run, target, scenario)
    makings = without_headers(makings, {name for user in users if user for name in user.headers})
    run.progress("load")(f"{name}: asking {target.url} what there is")
    asking = Asking(
        f"load scenario {name!r}, {target.url}",
        deadline_s=scenario.deadline_s,
        budget_s=BUDGET_S + len(makings.made),
    )
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(open_client(target, identity=user, suite="load")) for user in users]
        asks = [asking.of(client) for client in clients]
        filler = Filler(operations, makings, asks[0], named=scenario.only, ask_other=asks[-1] if asks[1:] else None)
        found = filler.traffic(choice.chosen, choice.left_out)
    if not found.requests:
        raise nothing_left(name, list(found.left_out))
    return found


def _users(run: Run, target: Target, scenario: ScenarioSettings) -> list[Identity | None]:
    """Return who asks ahead, as two of those who send the load; it is no part of the load, and is not recorded."""
    if not scenario.identities:
        return [None]
    pool = run.identities.at(target.url)
    return list({identity.name: identity for _ in range(2) for identity in pool.lease(1)}.values())
