"""Sleep to a few microseconds: gevent's loop waits in whole milliseconds, which a fast service would be blamed for."""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from typing import Any

import gevent

MONOTONIC = 1
NANOSECONDS = 1_000_000_000
ITIMERSPEC = struct.Struct("@4l")
"""Seconds and nanoseconds, twice: of the interval, which there is none of, and of the first time."""

EXPIRATIONS = 8
"""The bytes of their count, which is read so that the loop waits for the next one."""


class Alarm:
    """Wake the one greenlet that sleeps; without such a timer (it is Linux's) as precisely as the loop can."""

    def __init__(self) -> None:
        self._hub = gevent.get_hub()
        self._sleeper: Any = None
        self._descriptor = -1
        if sys.platform == "linux":
            library = ctypes.CDLL(None)
            self._settime = library.timerfd_settime
            self._descriptor = library.timerfd_create(MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self._descriptor >= 0:  # watched all the time: to begin and end that takes longer than the sleep itself
            self._watcher = self._hub.loop.io(self._descriptor, 1)
            self._watcher.start(self._ring)

    def sleep(self, seconds: float) -> None:
        """Let others run for so long; with 0 or less they still have their turn."""
        nanoseconds = int(seconds * NANOSECONDS)
        if self._descriptor < 0 or nanoseconds <= 0:
            gevent.sleep(max(seconds, 0))
            return
        self._sleeper = gevent.getcurrent()
        self._settime(self._descriptor, 0, ITIMERSPEC.pack(0, 0, *divmod(nanoseconds, NANOSECONDS)), None)
        try:
            self._hub.switch()
        finally:
            self._sleeper = None

    def _ring(self) -> None:
        os.read(self._descriptor, EXPIRATIONS)
        if self._sleeper is not None:
            self._sleeper.switch()
