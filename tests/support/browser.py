"""A page in a headless Chromium, steered by the DevTools protocol: what people see, without a driver to install."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import websocket

PATIENCE_S = 30.0
FLAGS = ("--headless", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0", "--remote-allow-origins=*")
# As root Chromium has no sandbox; the pages are our own.
UNSAFE = ("--no-sandbox", "--disable-dev-shm-usage")


class Browser:
    """One tab."""

    def __init__(self, url: str) -> None:
        self._socket = websocket.create_connection(url, timeout=PATIENCE_S)
        self._number = 0
        self.told: list[dict[str, Any]] = []
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result; events that come meanwhile are kept in `told`."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") == self._number:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result
            self.told.append(message)

    def open(self, url: str) -> None:
        """Load a page and wait until it is there."""
        self.call("Page.navigate", url=url)
        deadline = time.monotonic() + PATIENCE_S
        while self.value("document.readyState + location.protocol") != "completefile:":
            assert time.monotonic() < deadline, f"{url} did not load"
            time.sleep(0.02)

    def value(self, expression: str) -> Any:
        """Return what an expression (or the promise that it is) comes to in the page."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def requests(self) -> list[str]:
        """Return every URL that was asked for."""
        return [told["params"]["request"]["url"] for told in self.told if told["method"] == "Network.requestWillBeSent"]

    def complaints(self) -> list[str]:
        """Return what the browser had to say against the page, such as that its policy was broken."""
        return [told["params"]["entry"]["text"] for told in self.told if told["method"] == "Log.entryAdded"]


@contextmanager
def browsing(program: str) -> Iterator[Browser]:
    """Start a browser with a profile of its own, and end it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        child = subprocess.Popen(
            [program, *FLAGS, *UNSAFE, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            browser = Browser(_tab(_port(Path(profile, "DevToolsActivePort"))))
            with closing(browser):
                yield browser
        finally:
            child.terminate()
            child.wait(PATIENCE_S)


def _port(file: Path) -> int:
    deadline = time.monotonic() + PATIENCE_S
    while not file.exists() or "\n" not in file.read_text():
        assert time.monotonic() < deadline, "Chromium did not start"
        time.sleep(0.05)
    return int(file.read_text().splitlines()[0])


def _tab(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=PATIENCE_S) as answer:
        return next(str(tab["webSocketDebuggerUrl"]) for tab in json.load(answer) if tab["type"] == "page")
