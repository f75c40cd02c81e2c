"""What `seatrial limits prove` does: a run of the suite `ratelimit` alone, told claim by claim."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatrial.campaign import UP, Options
from seatrial.cli._options import config_path
from seatrial.cli._session import SHARED, conduct_session, settle, verdict_of
from seatrial.cli._view import make_view
from seatrial.config import LimitSettings, Settings
from seatrial.core import Outcome, UsageError
from seatrial.record import read_record
from seatrial.stack import read_state

if TYPE_CHECKING:
    from seatrial.plugin import Conductor

WORDS: Mapping[str, str] = {
    Outcome.NOT_TESTED: "NOT TESTED",
    Outcome.NOT_APPLICABLE: "NOT TESTED",
    Outcome.BLOCKED: "NOT TESTED",
    Outcome.INCONCLUSIVE: "INCONCLUSIVE",
    Outcome.FAILED: "REFUTED",
    Outcome.PASSED: "PROVED",
}
"""In the order in which they are told: first what nobody may rely on."""

AREA = "ratelimit."
WIDTH = max(map(len, WORDS.values()))
COSTS = ("requests", "repeated", "seconds", "admitted", "window_ratio", "deep_requests", "deep_seconds")


def prove_session(*, config: str, as_json: bool, **options: Any) -> int:
    """Run the proof and return the exit code."""
    path, settings, settled = settle_proof(config, options)
    return conduct_session(
        path, settings, settled, view=make_view(quiet=as_json), tell=_tell_json if as_json else _tell
    )


def settle_proof(config: str, options: dict[str, Any]) -> tuple[Path, Settings, Options]:
    """Return everything that a proof starts from: the shipped suite, whatever others the project has."""
    options["profile"] = options["profile"] or _profile(config, options["stack"])
    path, settings, settled = settle(config, {**options, "only": ("ratelimit",), "proof": True})
    if not settings.limits:
        raise UsageError(
            "no rate limit is declared",
            slug="limits-missing",
            where=str(path),
            remedy="write [[limits]]; `seatrial limits discover URL` infers one from a service",
        )
    return path, settings.model_copy(update={"suites": ()}), settled


def _profile(config: str, stack: str) -> str:
    """Return the profile where none is named: a URL is proved as declared, a stack that is up as it was started."""
    if "://" in stack:
        return "full"
    state = read_state(config_path(config).resolve().parent) if stack == UP else None
    return str(state["profile"]) if state else "quick"


def claims(verdict: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return every claim with one of four words, what was not tested first."""
    order = list(WORDS)
    outcomes = sorted(verdict["outcomes"], key=lambda result: order.index(result["outcome"]))
    return [
        {"claim": result["check"], "verdict": WORDS[result["outcome"]], "reason": result["reason"]}
        for result in outcomes
        if result["check"].startswith(AREA)  # the suite has a check of the profile smoke, which proves less
    ]


def _tell(conductor: Conductor) -> list[str]:
    """Return the claims, what they cost, and the verdict."""
    verdict = verdict_of(conductor)
    told = [f"{row['verdict']:<{WIDTH}}  {row['claim']}{_because(row['reason'])}" for row in claims(verdict)]
    costs = [f"cost:    {line}" for line in _costs(verdict, conductor.settings.limits)]
    costs += [f"cost:    {_beside(conductor):,} requests of checks beside the proofs"]
    return ["", *told, *costs, *conductor.summary()]


def _beside(conductor: Conductor) -> int:
    """Return how many requests checks of their own sent: what a proof shows of its own is named after it."""
    if conductor.run is None:
        return 0
    return sum(id_.startswith("ratelimit-") for id_ in read_record(conductor.run.directory).exchanges)


def _because(reason: str) -> str:
    return f": {reason.splitlines()[0]}" if reason else ""


def _costs(verdict: Mapping[str, Any], limits: Sequence[LimitSettings]) -> Iterator[str]:
    """Yield a line for each limit: how many requests, in which time, and of the window."""
    for name, figures in measured(verdict, limits).items():
        yield f"{name}: {_cost(figures)}" + (f", deep {_cost(figures, 'deep_')}" if "deep_seconds" in figures else "")


def _cost(figures: Mapping[str, float], stage: str = "") -> str:
    return f"{figures.get(f'{stage}requests', 0):,.0f} requests in {figures.get(f'{stage}seconds', 0.0):.1f} s"


def measured(verdict: Mapping[str, Any], limits: Sequence[LimitSettings]) -> dict[str, dict[str, float]]:
    """Return the figures of each limit by its name; that of a single limit is not in its figures' names."""
    found: dict[str, dict[str, float]] = {}
    for figure in verdict["measurements"]:
        _, metric, name = [*figure["name"].split(".", 2), ""][:3]
        if metric in COSTS:
            found.setdefault(name or limits[0].name, {})[metric] = figure["value"]
    return found


def _tell_json(conductor: Conductor) -> list[str]:
    """Return one JSON object."""
    verdict = verdict_of(conductor)
    told = {
        **{name: verdict[name] for name in SHARED},
        "claims": claims(verdict),
        "findings": verdict["findings"],
        "limits": measured(verdict, conductor.settings.limits),
        "requests_beside": _beside(conductor),
        "not_verified": verdict["not_verified"],
        "directory": str(conductor.run.directory) if conductor.run else "",
    }
    return [json.dumps(told)]
