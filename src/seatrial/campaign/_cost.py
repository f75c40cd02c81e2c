"""What counting lines costs, measured once a run, at a moment when nothing else is asked on either stack."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from seatrial.campaign._run import Run
from seatrial.campaign._stacks import Stacks
from seatrial.config import LimitSettings
from seatrial.core import Evidence
from seatrial.cover import measure_cost, unmeasured
from seatrial.stack import Variant


def cost_of_counting(run: Run, stacks: Stacks, variants: Collection[Variant | None]) -> Evidence:
    """Measure by the request that both stacks were waited for with; `variants` are those on which suites run.

    Its lines were reached before the first suite: let them count for that, and none is anybody else's. Raises what the
    start of a stack raised.
    """
    path = run.settings.stack.ready
    if reason := _in_the_way(run.settings.limits, path, variants):
        return unmeasured(reason)
    return measure_cost(stacks.get("instrumented").url(), stacks.get("clean").url(), path)


def _in_the_way(limits: Sequence[LimitSettings], path: str, variants: Collection[Variant | None]) -> str:
    """Return why the request is not sent, empty where it may be."""
    if missing := sorted({"instrumented", "clean"} - {variant for variant in variants if variant}):
        return f"no suite of this run is on the {missing[0]} stack"
    plain = path.partition("?")[0]
    counting = [limit.name for limit in limits if _counts(limit, plain)]
    return f"GET {path} counts against the limit {counting[0]!r}, which does not name it as exempt" if counting else ""


def _counts(limit: LimitSettings, path: str) -> bool:
    return path == limit.path if limit.reach == "path" else path not in limit.exempt
