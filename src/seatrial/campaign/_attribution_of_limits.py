"""Which lines a limiter reaches that refuses: a client of each limit that asks for a little more than its quota."""

from __future__ import annotations

from collections import defaultdict

from seatrial.campaign._attribution import Attribution
from seatrial.campaign._instruments import exceed_limits
from seatrial.campaign._run import PROVING
from seatrial.stack import Stack


class LimitAttribution(Attribution):
    """Be refused by each limit that the stack has as it is proved; of a lifted one it is said that nobody was."""

    suite, reaching = PROVING, "what refusals reach"

    @property
    def _declared(self) -> bool:
        return bool(self._run.settings.limits)

    def _send(self, stack: Stack) -> None:
        unmeasured: defaultdict[str, list[str]] = defaultdict(list)
        for name, reason in exceed_limits(self._run, stack).items():
            unmeasured[reason].append(name)
        for reason, names in unmeasured.items():
            self._note(f" of {', '.join(names)}: {reason}")
