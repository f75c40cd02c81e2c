"""The reference stack's page: verified on both drivers, left out where it cannot run, and honest about addresses."""

from __future__ import annotations

import http.client
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from seatrial.browse import Chromium
from seatrial.browse._tab import Tab, Unanswered
from seatrial.config import load_settings
from seatrial.stack._built import ensure_built
from seatrial.stack._ports import pick_ports

Run = Callable[..., Any]
ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "seatrial.web.toml"
ARGUMENTS = ["--seed", "1", "--only", "web"]
CHECKS = {
    *("web.pages-work", "web.states-clear", "web.accessible", "web.no-secret-in-page", "web.interactive-in-time"),
    *("web.headers", "web.health"),
}
PATIENCE_S = 60.0
KNOWN = "one.known.token"


def without(program: str, folder: Path) -> str:
    """Return a PATH on which everything is but one program."""
    folder.mkdir()
    for place in filter(os.path.isdir, os.environ["PATH"].split(os.pathsep)):
        for found in Path(place).iterdir():
            if found.name != program and not (folder / found.name).is_symlink():
                (folder / found.name).symlink_to(found)
    return str(folder)


def test_without_node_it_is_not_tested(run_seatrial: Run, pool: Mapping[str, str], tmp_path: Path) -> None:
    """The rest of the stack is up; no check of the page passes, and each says what is missing."""
    variables = {**pool, "PATH": without("node", tmp_path / "bin")}
    ended = run_seatrial([*ARGUMENTS, "--stack", "local"], tmp_path / "run", variables, config=CONFIG)
    assert ended.checks("not-tested") == CHECKS, ended.output
    assert (ended.exit_code, ended.verdict["verdict"]) == (3, "inconclusive")
    assert "web was not started: there is no node on this machine" in ended.output


@pytest.mark.long  # to build the page takes half a minute of processor time
@pytest.mark.parametrize("driver", ["local", "compose"])
def test_the_page_keeps_its_promises(
    driver: str, run_seatrial: Run, require: Callable[[str], str], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Every check passes, and there is a picture of each state."""
    request.getfixturevalue("engine" if driver == "compose" else "require")
    for tool in ("node", "chromium"):
        require(tool)
    pool = request.getfixturevalue("pool") if driver == "local" else {}
    ended = run_seatrial([*ARGUMENTS, "--stack", driver], tmp_path / "run", pool, config=CONFIG)
    assert (ended.exit_code, ended.checks("passed")) == (0, CHECKS), ended.output
    web = load_settings(CONFIG).web
    assert web
    assert {picture.stem for picture in (tmp_path / "run" / "web").iterdir()} == {page.name for page in web.pages}


class Api(BaseHTTPRequestHandler):
    """What the page asks: it knows one token, and remembers where it was told that requests come from."""

    told: list[str | None] = []  # noqa: RUF012 - one server, one list

    def do_GET(self) -> None:
        """Refuse whoever has no such token."""
        self.told.append(self.headers["X-Forwarded-For"])
        known = self.headers["Authorization"] == f"Bearer {KNOWN}"
        self.send_response(200 if known else 401)
        self.end_headers()
        self.wfile.write(b'{"items": []}' if known else b"{}")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def page(require: Callable[[str], str]) -> Iterator[int]:
    """Start the page before an api that knows one token; return its port."""
    node = require("node")
    service = load_settings(CONFIG).stack.local.services["web"]
    folder = ensure_built("web", service, ROOT / "fixtures" / "stack", marks={}, progress=lambda _: None)
    (port,) = pick_ports(1)
    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as api:
        Thread(target=api.serve_forever, daemon=True).start()
        variables = {"PORT": str(port), "HOSTNAME": "127.0.0.1", "API_URL": f"http://127.0.0.1:{api.server_port}"}
        child = subprocess.Popen([node, *service.command[1:]], cwd=folder, env={**os.environ, **variables})
        yield port
        child.terminate()
        child.wait(PATIENCE_S)
        api.shutdown()


@pytest.mark.long
def test_a_client_cannot_choose_its_address(page: int) -> None:
    """The page appends the address that it sees to what a client claims, of which the api believes the last one.

    Of a request that came before it could look, it says nothing, and never what the client claims alone.
    """
    deadline = time.monotonic() + PATIENCE_S
    while not any(Api.told):
        assert time.monotonic() < deadline
        client = http.client.HTTPConnection("127.0.0.1", page, source_address=("127.9.8.7", 0))
        try:
            client.request(
                "GET", "/analyses", headers={"X-Forwarded-For": "203.0.113.9", "Cookie": "__Host-token=a.b.c"}
            )
            assert client.getresponse().status == 200
        except ConnectionRefusedError:
            time.sleep(0.1)
        finally:
            client.close()
    assert {*Api.told} - {None} == {"203.0.113.9, 127.9.8.7"}


@pytest.fixture
def tab(page: int, require: Callable[[str], str]) -> Iterator[Tab]:
    """Open the page where people sign in, as soon as it answers."""
    require("chromium")
    url, deadline = f"http://127.0.0.1:{page}", time.monotonic() + PATIENCE_S
    with Chromium.start(url, marks={}) as browser, browser.visit() as tab:
        while True:
            try:
                tab.open(f"{url}/sign-in")
            except Unanswered:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            else:
                break
        yield tab


def sign_in(tab: Tab, token: str) -> None:
    """Send the form."""
    tab.fill("#token", token)
    tab.click("form[aria-labelledby=by-token] button")


@pytest.mark.long
def test_a_form_needs_no_script(tab: Tab) -> None:
    """It is sent, and answered, also where scripts are not there, or not yet: its origin is told, as it is ours."""
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    tab.call("Page.reload")
    tab.settle()
    sign_in(tab, "unknown.token")
    assert tab.shows(["This token is not valid, or has expired."], PATIENCE_S) == ()


@pytest.mark.long
def test_whoever_is_led_on_is_there_by_keyboard(tab: Tab) -> None:
    """After a form that loads no other document, the focus is on the content of the page to which it led."""
    sign_in(tab, KNOWN)
    assert tab.shows(["Submit a document"], PATIENCE_S) == ()
    assert tab.becomes("document.activeElement.id === 'main'", PATIENCE_S)
