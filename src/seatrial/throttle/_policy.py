"""The declared policy as it is in effect, and what of it can be proved in the time that there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from seatrial.config import LimitSettings, effective
from seatrial.core import UsageError

MARGIN_S = 4.0


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
        if quota < 1 or window_s <= 0:
            raise UsageError(
                f"a quota of {quota:g} in {window_s:g} s limits nothing",
                slug="limits-invalid",
                where=f"[[limits]] {settings.name}",
                remedy="declare a quota of at least 1 and a window above 0 s",
            )
        return cls(settings=settings, quota=int(quota), window_s=window_s)

    @property
    def fixed(self) -> bool:
        """Return whether the window is a fixed one, whose edges can be told from outside."""
        return self.settings.algorithm == "fixed-window"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Which claims are proved; an empty reason means that they are."""

    no_window: str = ""
    no_addresses: str = ""
    no_edges: str = ""


def plan_proof(policy: Policy, *, budget_s: float, addresses: int) -> Plan:
    """Say what can be proved with so many seconds and so many distinct client addresses."""
    needs_s = policy.window_s + MARGIN_S
    short = f"a window of {policy.window_s:g} s does not fit into a budget of {budget_s:g} s"
    return Plan(
        no_window=short if needs_s > budget_s else "",
        no_addresses="" if addresses > 1 else "every client of this stack has the same address",
        no_edges="" if policy.fixed else f"not yet proved for the algorithm {policy.settings.algorithm}",
    )
