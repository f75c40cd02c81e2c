"""The suites: in which order they run, on which variant of the stack, charged to which stage's budget.

    posture > health > tracing > logs > security > jobs > deployment > contract > ratelimit > load > coverage
    (file)    '--------- functional: instrumented --------------------'                clean   |
              ratelimit, on the clean stack, goes on at the same time                  '-- stop -- collect

Load runs alone, but for the end of the instrumented stack, which takes no longer than the generator's start.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from seatrial.config import Stage
from seatrial.core import UsageError

Needs = Literal["nothing", "instrumented", "clean"]


@dataclass(frozen=True, slots=True)
class Suite:
    """How a suite runs; `instrument` says that the campaign measures first and the items read their outcome.

    `addresses` says that it sends from clients with an address of their own, where there can be such.
    """

    name: str
    stage: Stage
    needs: Needs = "instrumented"
    instrument: bool = False
    addresses: bool = False


SUITES = {
    suite.name: suite
    for suite in (
        Suite("posture", "posture", needs="nothing"),
        Suite("health", "functional"),
        Suite("tracing", "functional"),
        Suite("logs", "functional"),
        Suite("security", "functional", addresses=True),
        Suite("jobs", "functional"),
        Suite("deployment", "functional", needs="clean"),
        Suite("contract", "contract", instrument=True, addresses=True),
        Suite("ratelimit", "ratelimit", needs="clean", instrument=True, addresses=True),
        Suite("load", "load", needs="clean", instrument=True),
        Suite("coverage", "coverage", instrument=True),
    )
}


def suite_named(name: str) -> Suite:
    """Return a suite by name; one that a project adds of its own runs as a functional suite."""
    return SUITES.get(name) or Suite(name, "functional", addresses=True)


def in_suite_order(names: Iterable[str]) -> list[str]:
    """Return suite names in the order in which they run: a project's own come after the functional ones."""
    order = list(SUITES)
    place = order.index("jobs") + 0.5
    return sorted(set(names), key=lambda name: (order.index(name) if name in SUITES else place, name))


def check_selection(only: Sequence[str], available: Iterable[str]) -> None:
    """Raise UsageError for a suite that does not exist."""
    known = in_suite_order(available)
    for name in only:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise UsageError(
                f"there is no suite {name!r}",
                slug="suite-unknown",
                where="--only",
                remedy=(f"did you mean {near[0]!r}? " if near else "") + f"suites: {', '.join(known)}",
            )


def metric_belongs(metric: str, suites: Iterable[str], *, whole: bool) -> bool:
    """Return whether a gate on this metric belongs to a run of these suites (`whole`: nothing was left out)."""
    area = metric.split(".", 1)[0]
    return whole or area in {"checks", "findings"} or area in set(suites)
