"""What was seen of one state of the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from seatrial.browse._axe import Axe
from seatrial.browse._tab import Tab

SCHEMES = ("light", "dark")
WIDE, NARROW, HEIGHT = 1000, 400, 800
REFUSED, BROKEN = 400, 500
ASKED = frozenset({"Document", "Fetch", "XHR"})
"""What a page may ask for and be refused (401, 404): what it shows then is what counts."""

ABORTED = "net::ERR_ABORTED"
MOMENT = "[...document.querySelectorAll('time[datetime]')].some(t => Date.parse(t.dateTime) > Date.now())"
KEPT = "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
OVERFLOWS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A state: `problem` says why it could not be reached, empty where it was.

    `doubt` says why it could not be brought about, through no fault of the page. `missing` are texts that did not come,
    `complaints` what the browser said against the page, `failed` requests that failed, with their status, `violations`
    what axe found, by colour scheme (none where there was no axe), `narrow` whether a window of 400 px has to be
    scrolled sideways, `moment` whether the page names a moment in the future, `leaks` where a script or another site
    could read the token, `headers` those of the page.
    """

    problem: str = ""
    doubt: str = ""
    missing: tuple[str, ...] = ()
    complaints: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    violations: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    narrow: bool = False
    moment: bool = False
    leaks: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    screenshot: bytes = field(default=b"", repr=False)


def look_at(tab: Tab, *, missing: tuple[str, ...], secret: str, axe: Axe | None, moment_s: float = 0.0) -> Seen:
    """Return what a tab shows; `secret` is the token of whoever is signed in, empty where nobody is.

    A moment in the future is waited for `moment_s`: that of a page which asks anew may just be over.
    """
    tab.look(width=WIDE, height=HEIGHT, scheme=SCHEMES[0])
    moment, screenshot = tab.becomes(MOMENT, moment_s), tab.screenshot()
    leaks = tuple(_leaks(tab, secret)) if secret else ()
    violations = {}
    for scheme in SCHEMES if axe else ():
        tab.look(width=WIDE, height=HEIGHT, scheme=scheme)
        violations[scheme] = axe.violations(tab) if axe else ()
    tab.look(width=NARROW, height=HEIGHT, scheme=SCHEMES[0])
    return Seen(
        missing=missing,
        complaints=tuple(_complaints(tab)),
        failed=tuple(_failed(tab)),
        violations=violations,
        narrow=bool(tab.value(OVERFLOWS)),
        moment=moment,
        leaks=leaks,
        headers=_headers(tab),
        screenshot=screenshot,
    )


def _leaks(tab: Tab, secret: str) -> Iterator[str]:
    if secret in str(tab.value("document.documentElement.outerHTML")):
        yield "the page's HTML"
    if secret in str(tab.value(KEPT)):
        yield "what scripts can read of storage and cookies"
    urls = [told["request"]["url"] for told in tab.events("Network.requestWillBeSent")]
    if any(secret in url for url in (*urls, str(tab.value("location.href")))):
        yield "an address"


def _complaints(tab: Tab) -> Iterator[str]:
    for told in tab.events("Log.entryAdded"):
        if told["entry"]["level"] in {"error", "warning"} and told["entry"]["source"] != "network":
            yield str(told["entry"]["text"])
    for told in tab.events("Runtime.exceptionThrown"):
        details = told["exceptionDetails"]
        yield str(details.get("exception", {}).get("description") or details["text"])
    for told in tab.events("Runtime.consoleAPICalled"):
        if told["type"] in {"error", "assert"}:
            yield " ".join(str(word.get("value", word.get("description", ""))) for word in told["args"])


def _failed(tab: Tab) -> Iterator[str]:
    asked = {told["requestId"]: told["request"]["url"] for told in tab.events("Network.requestWillBeSent")}
    for told in tab.events("Network.responseReceived"):
        if told["response"]["status"] >= (BROKEN if told["type"] in ASKED else REFUSED):
            yield f"{told['response']['url']} ({told['response']['status']})"
    for told in tab.events("Network.loadingFailed"):
        if told["errorText"] != ABORTED:  # of a page that was left meanwhile
            yield f"{asked.get(told['requestId'], 'a request')} ({told['errorText']})"


def _headers(tab: Tab) -> dict[str, str]:
    """Return the headers of the last page that was loaded, names in small letters."""
    pages: list[dict[str, Any]] = [
        told["response"] for told in tab.events("Network.responseReceived") if told["type"] == "Document"
    ]
    return {name.lower(): str(value) for name, value in pages[-1]["headers"].items()} if pages else {}
