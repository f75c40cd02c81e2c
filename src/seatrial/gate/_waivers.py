"""Findings that somebody answers for until a date."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from seatrial.config import WaiverSettings


def active(waivers: Iterable[WaiverSettings], *, today: dt.date) -> tuple[str, ...]:
    """Return the checks whose waiver still holds; the day it expires is its last."""
    return tuple(w.check for w in waivers if dt.date.fromisoformat(w.expires) >= today)


def describe(waivers: Sequence[WaiverSettings], *, today: dt.date) -> tuple[str, ...]:
    """Return one sentence for each waiver, for everybody who reads the report."""
    return tuple(
        f"{w.check} is waived until {w.expires} by {w.owner}: {w.reason}"
        if dt.date.fromisoformat(w.expires) >= today
        else f"the waiver of {w.check} by {w.owner} expired on {w.expires} and counts no more"
        for w in waivers
    )
