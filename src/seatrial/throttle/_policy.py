"""The declared policy as it is in effect, and what of it can be proved in the time that there is."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from seatrial.config import CostSettings, LimitSettings, effective
from seatrial.core import UsageError

READING_S = 0.002
DRIFT = 0.0005
"""Clocks are read to a millisecond or so, and NTP may slew one by 500 ppm."""
BEYOND = 3
PROBES = 4
ANEW = 10
"""So many requests over new connections follow a refusal: two instances that count look like one by 1 in 1024."""

CONNECTIONS = 32
PATIENCE = 4
"""So many requests' worth of a bucket is waited for."""

SLOW = 0.25
"""A ramp is expected to take no more of a window than this: meanwhile, a bucket gets as much back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """`quota` requests in each window of `window_s` seconds; a profile may have turned both."""

    settings: LimitSettings
    quota: int
    window_s: float

    @classmethod
    def declared(cls, settings: LimitSettings, environment: Mapping[str, str]) -> Self:
        """Return the policy with the knobs as the stack's variables set them; raises UsageError for a bad one."""
        quota = effective(environment, settings.quota_variable, settings.quota)
        window_s = effective(environment, settings.window_variable, settings.window_s)
        if not (1 <= quota < math.inf and quota == int(quota) and 0 < window_s < math.inf):
            raise UsageError(
                f"a quota of {quota:g} in {window_s:g} s is no limit",
                slug="limits-invalid",
                where=f"[[limits]] {settings.name}",
                remedy="declare a whole quota of at least 1 and a window above 0 s",
            )
        return cls(settings=settings, quota=int(quota), window_s=window_s)

    @property
    def fixed(self) -> bool:
        """Return whether the window is a fixed one, whose edges can be told from outside."""
        return self.settings.algorithm == "fixed-window" and not self.shifted

    @property
    def shifted(self) -> bool:
        """Return whether windows follow the clock, shifted for each key: who meets the end of one knows the next."""
        return self.settings.anchor == "per-key" and self.settings.algorithm in {"fixed-window", "sliding-counter"}

    @property
    def renews(self) -> bool:
        """Return whether a window may end at any moment, and the whole quota is there again then."""
        return self.shifted and not self.weighs

    @property
    def bucket(self) -> bool:
        """Return whether it is a token bucket, which refills evenly."""
        return self.settings.algorithm == "token-bucket"

    @property
    def logs(self) -> bool:
        """Return whether it is a log, which counts what was admitted in the last window, whenever that is."""
        return self.settings.algorithm == "sliding-log"

    @property
    def weighs(self) -> bool:
        """Return whether it is a counter, which weighs what came in the window before by what is left of it."""
        return self.settings.algorithm == "sliding-counter"

    @property
    def slides(self) -> bool:
        """Return whether the window slides, so that it has no edges, but for what a counter leaves of them."""
        return self.logs or self.weighs

    @property
    def known(self) -> bool:
        """Return whether it is known how many requests of a fresh client are admitted."""
        return self.settings.algorithm != "any"

    @property
    def lasting(self) -> bool:
        """Return whether a quota that is used up stays so until a window after its client's first request."""
        return self.fixed or self.logs

    @property
    def refills(self) -> bool:
        """Return whether something may come back before that: to a bucket evenly, and once a counter's windows turn."""
        return self.bucket or self.weighs

    @property
    def dated(self) -> bool:
        """Return whether headers tell the end of a window as a date, not as the seconds until then."""
        return self.settings.headers == "x-ratelimit-epoch"

    @property
    def in_one_window(self) -> bool:
        """Return whether one window shows what it costs to go on asking, and that all is there again.

        A counter remembers the one before, and of windows that are shifted for each key the end of one has to be met.
        """
        return self.known and not self.weighs and not self.shifted

    def back(self, seconds: float) -> float:
        """Return how many requests may have come back in so many seconds, by whatever clock that goes.

        A counter gives back no faster than a bucket: what it admitted before its windows turned, over a window.
        """
        return self.quota * (seconds * (1 + DRIFT) + READING_S) / self.window_s if self.refills else 0.0

    @property
    def wait_s(self) -> float:
        """Return how long whoever is refused has to wait at the most.

        Of a counter's windows the first one must be over, and then so much of it that one request comes back.
        """
        one_s = self.window_s / self.quota if self.refills else 0.0
        return one_s if self.bucket else self.window_s + one_s

    @property
    def patience_s(self) -> float:
        """Return how long is watched whether it costs something to go on asking."""
        return min(PATIENCE, self.quota) * self.wait_s if self.bucket else self.window_s

    @property
    def body(self) -> bytes:
        """Return what is sent with POST."""
        return json.dumps(self.settings.body).encode() if self.settings.body else b""

    def costs(self, *, counts: bool) -> tuple[CostSettings, ...]:
        """Return the declared requests that end otherwise than usual, and count, or do not."""
        return tuple(cost for cost in self.settings.costs if cost.counts is counts)

    @property
    def ramp(self) -> int:
        """Return how many requests of one client show its quota and what lies beyond it."""
        return self.quota + BEYOND

    @property
    def probes(self) -> int:
        """Return how many requests tell a quota of one's own from what comes back to one that is used up."""
        return min(PROBES, self.quota) if self.refills else 1

    @property
    def beyond(self) -> int:
        """Return how many requests go beyond what a fresh client may be admitted at the most."""
        return self.at_most(SLOW * self.window_s) + BEYOND

    @property
    def anew(self) -> int:
        """Return how many requests over new connections show at the most whether others count for themselves."""
        return ANEW + (BEYOND if self.refills else 0)

    @property
    def shows(self) -> int:
        """Return how many requests a ramp has at the most before it is refused, where the policy holds."""
        return self.beyond if self.refills else self.ramp

    @property
    def spread(self) -> tuple[int, int]:
        """Return over how many connections a client asks for its quota at once, and how often on each."""
        connections = min(self.ramp, CONNECTIONS)
        return connections, -(-self.ramp // connections)

    def at_most(self, seconds: float) -> int:
        """Return how many requests of a fresh client may be admitted in so many seconds of one window.

        A bucket refills while it is asked; a counter's windows may turn, and it admits one more while a part of one has
        come back. What is not known may be a bucket, or have windows that follow the clock; one that does may end.
        """
        turns = not self.known or self.renews
        return self.quota + (self.quota if turns else math.floor(self.back(seconds)) + self.weighs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What one check sends besides the proof where all is well, and what it never exceeds."""

    claim: str
    what: str
    requests: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Which claims are proved (an empty reason means that they are), and the bounds that are kept.

    `load` is the scenario that is sent while a limit is proved under load, `beside` what checks of their own send out
    of the same budget.
    """

    no_proof: str = ""
    no_window: str = ""
    no_addresses: str = ""
    no_proxy: str = ""
    no_users: str = ""
    no_edges: str = ""
    no_sliding: str = ""
    no_return: str = ""
    no_quota: str = ""
    no_refusals: str = ""
    no_memory: str = ""
    no_kept: str = ""
    no_control: str = ""
    no_load: str = ""
    load: str = ""
    beside: tuple[Beside, ...] = ()
    budget_s: float = 60.0

    @property
    def besides(self) -> int:
        """Return how many requests the checks beside send at the most."""
        return sum(each.most for each in self.beside)

    def most(self, requests: int) -> int:
        """Return what is left of a budget of requests by the checks beside."""
        return requests - self.besides
