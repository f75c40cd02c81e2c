"""The declared policy as it is in effect, and what of it can be proved in the time that there is."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from seatrial.config import LimitSettings, effective
from seatrial.core import ALIKE, UsageError

READING_S = 0.002
DRIFT = 0.0005
"""Clocks are read to a millisecond or so, and NTP may slew one by 500 ppm."""
MARGIN_S = 4.0
BEYOND = 3
REQUESTS = 20_000
SCREENS = 4 * 40
"""Variants tried on two drained clients, with room for what has to be confirmed."""


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
        return self.settings.algorithm == "fixed-window"

    @property
    def bucket(self) -> bool:
        """Return whether it is a token bucket, which refills evenly."""
        return self.settings.algorithm == "token-bucket"

    def back(self, seconds: float) -> float:
        """Return how many requests a bucket may have got back in so many seconds, by whatever clock it goes."""
        return self.quota * (seconds * (1 + DRIFT) + READING_S) / self.window_s if self.bucket else 0.0

    @property
    def wait_s(self) -> float:
        """Return how long whoever is refused has to wait at the most."""
        return self.window_s / self.quota if self.bucket else self.window_s

    @property
    def body(self) -> bytes:
        """Return what is sent with POST."""
        return json.dumps(self.settings.body).encode() if self.settings.body else b""

    @property
    def ramp(self) -> int:
        """Return how many requests of one client show its quota and what lies beyond it."""
        return self.quota + BEYOND

    def at_most(self, seconds: float) -> int:
        """Return how many requests of a fresh client may be admitted in so many seconds of one window.

        A bucket refills while it is asked. `any` may be a bucket, or have windows that follow the clock.
        """
        return self.quota + (self.quota if self.settings.algorithm == "any" else math.floor(self.back(seconds)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Which claims are proved (an empty reason means that they are), and the bounds that are kept."""

    no_proof: str = ""
    no_window: str = ""
    no_addresses: str = ""
    no_users: str = ""
    no_edges: str = ""
    no_quota: str = ""
    budget_s: float = 60.0
    requests: int = 0


def plan_proof(policy: Policy, *, budget_s: float, addresses: int, alike: str = ALIKE, profile: str = "") -> Plan:
    """Say what can be proved in so many seconds of a profile, from so many distinct client addresses.

    `alike` says why there are no more.
    """
    waits_s = policy.window_s * (1.5 if policy.settings.anchor == "clock" else 1.0) + MARGIN_S
    whose = f"the {profile} profile's budget" if profile else "a budget"
    short = f"a window of {policy.window_s:g} s does not fit into {whose} of {budget_s:g} s"
    requests = count_requests(policy)
    many = f"a quota of {policy.quota} needs {requests} requests, a proof sends at most {REQUESTS}"
    unproved = f"not yet proved for the algorithm {policy.settings.algorithm}"
    return Plan(
        no_proof=many if requests > REQUESTS else "",
        no_window=short if waits_s > budget_s else "",
        no_addresses="" if addresses > 1 else alike,
        no_edges="" if policy.fixed else unproved,
        no_quota="" if policy.fixed or policy.bucket else unproved,
        budget_s=budget_s,
        requests=requests,
    )


def count_requests(policy: Policy) -> int:
    """Return about how many requests a proof of the policy sends when nothing has to be repeated."""
    clients = 6 + 2 * (policy.settings.anonymous_by == "address") + 2 * len(policy.settings.exempt)
    return clients * policy.ramp + SCREENS + BEYOND
