"""Which lines a suite reaches that is judged elsewhere: a little of what it sends, on the instrumented stack.

The verdicts on load and limits come from the clean stack alone; here both count for who reached what.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from seatrial.campaign._run import Run
from seatrial.core import SeatrialError
from seatrial.record import LimitationNoted
from seatrial.stack import Stack


class Attribution(ABC):
    """Send a little of a `suite`, once; `reaching` says in notes what was not measured."""

    suite: ClassVar[str]
    reaching: ClassVar[str]

    def __init__(self, run: Run) -> None:
        self._run = run
        self._over = False

    @property
    def pending(self) -> bool:
        """Return whether there is still something to send, or to say of what is not sent."""
        return self._declared and not self._over

    @property
    @abstractmethod
    def _declared(self) -> bool:
        """Return whether a run has anything of the kind."""

    def start(self) -> None:  # noqa: B027 - most need nothing
        """Begin what takes time, and return at once; safe to call twice."""

    def send(self, stack: Stack) -> None:
        """Send it to a stack; what goes wrong leaves the suite without lines, which is said, and fails nothing."""
        self._over = True
        try:
            self._send(stack)
        except SeatrialError as error:
            self._note(f": {error.what}")

    @abstractmethod
    def _send(self, stack: Stack) -> None:
        """Send it; raises SeatrialError."""

    def _note(self, what: str) -> None:
        self._run.recorder.emit(LimitationNoted(note=f"coverage: {self.reaching} was not measured{what}"))

    def close(self) -> None:  # noqa: B027 - as above
        """End what was begun, if nobody needed it."""
