"""A real Chromium on a small page: what it shows, asks for and keeps is seen, and it goes nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from engine_relay import bridge_address

from seatrial.browse import Axe, Chromium
from seatrial.browse._seen import Seen, look_at
from seatrial.browse._tab import Line, Tab, Unanswered

SECRET = "s3cret-token"  # noqa: S105 - nobody's
GOOD = """<!doctype html><html lang=en><title>Good</title><link rel=icon href=data:,>
<script>const greet = () => { said.textContent = 'Hello ' + document.querySelector('input').value }</script>
<main><h1>Good</h1><label>Name <input id=name></label> <button onclick="greet()">Greet</button><p id=said></p>
<time datetime="2999-01-01T00:00:00Z">later</time></main></html>"""
BAD = f"""<!doctype html><html lang=en><title>Bad</title><link rel=icon href=data:,>
<body style="width: 900px"><p>{SECRET}</p><img src=/missing.png alt=""><script>
localStorage.setItem('token', '{SECRET}'); history.replaceState(0, '', '?token={SECRET}');
fetch('/absent'); fetch('http://192.0.2.1/').catch(() => 0); fetch('http://elsewhere.example/').catch(() => 0);
console.error('it is broken');</script></body></html>"""
LATE = """<!doctype html><title>Late</title><link rel=icon href=data:,><time datetime="2001-01-01T00:00:00Z">now</time>
<script>setTimeout(() => { document.querySelector('time').dateTime = '2999-01-01T00:00:00Z' }, 1000)</script>"""
PAGES = {"/good": GOOD, "/bad": BAD, "/late": LATE}


class Pages(BaseHTTPRequestHandler):
    """A few pages."""

    def do_GET(self) -> None:
        """Answer with a page, or with 404."""
        page = PAGES.get(self.path.partition("?")[0], "")
        self.send_response(200 if page else 404)
        self.send_header("X-Frame-Options", "DENY")
        self.end_headers()
        self.wfile.write(page.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(address: str) -> Iterator[str]:
    """Serve the pages at an address."""
    with ThreadingHTTPServer((address, 0), Pages) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{address}:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """Serve the pages."""
    with serving("127.0.0.1") as url:
        yield url


@pytest.fixture(scope="module")
def chromium(require: Callable[[str], str], site: str) -> Iterator[Chromium]:
    """Start a browser for all tests."""
    require("chromium")
    with Chromium.start(site, marks={}) as browser:
        yield browser


@pytest.fixture
def tab(chromium: Chromium) -> Iterator[Tab]:
    """Open a tab without a past."""
    with chromium.visit() as tab:
        yield tab


def seen(tab: Tab, *texts: str) -> Seen:
    """Return what a tab shows, with these texts expected, and without axe."""
    return look_at(tab, missing=tab.shows(texts, 0.2), secret=SECRET, axe=None)


def test_what_somebody_does_is_done(tab: Tab, site: str) -> None:
    """They type, click, and read the answer; nothing is wrong with this page."""
    tab.open(f"{site}/good")
    tab.fill("#name", "Turku")
    tab.click("button")
    found = seen(tab, "Hello Turku")
    assert (found.missing, found.complaints, found.failed, found.leaks, found.narrow) == ((), (), (), (), False)
    assert (found.moment, found.headers["x-frame-options"]) == (True, "DENY")
    assert found.screenshot.startswith(b"\x89PNG")


def test_what_is_wrong_is_seen(tab: Tab, site: str) -> None:
    """A token wherever it can be read, a complaint, a request in vain, a text that does not come, a page too wide."""
    tab.open(f"{site}/bad")
    found = seen(tab, "Good")
    assert found.leaks == ("the page's HTML", "what scripts can read of storage and cookies", "an address")
    assert found.complaints == ("it is broken",)
    assert f"{site}/missing.png (404)" in found.failed
    assert f"{site}/absent (404)" not in found.failed  # its script may have foreseen it
    assert (found.missing, found.narrow, found.moment) == (("Good",), True, False)


def test_a_moment_is_waited_for(tab: Tab, site: str) -> None:
    """One that is just over is followed by the next, where the page asks anew."""
    tab.open(f"{site}/late")
    assert look_at(tab, missing=(), secret="", axe=None, moment_s=30.0).moment


def test_a_browser_that_is_gone_is_named() -> None:
    """What cannot be reached is said in words, and not as a failure of the harness."""
    with pytest.raises(Unanswered, match="the browser takes no command"):
        Line.open("ws://127.0.0.1:9/")


def test_it_reaches_nothing_but_loopback(tab: Tab, site: str) -> None:
    """Neither a name nor an address of another host is asked: both fail within the browser."""
    tab.open(f"{site}/bad")
    told = {said.rpartition(" ")[0]: said for said in seen(tab).failed}
    assert "ERR_NAME_NOT_RESOLVED" in told["http://elsewhere.example/"]
    assert "ERR_NAME_NOT_RESOLVED" in told["http://192.0.2.1/"]


@pytest.mark.usefixtures("engine")
def test_the_page_of_an_engine_elsewhere_is_all_that_is_reached(require: Callable[[str], str], site: str) -> None:
    """What needs https works there as on loopback, which is another address now."""
    require("chromium")
    with serving(bridge_address()) as url, Chromium.start(url, marks={}) as chromium, chromium.visit() as tab:
        tab.open(f"{url}/good")
        assert tab.value("isSecureContext") is True
        with pytest.raises(Unanswered, match="ERR_NAME_NOT_RESOLVED"):
            tab.open(f"{site}/good")


def test_a_visit_has_no_past(chromium: Chromium, site: str) -> None:
    """What one visit keeps, the next one does not have."""
    for _ in range(2):
        with chromium.visit() as tab:
            tab.open(f"{site}/good")
            assert tab.value("localStorage.length") == 0
            tab.value("localStorage.setItem('token', '1')")


def test_what_is_not_there_is_said(tab: Tab, site: str) -> None:
    """A selector that finds nothing, and a page that does not answer, end the tour of that state with a reason."""
    tab.open(f"{site}/good")
    with pytest.raises(Unanswered, match="nothing on the page is #nowhere"):
        tab.click("#nowhere")
    with pytest.raises(Unanswered, match="ERR_"):
        tab.open("http://127.0.0.1:9/")


def test_axe_is_asked(tab: Tab, site: str) -> None:
    """Its rules are told with what is wrong and where; its words are written here, as the real one is fetched."""
    axe = Axe(
        "window.axe = {run: async () => ({violations: [{id: 'label', help: 'Label it', nodes: [{html: '<input>'}]}]})}"
    )
    tab.open(f"{site}/good")
    assert axe.violations(tab) == (("label", "Label it: <input>"),)
