"""A scenario whose rate is searched for: bursts of it at one rate after the other, each judged as any load is."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from seatrial.config import Rule, ScenarioSettings
from seatrial.core import CheckResult, Evidence, Finding, Measurement, Outcome, Progress, Severity
from seatrial.swarm._objectives import BREAKPOINT, check_objectives
from seatrial.swarm._outcomes import CLAIMS, leave
from seatrial.swarm._page import NoPage
from seatrial.swarm._process import LoadProcess
from seatrial.swarm._scenario import run_scenario
from seatrial.swarm._search import Found, search

DEFINITION = (
    "arrivals per second: the highest rate that was tried and at which two of three bursts kept to the objectives"
)
VOTES = {Outcome.PASSED: True, Outcome.FAILED: False}
WORST_FIRST = (
    Outcome.FAILED, Outcome.INCONCLUSIVE, Outcome.NOT_TESTED, Outcome.NOT_APPLICABLE, Outcome.PASSED,
)  # fmt: skip


def find_breakpoint(  # noqa: PLR0913 - as run_scenario
    name: str,
    scenario: ScenarioSettings,
    *,
    profile: str,
    out: Path,
    process: LoadProcess | None = None,
    page: NoPage | None = None,
    **how: Any,
) -> Evidence:
    """Search the rate of a scenario, and judge what was found; the rest is as `run_scenario` takes it.

    The best burst's results stand in `out`, those of every burst in a folder of it.
    """
    if profile not in scenario.duration_s or scenario.search is None:
        return Evidence(results=leave(name, scenario, profile))
    rules = check_objectives(scenario, name=name)
    bursts: dict[float, list[Evidence]] = {}
    ahead = iter([process])  # what was started ahead sends the first burst

    def send(changed: ScenarioSettings, folder: Path) -> Evidence:
        return run_scenario(name, changed, profile=profile, out=folder, process=next(ahead, None), page=page, **how)

    holds = partial(_holds, scenario, bursts, send, out, how["progress"])
    low = scenario.rate_per_s
    found = search(holds, low=low, high=low * scenario.search.times, within=scenario.search.within)
    unknown = _unknown(name, found)
    if page and page.touched:
        found, unknown = replace(found, interval=None), [page.touched]
    at = found.best or low if found.interval else [*bursts][-1]
    shown = bursts[at][-1]
    shutil.copytree(out / _folder(at, len(bursts[at])), out, dirs_exist_ok=True)
    every = [one for tried in bursts.values() for one in tried]
    kept = [one for one in bursts[found.best or low] if found.best and _vote(one)] or bursts[low]
    return replace(
        shown,
        results=_results(name, rules.get(BREAKPOINT), found, "; ".join(unknown), _beside(every, kept), how["replay"]),
        measurements=(*shown.measurements, *_measured(name, found, tries=len(every))),
        tallies=tuple(tally for one in every for tally in one.tallies),
        notes=tuple(dict.fromkeys([*unknown, *(note for one in every for note in one.notes)])),
    )


def _holds(  # noqa: PLR0913, PLR0917 - one burst
    scenario: ScenarioSettings,
    bursts: dict[float, list[Evidence]],
    send: Callable[..., Evidence],
    out: Path,
    progress: Progress,
    rate_per_s: float,
) -> bool | None:
    """Return whether a burst at a rate kept to the objectives; None where that was left open."""
    objectives = {metric: text for metric, text in scenario.objectives.items() if metric != BREAKPOINT}
    changed = scenario.model_copy(update={"rate_per_s": rate_per_s, "objectives": objectives, "search": None})
    tried = bursts.setdefault(rate_per_s, [])
    evidence = send(changed, out / _folder(rate_per_s, len(tried) + 1))
    tried.append(evidence)
    progress(f"{rate_per_s:.4g}/s: {_of(evidence, 'objectives').outcome}")
    return _vote(evidence)


def _vote(burst: Evidence) -> bool | None:
    return VOTES.get(_of(burst, "objectives").outcome)


def _folder(rate_per_s: float, number: int) -> str:
    return f"{rate_per_s:.4g}-{number}"


def _results(  # noqa: PLR0913, PLR0917 - what is judged
    name: str, rule: Rule | None, found: Found, unknown: str, beside: tuple[CheckResult, ...], replay: str
) -> tuple[CheckResult, ...]:
    """Return the outcomes of CLAIMS: the search's own, and those `beside` it; `unknown` is why there is no interval."""
    honest = CheckResult(
        check=f"load.{name}-generator-honest",
        outcome=Outcome.INCONCLUSIVE if found.interval is None else Outcome.PASSED,
        reason=unknown if found.interval is None else "",
    )
    judged = _judged(name, rule, found, unknown, replay)
    return (honest, judged, *beside)


def _beside(every: Sequence[Evidence], kept: Sequence[Evidence]) -> tuple[CheckResult, ...]:
    """Return the outcomes that are not about the search, by the bursts that `kept` to the objectives.

    What a service uses beyond its breakpoint is its own affair; but a user below its quota is limited at no rate.
    """
    limited = [one for one in every if _of(one, "never-limited").outcome is Outcome.FAILED]
    return (_worst(limited or kept, "never-limited"), _worst(kept, "resources"))


def _of(burst: Evidence, claim: str) -> CheckResult:
    return burst.results[CLAIMS.index(claim)]


def _worst(bursts: Sequence[Evidence], claim: str) -> CheckResult:
    return min((_of(one, claim) for one in bursts), key=lambda result: WORST_FIRST.index(result.outcome))


def _unknown(name: str, found: Found) -> list[str]:
    """Return a line about a rate at which bursts could not be judged: mostly that of the generator's own limit."""
    told = f"load {name}: at {found.unknown_per_s:.4g}/s, no two of three bursts could be judged alike"
    return [told] if found.unknown_per_s else []


def _judged(name: str, rule: Rule | None, found: Found, unknown: str, replay: str) -> CheckResult:
    slug, interval = f"load.{name}-objectives", found.interval
    if rule is None:
        reason = f"[load.{name}.objectives] asks for no {BREAKPOINT}"
        return CheckResult(check=slug, outcome=Outcome.NOT_APPLICABLE, reason=reason)
    if interval is None:
        return CheckResult(check=slug, outcome=Outcome.INCONCLUSIVE, reason=unknown)
    open_ended = interval.low == interval.high
    at = f"above {interval.low:.4g}/s" if open_ended else f"between {interval.low:.4g} and {interval.high:.4g}/s"
    title = f"{BREAKPOINT} is {at}, asked was {rule.operator} {rule.threshold:g}/s"
    if interval.keeps(rule):
        return CheckResult(check=slug, outcome=Outcome.PASSED)
    if found.best and (open_ended or not interval.breaks(rule)):
        return CheckResult(check=slug, outcome=Outcome.INCONCLUSIVE, reason=title)
    finding = Finding(check=slug, severity=Severity.HIGH, title=title, cause=BREAKPOINT, replay=replay)
    return CheckResult(check=slug, outcome=Outcome.FAILED, reason=title, findings=(finding,))


def _measured(name: str, found: Found, *, tries: int) -> list[Measurement]:
    if found.interval is None:
        return []
    return [
        Measurement(
            name=f"load.{name}.{BREAKPOINT}",
            value=found.interval.low,
            unit="per_s",
            definition=DEFINITION,
            samples=tries,
        )
    ]
