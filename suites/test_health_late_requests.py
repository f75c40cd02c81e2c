"""What users get while a dependency hangs: an answer in its time and form, and good ones afterwards."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from seatrial.config import HealthSettings, Settings
from seatrial.disrupt import ID, Ask, Outage
from seatrial.plugin import Defects, check, inconclusive, not_applicable, not_enveloped

UNAVAILABLE = 503


@pytest.fixture
def asked(request: pytest.FixtureRequest, settings: Settings, health: HealthSettings) -> dict[str, Outage]:
    """Return what users saw of each dependency as it hung; one after which requests did not work again is the last."""
    if health.serves_within_s is None or not health.dependencies:
        not_applicable("[health] serves_within_s and dependencies are not declared")
    if settings.tokens:
        request.getfixturevalue("credentials")  # ends the item where nobody knows them
    outages: dict[str, Outage] = request.getfixturevalue("outages")
    found = {name: outage for name, outage in outages.items() if not outage.unseen}
    if len(found) < len(outages) and not any(outage.broken for outage in found.values()):
        inconclusive(next(outage.unseen for outage in outages.values() if outage.unseen))
    return found


@check(
    "health.requests-bounded",
    title="requests are answered in their time while a dependency hangs",
    severity="high",
    needs=("control",),
    presupposes=("health.readiness-answers",),
    cwe=(400,),
)
def test_requests_bounded(asked: dict[str, Outage], health: HealthSettings, defects: Defects) -> None:
    """No request takes longer than declared, whatever hangs: else clients and their connections pile up behind it."""
    limit_s = health.serves_within_s
    for name, outage in asked.items():
        for seen in outage.seen:
            if seen.answer is None or (limit_s and seen.seconds > limit_s):
                title = f"{seen.ask.operation} takes more than {limit_s:g} s while {name} hangs"
                detail = f"it took {seen.seconds:.2f} s" + (", and there was no answer" if seen.answer is None else "")
                defects.add(
                    title, cause=f"slow-{name}", operation=seen.ask.operation, evidence=seen.evidence, detail=detail
                )
    defects.none()


@check(
    "health.outage-answered",
    title="requests that need a dependency which hangs are answered with 503",
    severity="medium",
    needs=("control",),
    presupposes=("health.readiness-answers",),
)
def test_outage_answered(asked: dict[str, Outage], client: httpx.Client, settings: Settings, defects: Defects) -> None:
    """An answer is a good one or a documented 503 in the form of every error: clients know then to try again later."""
    for name, outage in asked.items():
        for seen in outage.seen:
            if seen.answer is not None and (problem := wrong_with(seen.ask, seen.answer, settings)):
                title = f"{seen.ask.operation} answers {seen.answer.status_code} while {name} hangs: {problem}"
                cause = f"answers-{seen.answer.status_code}-{name}"
                defects.add(title, cause=cause, operation=seen.ask.operation, evidence=seen.evidence)
    for ask in undocumented(client, settings, asked):
        title = f"{ask.operation} answers {UNAVAILABLE}, which its document does not say"
        defects.add(title, cause="undocumented", operation=ask.operation)
    defects.none()


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


def undocumented(client: httpx.Client, settings: Settings, asked: Mapping[str, Outage]) -> list[Ask]:
    """Return the requests that were answered with 503 although the OpenAPI document does not list that."""
    if settings.contract is None:
        return []
    documented: dict[str, Any] = client.get(settings.contract.document).json()["paths"]
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
def test_requests_recover(asked: dict[str, Outage], health: HealthSettings, defects: Defects) -> None:
    """What did not work while a dependency hung works soon afterwards, without a restart."""
    for name, outage in asked.items():
        for ask in outage.broken:
            title = f"{ask.operation} does not work {health.react_s:g} s after {name} went on"
            defects.add(title, cause=f"broken-after-{name}", operation=ask.operation)
    defects.none()
