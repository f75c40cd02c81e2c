"""What users, and administrators, get while a dependency hangs: answers in time and form, and good ones afterwards."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx
import pytest

from seatrial.config import HealthSettings, SecuritySettings, Settings
from seatrial.disrupt import ID, Ask, Outage
from seatrial.http import IdentityPool
from seatrial.openapi import served_document
from seatrial.plugin import Defects, check, declared, inconclusive, not_applicable, not_enveloped, not_tested, shut_out

UNAVAILABLE = 503


Outages = Mapping[str, Outage]


@pytest.fixture
def watched(request: pytest.FixtureRequest, settings: Settings, health: HealthSettings) -> Outages:
    """Return what was seen of each dependency as it hung; one after which requests did not work again is the last."""
    if health.serves_within_s is None or not health.dependencies:
        not_applicable("[health] serves_within_s and dependencies are not declared")
    if settings.tokens:
        request.getfixturevalue("credentials")  # ends the item where nobody knows them
    outages: Outages = request.getfixturevalue("outages")
    found = {name: outage for name, outage in outages.items() if not outage.unseen}
    if len(found) < len(outages) and not any(outage.broken for outage in found.values()):
        inconclusive(next(outage.unseen for outage in outages.values() if outage.unseen))
    return found


@pytest.fixture
def asked(watched: Outages) -> Outages:
    """Return what users saw."""
    return of(watched, administrative=False)


@pytest.fixture
def administered(security: SecuritySettings, identities: IdentityPool, request: pytest.FixtureRequest) -> Outages:
    """Return what administrators saw; ends the item where nobody can be one from here."""
    declared(security.admin_path, "[security] admin_path")
    if reason := shut_out(security, identities):
        not_tested(reason)
    return of(request.getfixturevalue("watched"), administrative=True)


def of(outages: Outages, *, administrative: bool) -> Outages:
    """Return what came of the requests that administrators sent, or of all others."""

    def theirs(ask: Ask) -> bool:
        return ask.administrative is administrative

    return {
        name: replace(
            outage,
            seen=tuple(seen for seen in outage.seen if theirs(seen.ask)),
            broken=tuple(filter(theirs, outage.broken)),
        )
        for name, outage in outages.items()
    }


@check(
    "health.requests-bounded",
    title="requests are answered in their time while a dependency hangs",
    severity="high",
    needs=("control",),
    presupposes=("health.readiness-answers",),
    cwe=(400,),
)
def test_requests_bounded(asked: Outages, health: HealthSettings, defects: Defects) -> None:
    """No request takes longer than declared, whatever hangs: else clients and their connections pile up behind it."""
    find_slow(asked, health, defects)
    defects.none()


def find_slow(outages: Outages, health: HealthSettings, defects: Defects) -> None:
    """Note the requests that took longer than they may."""
    limit_s = health.serves_within_s
    for name, outage in outages.items():
        for seen in outage.seen:
            if seen.answer is None or (limit_s and seen.seconds > limit_s):
                title = f"{seen.ask.operation} takes more than {limit_s:g} s while {name} hangs"
                detail = f"it took {seen.seconds:.2f} s" + (", and there was no answer" if seen.answer is None else "")
                defects.add(
                    title, cause=f"slow-{name}", operation=seen.ask.operation, evidence=seen.evidence, detail=detail
                )


@check(
    "health.outage-answered",
    title="requests that need a dependency which hangs are answered with 503",
    severity="medium",
    needs=("control",),
    presupposes=("health.readiness-answers",),
)
def test_outage_answered(asked: Outages, client: httpx.Client, settings: Settings, defects: Defects) -> None:
    """An answer is a good one or a documented 503 in the form of every error: clients know then to try again later."""
    find_wrong(asked, client, settings, defects)
    defects.none()


def find_wrong(outages: Outages, client: httpx.Client, settings: Settings, defects: Defects) -> None:
    """Note the answers that are neither good ones nor a documented 503."""
    for name, outage in outages.items():
        for seen in outage.seen:
            if seen.answer is not None and (problem := wrong_with(seen.ask, seen.answer, settings)):
                title = f"{seen.ask.operation} answers {seen.answer.status_code} while {name} hangs: {problem}"
                cause = f"answers-{seen.answer.status_code}-{name}"
                defects.add(title, cause=cause, operation=seen.ask.operation, evidence=seen.evidence)
    for ask in undocumented(client, settings, outages):
        title = f"{ask.operation} answers {UNAVAILABLE}, which its document does not say"
        defects.add(title, cause="undocumented", operation=ask.operation)


def wrong_with(ask: Ask, answer: httpx.Response, settings: Settings) -> str:
    """Return what is wrong with an answer that is given while something hangs, empty where it is right."""
    if ask.served(answer):
        return ""
    if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
        inconclusive(f"{answer.request.url.path} was rate-limited: nothing was seen of it")
    if answer.status_code != UNAVAILABLE:
        return f"it is neither served nor {UNAVAILABLE}"
    problem = not_enveloped(answer, settings.errors, settings.tracing) if settings.errors else ""
    return f"it {problem}" if problem else ""


def undocumented(client: httpx.Client, settings: Settings, asked: Outages) -> list[Ask]:
    """Return the requests that were answered with 503 although the OpenAPI document does not list that."""
    if settings.contract is None:
        return []
    documented: dict[str, Any] = served_document(settings, str(client.base_url))["paths"]
    paths = {re.sub(r"{[^{}]+}", ID, path): item for path, item in documented.items()}
    refused = {
        seen.ask.operation: seen.ask
        for outage in asked.values()
        for seen in outage.seen
        if seen.answer is not None and seen.answer.status_code == UNAVAILABLE
    }
    listed = {
        op: item_of(ask.path, paths).get(ask.method.lower(), {}).get("responses", {}) for op, ask in refused.items()
    }
    return [
        ask for operation, ask in refused.items() if not {str(UNAVAILABLE), "5XX", "default"} & set(listed[operation])
    ]


def item_of(path: str, paths: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return what a document says of a path: under the path itself, else under a template that it fits."""
    fitting = (item for template, item in paths.items() if fits(path, template))
    return paths.get(path) or next(fitting, {})


