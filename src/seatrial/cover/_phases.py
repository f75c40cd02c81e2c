"""The phase that a run is in, and which processes of the services have arrived in it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from itertools import count

from seatrial.cover._late import Missed, describe_late, missing
from seatrial.stack import Mounted, Seen, Share

# A process shows every half second that it lives; one that ended without a word is not waited for.
ALIVE_S = 2.0
POLL_S = 0.01
LOOKS = 3
"""At least so often is looked, however long a look takes: the first is too early."""

STARTUP = "startup"
"""What a process executes before the first suite, and at its end: importing a module is no request."""


class Phases:
    """Name the suite that lines count for; services without a living process are waited for once."""

    def __init__(self, share: Share, services: Iterable[str]) -> None:
        self.share = share
        self._services = frozenset(services)
        self._silent: frozenset[str] = frozenset()
        self._wanted = ""
        self._latest_s = self._seen_s = 0.0
        self._missed: list[Missed] = []

    def switch(self, name: str) -> None:
        """Begin a phase; raises EnvironmentFailure."""
        self._wanted = name
        part = self.share.folder / ".phase"
        part.write_text(name, encoding="utf-8")
        part.chmod(0o644)
        part.replace(self.share.folder / "phase")
        self.share.hand_in("phase")

    def wait(self, timeout_s: float) -> bool:
        """Return whether every living process of every service arrived within so many seconds.

        Raises EnvironmentFailure.
        """
        arrived = self._await(timeout_s)
        self._missed += missing(self.share, self._wanted)
        return arrived

    def late(self) -> list[dict[str, str | int]]:
        """Return which services lived and had not arrived when a wait was over, as components.json has them.

        Their last words are looked for in the folder of the share, where all of them are once the services have ended.
        """
        return [] if self.share.problem else describe_late(self._missed, Mounted(self.share.folder))

    def _await(self, timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        for look in count(1):
            seen = self._living()
            absent = self._services - {process.name.partition("@")[0] for process in seen}
            if absent <= self._silent and all(process.text == self._wanted for process in seen):
                return not absent
            if look >= LOOKS and time.monotonic() > deadline:
                self._silent = absent
                break
            time.sleep(POLL_S)
        return False

    def _living(self) -> Sequence[Seen]:
        """Return what each process said that wrote lately, by the clock that it has: it may not be ours."""
        began_s, found = time.monotonic(), self.share.look("data/ack")
        latest_s = max((each.written_s for each in found), default=0.0)
        if latest_s != self._latest_s:
            self._latest_s, self._seen_s = latest_s, time.monotonic()
        now_s = latest_s + max(0.0, began_s - self._seen_s)
        return [each for each in found if now_s - each.written_s < ALIVE_S]
