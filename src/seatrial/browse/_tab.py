"""One tab, steered by the DevTools protocol: https://chromedevtools.github.io/devtools-protocol."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Sequence
from typing import Any

PATIENCE_S = 30.0
POLL_S = 0.05
QUIET_S = 0.3
"""A page that asks for nothing more for so long is there."""

ENDLESS = "EventSource"
"""Requests of this type stay open for as long as the page does."""


class Unanswered(Exception):
    """The browser did not do, or answer, what it was told; the message says what."""


class Line:
    """The connection to a browser; events of all its tabs come through it."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._number = 0
        self.told: list[dict[str, Any]] = []

    @classmethod
    def open(cls, url: str) -> Line:
        """Connect to a browser on this machine; raises Unanswered."""
        import websocket  # noqa: PLC0415 - of the extra `browser`

        try:
            return cls(websocket.create_connection(url, timeout=PATIENCE_S, suppress_origin=True))
        except (OSError, websocket.WebSocketException) as error:
            raise Unanswered(f"the browser takes no command: {error}") from error

    def call(self, method: str, *, session: str = "", **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result; events that come meanwhile are kept in `told`.

        Raises Unanswered, also where the browser hangs or is gone.
        """
        import websocket  # noqa: PLC0415 - of the extra `browser`

        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        try:
            self._socket.send(json.dumps(message | ({"sessionId": session} if session else {})))
            answer = self._answer()
        except (OSError, websocket.WebSocketException) as error:
            raise Unanswered(f"{method}: the browser does not answer: {error}") from error
        if "error" in answer:
            raise Unanswered(f"{method}: {answer['error'].get('message')}")
        result: dict[str, Any] = answer["result"]
        return result

    def _answer(self) -> dict[str, Any]:
        """Wait for the answer to the last call; one to a call that was given up before is dropped."""
        while True:
            message: dict[str, Any] = json.loads(self._socket.recv())
            if message.get("id") == self._number:
                return message
            if "method" in message:
                self.told.append(message)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


class Tab:
    """A page as somebody has it before them; `call` raises Unanswered where the browser refuses."""

    def __init__(self, line: Line, session: str) -> None:
        self._line = line
        self._session = session
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol for this tab."""
        return self._line.call(method, session=self._session, **parameters)

    def value(self, expression: str) -> Any:
        """Return what an expression (or the promise that it is) comes to in the page."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise Unanswered(str(found["exceptionDetails"].get("exception", {}).get("description", expression[:80])))
        return found["result"].get("value")

    def open(self, url: str) -> None:
        """Load a page and wait until it asks for nothing more."""
        if error := self.call("Page.navigate", url=url).get("errorText"):
            raise Unanswered(f"{url}: {error}")
        self.settle()

    def settle(self) -> None:
        """Wait until the page is loaded and has asked for nothing more for a while."""
        deadline, quiet_since, asked = time.monotonic() + PATIENCE_S, time.monotonic(), -1
        while time.monotonic() < deadline:
            complete = self._glance("document.readyState") == "complete"
            now = len(self.events("Network.requestWillBeSent"))
            if not complete or now != asked or self._under_way():
                quiet_since, asked = time.monotonic(), now
            elif time.monotonic() - quiet_since >= QUIET_S:
                return
            time.sleep(POLL_S)
        raise Unanswered(f"the page was not loaded within {PATIENCE_S:g} s")

    def _under_way(self) -> bool:
        ended = {told["requestId"] for how in ("Finished", "Failed") for told in self.events(f"Network.loading{how}")}
        asked = self.events("Network.requestWillBeSent")
        return any(told["requestId"] not in ended for told in asked if told.get("type") != ENDLESS)

    def _glance(self, expression: str) -> Any:
        """Return a value of the page, None while one page takes the place of another."""
        try:
            return self.value(expression)
        except Unanswered:
            return None

    def becomes(self, expression: str, patience_s: float) -> bool:
        """Wait until an expression is true in the page; return whether it was in time."""
        deadline = time.monotonic() + patience_s
        while not self._glance(expression):
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)
        return True

    def shows(self, texts: Sequence[str], patience_s: float) -> tuple[str, ...]:
        """Wait until the page shows all of these texts; return those that it does not show in time."""
        deadline = time.monotonic() + patience_s
        while missing := tuple(text for text in texts if text not in self.text()):
            if time.monotonic() > deadline:
                return missing
            time.sleep(POLL_S)
        return ()

    def text(self) -> str:
        """Return what can be read on the page."""
        return str(self._glance("document.body ? document.body.innerText : ''") or "")

    def fill(self, selector: str, text: str) -> None:
        """Type a text into the field that a CSS selector finds."""
        self.value(f"{_one(selector)}.focus()")
        self.call("Input.insertText", text=text)

    def click(self, selector: str) -> None:
        """Click with the mouse on what a CSS selector finds."""
        box = f"(e => (e.scrollIntoView({{block: 'center'}}), e.getBoundingClientRect()))({_one(selector)})"
        x, y = self.value(f"(b => [b.x + b.width / 2, b.y + b.height / 2])({box})")
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def look(self, *, width: int, height: int, scheme: str) -> None:
        """Set the size of the window in pixels, and whether the system is `light` or `dark`."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self) -> bytes:
        """Return what is to be seen, as a PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot")["data"])

    def events(self, method: str) -> list[dict[str, Any]]:
        """Return what the browser told of this tab under one name, in order."""
        return [
            told["params"]
            for told in self._line.told
            if told["method"] == method and told.get("sessionId") == self._session
        ]


def _one(selector: str) -> str:
    """Return an expression for the one element that a selector finds; it throws where there is none."""
    quoted = json.dumps(selector)
    missing = json.dumps(f"nothing on the page is {selector}")
    return f"(document.querySelector({quoted}) ?? (() => {{ throw new Error({missing}) }})())"
