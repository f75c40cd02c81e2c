"""A tour through the declared states: sign in, bring the state about, go there, look.

pages --sign-in, limit or outage--> path, steps --> Seen
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from seatrial.browse._axe import Axe
from seatrial.browse._chromium import Chromium
from seatrial.browse._seen import Seen, look_at
from seatrial.browse._tab import Tab, Unanswered
from seatrial.config import PageSettings, StepSettings, WebSettings
from seatrial.core import Identity
from seatrial.stack import Stack

SAMPLES = 3
NOTICED_S = 2.0
"""So long it may take until the stack itself says that a part stands still; some parts it need not mention."""

RECOVERY_S = 30.0
LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd"


class Impossible(Exception):
    """A state cannot be brought about, through no fault of the page; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tour:
    """Who takes part: a browser, the page's address, the stack, and users.

    `user` makes one whom nobody saw before; `exhaust` uses up what is left of one's quota, or raises Impossible;
    `works` tells whether the stack serves again after an outage.
    """

    chromium: Chromium
    url: str
    web: WebSettings
    stack: Stack
    user: Callable[[], Identity]
    exhaust: Callable[[Identity], None]
    works: Callable[[], bool]
    axe: Axe | None = None

    def pages(self) -> dict[str, Seen]:
        """Return what was seen of each declared page."""
        return {page.name: self._see(page) for page in self.web.pages}

    def load_s(self) -> tuple[float, ...]:
        """Return how long cold loads of the first page took until all of it was there and had run.

        Nothing where one did not end.
        """
        try:
            return tuple(self._load_s() for _ in range(SAMPLES))
        except Unanswered:
            return ()

    def _load_s(self) -> float:
        with self.chromium.visit() as tab:
            tab.open(f"{self.url}{self.web.pages[0].path}")
            return float(tab.value(LOADED)) / 1000

    def _see(self, page: PageSettings) -> Seen:
        """Look at a state, at one that is limited once more if it is not shown: a window may have ended meanwhile."""
        seen = self._seen(page)
        over = page.limited and (seen.missing or (page.moment and not seen.moment))
        return self._seen(page) if over else seen

    def _seen(self, page: PageSettings) -> Seen:
        user = self.user() if page.signed_in else None
        try:
            with self.chromium.visit() as tab:
                if user:
                    self._sign_in(tab, user)
                if user and page.limited:
                    self.exhaust(user)
                with self._outage(page.down):
                    return self._look(tab, page, user)
        except Unanswered as problem:
            return Seen(problem=str(problem))
        except (Impossible, httpx.TransportError) as problem:
            return Seen(doubt=str(problem))

    def _sign_in(self, tab: Tab, user: Identity) -> None:
        declared = self.web.sign_in
        if declared is None:
            raise Unanswered("[web.sign_in] is not declared")
        tab.open(f"{self.url}{declared.path}")
        self._take(tab, declared.steps, user)
        if missing := tab.shows(declared.expect, self.web.patience_s):
            raise Unanswered(f"after signing in the page does not show: {', '.join(missing)}")
        tab.settle()

    def _look(self, tab: Tab, page: PageSettings, user: Identity | None) -> Seen:
        tab.open(f"{self.url}{page.path}")
        self._take(tab, page.steps, user)
        missing = tab.shows(page.expect, self.web.patience_s)
        if not missing and page.steps:
            tab.settle()
        secret, moment_s = user.secret if user else "", self.web.patience_s if page.moment else 0.0
        return look_at(tab, missing=missing, secret=secret, axe=self.axe, moment_s=moment_s)

    def _take(self, tab: Tab, steps: Iterable[StepSettings], user: Identity | None) -> None:
        for step in steps:
            if step.fill:
                tab.fill(step.fill, step.text.replace("{token}", user.secret if user else ""))
            else:
                tab.click(step.click)

    @contextmanager
    def _outage(self, service: str) -> Iterator[None]:
        """Let a service stand still meanwhile, and wait until the stack serves again."""
        if not service:
            yield
            return
        self.stack.control("pause", service)
        try:
            self._await(works=False, patience_s=NOTICED_S)
            yield
        finally:
            self.stack.control("unpause", service)
            self._await(works=True, patience_s=RECOVERY_S)

    def _await(self, *, works: bool, patience_s: float) -> None:
        until = time.monotonic() + patience_s
        while self.works() is not works and time.monotonic() < until:
            time.sleep(0.1)
