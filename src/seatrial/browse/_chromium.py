"""A headless Chromium of this run alone, which reaches nothing but the address of the service's page."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from seatrial.browse._tab import Line, Tab, Unanswered

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LOOPBACK = "127.0.0.1"
PATIENCE_S = 60.0
END_S = 10.0
FLAGS = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--remote-debugging-port=0",
    # A proxy of this machine would look names up itself.
    "--no-proxy-server",
)
# As root Chromium has no sandbox; small machines and containers have little shared memory.
OF_ROOT = ("--no-sandbox", "--disable-dev-shm-usage")


class Unavailable(Exception):
    """No browser can be steered on this machine; the message says what is missing."""


class Chromium:
    """A browser that runs; each visit is a context of its own, without cookies or a cache of another."""

    def __init__(self, line: Line) -> None:
        self._line = line

    @classmethod
    @contextmanager
    def start(cls, url: str, *, marks: Mapping[str, str]) -> Iterator[Chromium]:
        """Start one for the page at an address, and end it; `marks` are the variables by which processes are found.

        Raises Unavailable.
        """
        if find_spec("websocket") is None:
            raise Unavailable("the extra that steers a browser is not installed: pip install 'seatrial[browser]'")
        program = next(filter(None, map(shutil.which, PROGRAMS)), None)
        if not program:
            raise Unavailable("there is no Chromium on this machine")
        root = OF_ROOT if os.geteuid() == 0 else ()
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
            child = subprocess.Popen(
                [program, *FLAGS, *_confined(url), *root, f"--user-data-dir={profile}", "about:blank"],
                env={**os.environ, **marks},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            try:
                with closing(_connect(_address(Path(profile, "DevToolsActivePort"), child))) as line:
                    yield cls(line)
            finally:
                _end(child)

    @contextmanager
    def visit(self) -> Iterator[Tab]:
        """Open a tab in a context of its own, and close both."""
        context = self._line.call("Target.createBrowserContext")["browserContextId"]
        target = self._line.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self._line.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        try:
            yield Tab(self._line, session)
        finally:
            with suppress(Unanswered):  # of a browser that is gone, so is the tab
                self._line.call("Target.disposeBrowserContext", browserContextId=context)


def _connect(address: str) -> Line:
    try:
        return Line.open(address)
    except Unanswered as problem:
        raise Unavailable(str(problem)) from problem


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the browser, one that hangs too."""
    child.terminate()
    try:
        child.wait(END_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _confined(url: str) -> Iterator[str]:
    """Yield what keeps a browser at one address: whatever a page names, no other is looked up, or connected to.

    A page from loopback may use what else needs https (a secure context); so may that of a stack elsewhere.
    """
    parts = urlsplit(url)
    yield f"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE {parts.hostname}"
    if parts.hostname != LOOPBACK:
        yield f"--unsafely-treat-insecure-origin-as-secure={parts.scheme}://{parts.netloc}"


def _address(file: Path, child: subprocess.Popen[bytes]) -> str:
    """Return where the browser takes commands; raises Unavailable."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        if file.exists() and "\n" in (text := file.read_text()):
            port, path = text.splitlines()[:2]
            return f"ws://{LOOPBACK}:{port}{path}"
        if child.poll() is not None:
            raise Unavailable(f"Chromium ended with {child.returncode} as it started")
        if time.monotonic() > deadline:
            raise Unavailable(f"Chromium took no command within {PATIENCE_S:g} s")
        time.sleep(0.02)
