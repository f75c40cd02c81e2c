"""The page for people: what it shows in each of its states, to whom, and how soon."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator

import httpx
import pytest

from seatrial.browse import Seen
from seatrial.config import PageSettings, Settings, WebSettings
from seatrial.plugin import Defects, Toured, check, declared, inconclusive, not_tested
from seatrial.stack import Stack

PATIENCE_S = 15.0
States = list[tuple[PageSettings, Seen]]


def _troubled(page: PageSettings) -> bool:
    """Return whether a state is one in which the service refuses."""
    return page.limited or bool(page.down)


@pytest.fixture
def states(web: WebSettings, toured: Toured) -> States:
    """Return each declared state with what was seen of it."""
    return [(page, toured.pages[page.name]) for page in web.pages]


@pytest.fixture
def reached(states: States) -> States:
    """Return the states that were reached; ends the check where none was."""
    found = [(page, seen) for page, seen in states if not seen.problem and not seen.doubt]
    if not found:
        inconclusive(f"no state of the page was reached: {states[0][1].problem or states[0][1].doubt}")
    return found


def _wrong(page: PageSettings, seen: Seen) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with what a state shows, as a cause and in words."""
    if seen.doubt:
        return
    if seen.problem:
        yield "unreached", f"was not reached: {seen.problem}"
        return
    if seen.missing:
        yield "text", f"does not show: {', '.join(seen.missing)}"
    if page.moment and not seen.moment:
        yield "moment", "names no moment in the future (<time datetime>)"


@check(
    "web.pages-work",
    title="every page shows what it is for",
    severity="high",
    needs=("control",),
)
def test_pages_work(states: States, defects: Defects) -> None:
    """Each state shows what is declared, no request of it fails, and the browser has no complaint about it."""
    for page, seen in states:
        wrong = [] if _troubled(page) else list(_wrong(page, seen))
        wrong += [("complaint", f"has the browser complain: {said.splitlines()[0]}") for said in seen.complaints[:1]]
        if not _troubled(page):  # a page that itself asks the service is refused then
            wrong += [("request", f"asks in vain for {request}") for request in seen.failed[:1]]
        for cause, what in wrong:
            defects.add(f"{page.name} {what}", cause=f"{page.name}-{cause}", operation=f"GET {page.path}")
    defects.none()


@check(
    "web.states-clear",
    title="a page that is refused says why, and until when",
    severity="high",
    needs=("control",),
)
def test_states_clear(states: States, defects: Defects) -> None:
    """Beyond the quota, and while a part is down, the page says so, and when it goes on: people reload a blank one."""
    for page, seen in states:
        for cause, what in _wrong(page, seen) if _troubled(page) else ():
            defects.add(f"{page.name} {what}", cause=f"{page.name}-{cause}", operation=f"GET {page.path}")
    defects.none()
    if doubts := [f"{page.name}: {seen.doubt}" for page, seen in states if seen.doubt]:
        inconclusive("; ".join(doubts))


@check(
    "web.accessible",
    title="axe finds nothing on any page",
    severity="medium",
    needs=("control",),
)
def test_accessible(reached: States, toured: Toured, defects: Defects) -> None:
    """No state breaks a rule of axe (WCAG A and AA), light or dark, or has to be scrolled sideways at 400 pixels."""
    for page, seen in reached:
        operation = f"GET {page.path}"
        for rule, what in dict(found for violations in seen.violations.values() for found in violations).items():
            defects.add(f"{page.name} breaks {rule}: {what}", cause=f"{page.name}-{rule}", operation=operation)
        if seen.narrow:
            what = f"{page.name} is wider than a window of 400 pixels"
            defects.add(what, cause=f"{page.name}-narrow", operation=operation)
    defects.none()
    if toured.without_axe:
        not_tested(toured.without_axe)


@check(
    "web.no-secret-in-page",
    title="no script and no address of the page has the token",
    severity="high",
    needs=("control",),
    cwe=(922,),
)
def test_no_secret_in_page(reached: States, defects: Defects) -> None:
    """Whoever signed in, their token is in no HTML, storage, cookie that scripts can read, or address.

    One script of somebody else's would be enough to take it away, and addresses are kept in histories and logs.
    """
    signed_in = [(page, seen) for page, seen in reached if page.signed_in]
    if not signed_in:
        not_tested("no state of [[web.pages]] that was reached is `signed_in`")
    for page, seen in signed_in:
        for where in seen.leaks:
            defects.add(f"{page.name}: the token is in {where}", cause=where, operation=f"GET {page.path}")
    defects.none()


@check(
    "web.interactive-in-time",
    title="the first page is interactive in its time",
    severity="medium",
    needs=("control",),
)
def test_interactive_in_time(web: WebSettings, toured: Toured) -> None:
    """A cold load of the first page ends, its scripts run, within what is declared: judged by three loads.

    The times are the browser's own (`loadEventEnd` of Navigation Timing).
    """
    limit_s = declared(web.interactive_s, "[web] interactive_s")
    if not toured.load_s:
        inconclusive("a cold load of the first page did not end")
    said = ", ".join(f"{seconds:.2f}" for seconds in toured.load_s)
    if min(toured.load_s) <= limit_s < max(toured.load_s):
        inconclusive(f"{limit_s:g} s are declared, and three cold loads took {said} s")
    assert statistics.median(toured.load_s) <= limit_s, f"three cold loads took {said} s: more than {limit_s:g} s"


@check("web.headers", title="every page has its headers", severity="medium", needs=("control",))
def test_headers(web: WebSettings, reached: States, defects: Defects) -> None:
    """Each page is answered with the declared headers, by which a browser is careful."""
    declared(web.headers or None, "[web.headers]")
    for page, seen in reached:
        for name, pattern in web.headers.items():
            value = seen.headers.get(name.lower(), "")
            if not re.fullmatch(pattern, value):
                what = f"{page.name}: {name} is {value!r}" if value else f"{page.name} has no {name}"
                defects.add(what, cause=name, operation=f"GET {page.path}", detail=f"declared: {pattern}")
    defects.none()


@check("web.health", title="the page's own health is true", severity="high", needs=("control",))
def test_health(web: WebSettings, web_url: str, stack: Stack, settings: Settings, defects: Defects) -> None:
    """Its health endpoint answers 2xx as long as its process works; readiness does not while the entry stands still.

    Where the page is the entry's own, its endpoints are asked while all works, and no more.
    """
    declared(web.health or web.readiness, "[web] health or readiness")
    entry = settings.stack.entry.partition(":")[0]
    with httpx.Client(base_url=web_url, timeout=PATIENCE_S, trust_env=False) as client:
        for path in filter(None, (web.health, web.readiness)):
            if not _answers(client, path):
                defects.add(f"{path} answers no 2xx while all works", cause=f"well-{path}", operation=f"GET {path}")
        if entry == web.service:
            defects.none()
            return
        stack.control("pause", entry)
        try:
            if web.health and not _answers(client, web.health):
                what = f"{web.health} fails while {entry} hangs, though the page's process works"
                defects.add(what, cause="health-of-others", operation=f"GET {web.health}")
            if web.readiness and _answers(client, web.readiness):
                what = f"{web.readiness} answers 2xx while {entry} hangs"
                defects.add(what, cause="ready-always", operation=f"GET {web.readiness}")
        finally:
            stack.control("unpause", entry)
    defects.none()


def _answers(client: httpx.Client, path: str) -> bool:
    try:
        return client.get(path).is_success
    except httpx.TransportError:
        return False
