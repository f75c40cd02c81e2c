"""What Ctrl-C does: end at once while nothing has been started, raise KeyboardInterrupt afterwards.

Importing takes most of a second, in which an exception would pass through whatever foreign module is being imported:
some swallow it, some wrap it. `_signal` instead of `signal`, as this is the first thing that runs.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # no stub has it
import os

INTERRUPTED = 130
_told = bytearray()


def end_at_once() -> None:
    """Make Ctrl-C end the process without a traceback, unless the caller of this process has it ignored."""
    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
        _signal.signal(_signal.SIGINT, _end)


def tell_at_end(told: str) -> None:
    """Have this line on standard output where Ctrl-C ends the process at once: whoever reads it expects one."""
    _told[:] = f"{told}\n".encode()


def end_in_order() -> None:
    """Make Ctrl-C raise KeyboardInterrupt again: from here on there is something to put away."""
    if _signal.getsignal(_signal.SIGINT) is _end:
        _signal.signal(_signal.SIGINT, _signal.default_int_handler)


def _end(number: int, frame: object) -> None:
    del number, frame
    os.write(2, b"seatrial: interrupted [run-interrupted]\n  to do: run again; nothing had been started\n")
    if _told:
        os.write(1, _told)
    os._exit(INTERRUPTED)
