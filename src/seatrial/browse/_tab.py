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
        """Connect to a browser on this machine."""
        import websocket  # noqa: PLC0415 - of the extra `browser`

        return cls(websocket.create_connection(url, timeout=PATIENCE_S, suppress_origin=True))

    def call(self, method: str, *, session: str = "", **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result; events that come meanwhile are kept in `told`."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        self._socket.send(json.dumps(message | ({"sessionId": session} if session else {})))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") == self._number:
                if "error" in message:
                    raise Unanswered(f"{method}: {message['error'].get('message')}")
                result: dict[str, Any] = message["result"]
                return result
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
            complete = self.value("document.readyState") == "complete"
            now = len(self.events("Network.requestWillBeSent"))
            if not complete or now != asked or self._under_way():
                quiet_since, asked = time.monotonic(), now
            elif time.monotonic() - quiet_since >= QUIET_S:
                return
            time.sleep(POLL_S)
        raise Unanswered(f"the page was not loaded within {PATIENCE_S:g} s")

    def _under_way(self) -> bool:
        ended = {told["requestId"] for how in ("Finished", "Failed") for told in self.events(f"Network.loading{how}")}
        return any(told["requestId"] not in ended for told in self.events("Network.requestWillBeSent"))

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
        return str(self.value("document.body ? document.body.innerText : ''"))

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
