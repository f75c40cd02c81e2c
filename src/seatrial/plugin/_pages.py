"""What a browser saw of the page for people, once for all checks that look at it, as it takes seconds."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from seatrial.browse import Axe, Chromium, Impossible, Seen, Tour, Unavailable, fetch_axe
from seatrial.config import Settings, WebSettings, rejections
from seatrial.core import Identity, Measurement
from seatrial.http import IdentityPool
from seatrial.plugin._conductor import Conductor
from seatrial.plugin._follower import Follower
from seatrial.plugin._hooks import CONTEXT
from seatrial.plugin._outcomes import declared, not_tested
from seatrial.record import MeasurementTaken
from seatrial.stack import Stack, cache_root

TOURED = pytest.StashKey["Toured | str"]()
"""What was seen, or why nothing can be."""

PICTURES = "web"
"""The folder of a run with a picture of each state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Toured:
    """What was seen of each state, how long cold loads took, and why there was no axe (empty where there was).

    Where a cold load did not end there is no time of any.
    """

    pages: Mapping[str, Seen]
    load_s: tuple[float, ...]
    without_axe: str = ""


@pytest.fixture
def web(settings: Settings) -> WebSettings:
    """Return the declared page for people."""
    return declared(settings.web, "[web]")


@pytest.fixture
def web_url(web: WebSettings, stack: Stack) -> str:
    """Return the address of the page; ends the item where its service is not part of this stack."""
    if web.service not in {service.name for service in stack.services()}:
        told = (sentence for sentence in stack.limitations if sentence.startswith(f"{web.service} "))
        not_tested(next(told, f"{web.service} is not part of this stack"))
    return stack.url(web.service)


@pytest.fixture
def toured(  # noqa: PLR0913, PLR0917 - pytest hands fixtures over by name
    request: pytest.FixtureRequest,
    web: WebSettings,
    web_url: str,
    stack: Stack,
    settings: Settings,
    identities: IdentityPool,
    client_as: Callable[[Identity | None], httpx.Client],
) -> Toured:
    """Return what a browser saw; the first that asks for it waits. Ends the item where there is no browser."""
    context, stash = request.config.stash[CONTEXT], request.config.stash
    if TOURED not in stash:

        def tour(chromium: Chromium, axe: Axe | None) -> Tour:
            return Tour(
                chromium=chromium,
                url=web_url,
                web=web,
                stack=stack,
                user=lambda: identities.lease(1)[0],
                exhaust=lambda user: _exhaust(settings, client_as(user)),
                works=lambda: _works(settings, client_as(None)),
                axe=axe,
            )

        stash[TOURED] = _toured(tour, web_url, context)
    toured = stash[TOURED]
    if isinstance(toured, str):
        not_tested(toured)
    return toured


def _toured(tour: Callable[[Chromium, Axe | None], Tour], url: str, context: Conductor | Follower) -> Toured | str:
    """Look, and keep pictures and times; return why there is no browser where there is none."""
    axe, without_axe = _axe()
    try:
        with Chromium.start(url, marks=context.marks) as chromium:
            taken = tour(chromium, axe)
            toured = Toured(load_s=taken.load_s(), pages=taken.pages(), without_axe=without_axe)
    except Unavailable as problem:
        return str(problem)
    _keep(toured.pages, context.directory / PICTURES)
    if toured.load_s:
        context.sink.emit(MeasurementTaken(measurement=_load(toured.load_s)))
    return toured


def _load(load_s: Sequence[float]) -> Measurement:
    return Measurement(
        name="web.load",
        value=statistics.median(load_s),
        unit="s",
        definition="median of cold loads of the first page, until its scripts have run (loadEventEnd)",
        samples=len(load_s),
    )


def _axe() -> tuple[Axe | None, str]:
    try:
        return fetch_axe(cache_root()), ""
    except Unavailable as problem:
        return None, str(problem)


def _exhaust(settings: Settings, client: httpx.Client) -> None:
    """Use up what a user has of the declared quotas; raises Impossible."""
    path = settings.auth and settings.auth.protected
    if not path:
        raise Impossible("[auth] protected is not declared, by which a quota is used up")
    most, refused = sum(limit.quota for limit in settings.limits), rejections(settings.limits)
    if not any(client.get(path).status_code in refused for _ in range(most + 1)):
        raise Impossible(f"a user who sent {most + 1} requests was not refused: no quota is used up")


def _works(settings: Settings, client: httpx.Client) -> bool:
    path = (settings.health and settings.health.readiness) or settings.stack.ready
    try:
        return client.get(path).is_success
    except httpx.TransportError:
        return False


def _keep(pages: Mapping[str, Seen], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, seen in pages.items():
        if seen.screenshot:
            (folder / f"{name}.png").write_bytes(seen.screenshot)
