"""The suites: in which order they run, on which variant of the stack, charged to which stage's budget.

    posture > health > tracing > logs > security > jobs > health_late > jobs_aside > deployment > ratelimit > load
    (file)    '---------------- instrumented -----------------'  '------ clean -------' > jobs_last '---- clean -----'
              ratelimit, on the clean one, meanwhile             contract, instrumented   stop > coverage

The suite `web` comes before `jobs`.
What disturbs the others (`test_<suite>_late*.py`) comes after them. What mostly waits (`test_<suite>_aside*.py`) runs
on the clean stack while the contract is fuzzed on the other one, and what waits for the end of something that began
there (`test_<suite>_last*.py`) after the contract. Load runs alone, but for the end of the instrumented stack.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from seatrial.config import Stage
from seatrial.core import UsageError, name_nearest

OF_WHOLE_RUNS = frozenset({"contract.statuses"})
"""Metrics to which every suite contributes: some statuses come from a limiter, or while a dependency is down."""

LATE, ASIDE, LAST = "late", "aside", "last"
Needs = Literal["nothing", "instrumented", "clean"]


@dataclass(frozen=True, slots=True)
class Suite:
    """How a suite, or a part of it, runs.

    `instrument` says that the campaign measures first and the items read their outcome. `addresses` says that it sends
    from clients with an address of their own, where there can be such.
    """

    name: str
    stage: Stage
    needs: Needs = "instrumented"
    instrument: bool = False
    addresses: bool = False

    @property
    def aside(self) -> bool:
        """Return whether it runs beside the contract."""
        return self.stage == "functional" and self.needs == "clean"


SUITES = {
    suite.name: suite
    for suite in (
        Suite("posture", "posture", needs="nothing"),
        Suite("health", "functional", addresses=True),
        Suite("tracing", "functional"),
        Suite("logs", "functional"),
        Suite("security", "functional", addresses=True),
        Suite("web", "functional"),
        Suite("jobs", "functional"),
        Suite("deployment", "functional", needs="clean"),
        Suite("contract", "contract", instrument=True, addresses=True),
        Suite("ratelimit", "ratelimit", needs="clean", instrument=True, addresses=True),
        Suite("load", "load", needs="clean", instrument=True),
        Suite("coverage", "coverage", instrument=True),
    )
}


def part_of(words: Sequence[str]) -> str:
    """Return the part of a run that a file belongs to, by the words of its name: `jobs`, or `jobs_aside`."""
    return "_".join(words[:2]) if {LATE, ASIDE, LAST}.intersection(words[1:2]) else words[0]


def suites_of(parts: Iterable[str]) -> list[str]:
    """Return the suites of these parts, each once."""
    return list(dict.fromkeys(part.partition("_")[0] for part in parts))


def suite_named(part: str) -> Suite:
    """Return a suite, or a part of one; a suite that a project adds of its own runs as a functional one."""
    name, _, when = part.partition("_")
    suite = SUITES.get(name) or Suite(name, "functional", addresses=True)
    return replace(suite, name=part, needs="clean" if when in {ASIDE, LAST} else suite.needs)


def in_suite_order(parts: Iterable[str]) -> list[str]:
    """Return suites in the order in which they run: a project's own after the functional ones, then late ones."""
    order = list(SUITES)
    own = order.index("jobs") + 0.2
    places = {LATE: own + 0.4, ASIDE: own + 0.6, LAST: order.index("contract") + 0.5}

    def place(part: str) -> float:
        return order.index(part) if part in SUITES else places.get(part.rpartition("_")[2], own)

    return sorted(set(parts), key=lambda part: (place(part), part))


def check_selection(only: Sequence[str], available: Iterable[str]) -> None:
    """Raise UsageError for a suite that does not exist."""
    known = in_suite_order(available)
    for name in only:
        if name not in known:
            raise UsageError(
                f"there is no suite {name!r}",
                slug="suite-unknown",
                where="--only",
                remedy=name_nearest(name, known, called="suites"),
            )


def metric_belongs(metric: str, suites: Iterable[str], *, whole: bool, started: bool = True) -> bool:
    """Return whether a gate on this metric belongs to a run of these suites (`whole`: nothing was left out).

    What takes outages belongs to a whole run alone that `started` the stack.
    """
    if metric in OF_WHOLE_RUNS:
        return whole and started
    area = metric.split(".", 1)[0]
    return whole or area in {"checks", "findings", "waivers", "smoke"} or area in set(suites)
