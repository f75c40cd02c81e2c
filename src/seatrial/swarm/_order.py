"""A scenario made ready to run: everything that can be wrong about it is found here, before anything starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seatrial.config import FILE, FloodSettings, LimitSettings, Profile, Rule, ScenarioSettings, find_line
from seatrial.core import UsageError
from seatrial.swarm._loadfile import find_load_file
from seatrial.swarm._objectives import (
    BREAKPOINT,
    Objective,
    check_objectives,
    check_operations,
    check_resources,
    tell_objectives,
)
from seatrial.swarm._rate import Knot, Rate
from seatrial.swarm._recovery import RECOVERY, check_recovery
from seatrial.swarm._sessions import Quota, count_needed, quotas_of
from seatrial.swarm._shape import knots_of
from seatrial.swarm.traffic import read_recording

LIMITED = 429
HEALTH_USER = "Health"
MOST_ARRIVALS = 20_000_000
"""Of one scenario, an hour at 5,000/s and some: each has a row of about a hundred bytes on the disk, none in memory."""

LONGEST_S = 7 * 86_400.0
"""Of one scenario, with what its last arrivals may take: a week, so that no slip of the pen sends for years."""

KNOWN_PER_S = 5000
"""What one process began within 5 ms with the lean client, on a core of its own: tests/benchmarks/load.py."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A scenario with its thresholds parsed, its file found and its identities counted.

    `objectives` are about what clients see, `operations` the same of single ones, `resources` about what the service
    uses. `exempt`: no rate limit applies to its paths. `location` is where its objectives stand. `knots` say how its
    rate changes with time, where it does. `flood` is what saturates the service meanwhile.
    """

    name: str
    scenario: ScenarioSettings
    file: str
    duration_s: float
    objectives: Mapping[str, Rule]
    quotas: Sequence[Quota]
    identities: int
    exempt: bool
    rejection: int
    location: str
    knots: tuple[Knot, ...] = ()
    flood: FloodSettings | None = None
    operations: Mapping[str, Mapping[str, Rule]] = field(default_factory=dict)
    resources: Mapping[str, Rule] = field(default_factory=dict)

    @property
    def rate(self) -> Rate:
        """Return its rate over time."""
        return Rate(self.knots or [(0.0, self.scenario.rate_per_s)])

    @property
    def told(self) -> list[Objective]:
        """Return every objective as reports are told it."""
        own = tell_objectives({**self.objectives, **self.resources})
        return own + [one for name, rules in self.operations.items() for one in tell_objectives(rules, name)]

    @property
    def arrivals(self) -> float:
        """Return how many arrivals are due, give or take one."""
        return self.rate.count(self.duration_s)


def prepare(  # noqa: PLR0913 - what a scenario depends on
    name: str,
    scenario: ScenarioSettings,
    *,
    profile: str,
    root: Path,
    limits: Sequence[LimitSettings] | None,
    environment: Mapping[str, str],
) -> Order:
    """Return the scenario ready to run in a profile that it has a duration for; raises UsageError for what is wrong."""
    duration_s = scenario.duration_s[profile]  # type: ignore[index]  # a profile's name
    knots = knots_of(scenario, root=root) if scenario.shapes else ()
    rate = Rate(knots or [(0.0, scenario.rate_per_s)])
    _check_size(name, scenario, rate, duration_s, profile)
    quotas = quotas_of(limits or (), environment)
    objectives = check_objectives(scenario, name=name)
    if BREAKPOINT in objectives and scenario.search is None:
        raise UsageError(
            f"the scenario {name!r} searches for no rate that could be its {BREAKPOINT}",
            slug="objective-search",
            where=f"[load.{name}.objectives] {BREAKPOINT}",
            remedy=f"write search = {{ times = 10 }} under [load.{name}], or leave the objective out",
        )
    if RECOVERY in objectives:
        check_recovery(name, scenario, objectives[RECOVERY], duration_s)
    return Order(
        name=name,
        scenario=scenario,
        objectives=objectives,
        operations=check_operations(scenario, name=name),
        resources=check_resources(scenario, name=name),
        file=_file(name, scenario, root),
        duration_s=duration_s,
        quotas=quotas,
        identities=scenario.identities
        if scenario.beyond_quota
        else count_needed(scenario, duration_s=duration_s, quotas=quotas, highest_per_s=rate.highest(duration_s)),
        exempt=_exempt(scenario, limits),
        rejection=limits[0].rejection_status if limits else LIMITED,
        location=_location(name, root),
        knots=knots,
        flood=scenario.flood if scenario.flood and profile in scenario.flood.profiles else None,
    )


def check_sizes(load: Mapping[str, ScenarioSettings], *, profile: Profile, root: Path) -> None:
    """Raise UsageError for a scenario of a profile with more arrivals than it may have."""
    for name, scenario in load.items():
        if profile in scenario.duration_s:
            knots = knots_of(scenario, root=root) if scenario.shapes else ()
            rate = Rate(knots or [(0.0, scenario.rate_per_s)])
            _check_size(name, scenario, rate, scenario.duration_s[profile], profile)


def _check_size(name: str, scenario: ScenarioSettings, rate: Rate, duration_s: float, profile: str) -> None:
    """Raise UsageError for too much or too long; of a search, its largest burst counts, and a flood has its own."""
    if scenario.flood and profile in scenario.flood.profiles:
        _refuse_many(scenario.flood.rate_per_s, duration_s, where=f"[load.{name}.flood] rate_per_s")
    _refuse_long(duration_s + max(scenario.deadline_s, scenario.journey_s or 0.0), where=f"[load.{name}]")
    rate_per_s = rate.mean(duration_s) * (scenario.search.times if scenario.search else 1.0)
    _refuse_many(rate_per_s, duration_s, where=f"[load.{name}]")


def _refuse_long(most_s: float, *, where: str) -> None:
    if most_s > LONGEST_S:
        raise UsageError(
            f"it may take {most_s:.6g} s, more than the {LONGEST_S:,.0f} s that a scenario may",
            slug="load-too-large",
            where=where,
            remedy="lower duration_s, deadline_s or journey_s: a longer look is several loads one after the other",
        )


def _refuse_many(rate_per_s: float, duration_s: float, *, where: str) -> None:
    if rate_per_s * duration_s > MOST_ARRIVALS:
        raise UsageError(
            f"{rate_per_s:g}/s for {duration_s:g} s are {rate_per_s * duration_s:.6g} arrivals, "
            f"more than the {MOST_ARRIVALS:,} that a scenario may have",
            slug="load-too-large",
            where=where,
            remedy=f"lower rate or duration: one process sends up to {KNOWN_PER_S:,}/s with the lean client, a third "
            "to a seventh of that with Locust's own, and a load that it cannot send says what it can",
        )


def _file(name: str, scenario: ScenarioSettings, root: Path) -> str:
    if scenario.user:
        return str(find_load_file(scenario, root=root))
    if scenario.har:
        read_recording(root / scenario.har)  # what is wrong with it is said before anything starts
    if scenario.paths or scenario.har or scenario.traffic:
        return ""
    raise UsageError(
        f"the scenario {name!r} says neither who sends requests nor where to",
        slug="load-paths-missing",
        where=f"[load.{name}]",
        remedy='list `paths`, for example paths = ["/"], write traffic = "contract" or har = "FILE", '
        "or name a `user` class of its load file",
    )


def _exempt(scenario: ScenarioSettings, limits: Sequence[LimitSettings] | None) -> bool:
    if limits is None:
        return scenario.user == HEALTH_USER  # the shipped class sends to health paths, which are exempt by promise
    return bool(limits and scenario.paths) and all(_spares(limit, set(scenario.paths)) for limit in limits)


def _spares(limit: LimitSettings, paths: set[str]) -> bool:
    return limit.path not in paths if limit.reach == "path" else paths <= set(limit.exempt)


def _location(name: str, root: Path) -> str:
    file = root / FILE
    if not file.is_file():
        return ""
    line = find_line(file.read_text(encoding="utf-8"), ("load", name, "objectives"))
    return f"{FILE}:{line}"