def fits(path: str, template: str) -> bool:
    """Return whether a path is one of a template's, whose `{id}` stands for any one segment."""
    segments, words = path.split("/"), template.split("/")
    return len(segments) == len(words) and all(
        word in {ID, segment} for segment, word in zip(segments, words, strict=True)
    )


@check(
    "health.requests-recover",
    title="requests are served again once a dependency goes on",
    severity="high",
    needs=("control",),
    presupposes=("health.requests-bounded",),
)
def test_requests_recover(asked: Outages, health: HealthSettings, defects: Defects) -> None:
    """What did not work while a dependency hung works soon afterwards, without a restart."""
    find_broken(asked, health, defects)
    defects.none()


def find_broken(outages: Outages, health: HealthSettings, defects: Defects) -> None:
    """Note the requests that did not work again."""
    for name, outage in outages.items():
        for ask in outage.broken:
            title = f"{ask.operation} does not work {health.react_s:g} s after {name} went on"
            defects.add(title, cause=f"broken-after-{name}", operation=ask.operation)


@check(
    "health.administration-answered",
    title="administration is answered in its time while a dependency hangs, and works again",
    severity="high",
    needs=("control",),
    presupposes=("health.requests-bounded", "health.outage-answered", "health.requests-recover"),
    cwe=(400,),
)
def test_administration_answered(
    administered: Outages, client: httpx.Client, health: HealthSettings, settings: Settings, defects: Defects
) -> None:
    """What holds for users' requests holds for an administrator's, who looks for the reason just then."""
    find_slow(administered, health, defects)
    find_wrong(administered, client, settings, defects)
    find_broken(administered, health, defects)
    defects.none()
