"""What `seatrial load compare` and `calibrate` do: settle the task, tell how it goes, and say what came of it."""

from __future__ import annotations

import contextlib
import json
import math
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from seatrial._interrupts import end_in_order
from seatrial.campaign import (
    CPU,
    ROLES,
    Calibrated,
    Comparison,
    Options,
    Role,
    Task,
    calibrate_machine,
    choose_load,
    compare,
    figures_in,
    log_ratios,
    median_cost,
    medians,
    random_seed,
    shown_in,
)
from seatrial.cli._history import check_history, keep_history
from seatrial.cli._options import config_path
from seatrial.cli._say import say
from seatrial.config import Settings, StackSettings, load_settings
from seatrial.core import UsageError
from seatrial.core.whole import whole
from seatrial.swarm.compare import ALPHA, CLEARLY, LOOKS, SLOWER, TOLERATED, Bounds, Conclusion, bounds, looks_up_to

EXITS: Mapping[str, int] = {"pass": 0, "fail": 1, "inconclusive": 3}
COMPARED, CALIBRATED = "urn:seatrial:compare:1", "urn:seatrial:calibrate:1"
COMPARE_FILE = "compare.json"
PATIENCE_S = 10.0
"""How long a URL of which nothing is declared may take to answer."""


def compare_versions(*, base: str, candidate: str, history: str, as_json: bool, **choices: Any) -> int:
    """Compare, print what came of it, and return the exit code."""
    stored = check_history(history)
    settings, task = settle(base, candidate, **choices)
    with _ending():
        found = compare(settings, task, tell=_teller())
    warnings = keep_history(history, stored, found, task) if found.pairs else []
    told = _kept({**as_object(found, task), "warnings": warnings}, found.directory)
    lines = [*_lines(found, task), *(f"warning:   {warning}" for warning in told["warnings"])]
    say(json.dumps(told) if as_json else "\n".join(lines))
    return EXITS[found.verdict]


def _kept(told: dict[str, Any], directory: Path) -> dict[str, Any]:
    """Return what is told of a comparison, after it was written for rules of [gate]; a full disk loses no load sent."""
    try:
        with whole(directory / COMPARE_FILE) as file:
            json.dump(told, file)
    except OSError as error:
        return {**told, "warnings": [*told["warnings"], f"{COMPARE_FILE} was not written: {error}"]}
    return told


def calibrate_here(target: str, *, as_json: bool, **choices: Any) -> int:
    """Measure what this machine can tell apart, print it, and return the exit code."""
    settings, task = settle(target, target, **choices)
    with _ending():
        found = calibrate_machine(settings, task, tell=_teller())
    say(json.dumps(_calibration(found, task)) if as_json else "\n".join(_table(found, task)))
    return 0


def settle(  # noqa: PLR0913 - the options of the commands, by keyword
    base: str,
    candidate: str,
    *,
    config: str,
    scenario: str,
    paths: tuple[str, ...],
    rate_per_s: float | None,
    burst_s: float,
    pairs: int,
    seed: int | None,
    out: str,
    **choices: Any,
) -> tuple[Settings, Task]:
    """Return what a comparison starts from; raises UsageError."""
    settings = _settings(config, started=not all("://" in word for word in (base, candidate)), paths=paths)
    wanted = Options(
        load=True,
        scenarios=(scenario,) if scenario else (),
        paths=paths,
        rate_per_s=rate_per_s,
        duration_s=burst_s,
    )
    name, chosen = next(iter(choose_load(settings, wanted).load.items()))
    task = Task(
        base=base,
        candidate=candidate,
        name=name,
        scenario=chosen,
        burst_s=burst_s,
        looks=looks_up_to(pairs),
        seed=random_seed() if seed is None else seed,
        directory=Path(out).resolve() if out else None,
        **choices,
    )
    return settings, task


def _settings(config: str, *, started: bool, paths: tuple[str, ...]) -> Settings:
    """Return the configuration; URLs and paths need none."""
    try:
        return load_settings(config_path(config).resolve())
    except UsageError as error:
        if error.slug != "config-missing" or started or not paths:
            raise
    return Settings(root=Path.cwd(), stack=StackSettings(ready=paths[0], start_timeout_s=PATIENCE_S))


def _teller() -> Any:
    """Return a function that prints lines with the time on standard error, none twice in a row."""
    began, last = time.monotonic(), [""]

    def tell(line: str) -> None:
        if line != last[0]:
            last[0] = line
            say(f"{time.monotonic() - began:6.1f}s  {line}", err=True)

    return tell


@contextlib.contextmanager
def _ending() -> Iterator[None]:
    """End on SIGTERM as on Ctrl-C: everything that was started is removed."""
    end_in_order()
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def as_object(found: Comparison, task: Task) -> dict[str, Any]:
    """Return a comparison as reports/schema/compare-1.schema.json says, but for the warnings."""
    return {
        "schema": COMPARED,
        "verdict": found.verdict,
        "reason": found.reason,
        "exit_code": EXITS[found.verdict],
        **_load(task),
        "pairs": len(found.pairs),
        "metrics": _metrics(found, task),
        "sides": {role: _side(found, role) for role in ROLES},
        "rule": {"looks": task.looks, "alpha": ALPHA, "slower": SLOWER, "clearly": CLEARLY, "tolerated": TOLERATED},
        "blocks": _blocks(found),
        "notes": list(found.notes),
        "directory": str(found.directory),
    }


def _load(task: Task) -> dict[str, Any]:
    return {
        "metric": task.metric,
        "scenario": task.name,
        "rate_per_s": task.scenario.rate_per_s,
        "burst_s": task.burst_s,
        "seed": task.seed,
    }


def _metrics(found: Comparison, task: Task) -> dict[str, Any]:
    """Return the ratio of every figure; what is not judged is shown alone, and what decides nothing says so."""
    if not found.pairs or not found.conclusion:
        return {}
    return {name: _metric(found, found.conclusion, task, name) for name in shown_in(found.pairs)}


def _metric(found: Comparison, conclusion: Conclusion, task: Task, name: str) -> dict[str, Any]:
    differences = log_ratios(found.pairs, name)
    if name == task.metric:
        at, pairs, worse = conclusion.primary.found, conclusion.primary.pairs, conclusion.primary.verdict == "fail"
    else:
        at, pairs, worse = bounds(differences, ALPHA), len(differences), name in (*conclusion.worse, *conclusion.dearer)
    judged = name in (task.metric, *conclusion.others)
    return {
        **_ratio(at),
        "pairs": pairs,
        "judged": judged,
        "decides": name in task.metrics,
        "probability": conclusion.others.get(name),
        "worse": worse if judged else None,
    }


def _ratio(at: Bounds) -> dict[str, float | None]:
    return {name: _exp(getattr(at, name)) for name in ("lower", "estimate", "upper")}


def _exp(value: float) -> float | None:
    return math.exp(value) if math.isfinite(value) else None


def _side(found: Comparison, role: Role) -> dict[str, Any]:
    side = found.sides[role]
    bursts = [pair.bursts[role] for pair in found.pairs]
    return {
        "target": side.word,
        "kind": side.kind,
        "commit": side.commit,
        "dirty": side.dirty,
        "stack": found.drivers[role],
        "due": sum(burst.due for burst in bursts),
        "answered": sum(burst.answered for burst in bursts),
        "late": sum(burst.late for burst in bursts),
        "invalid_bursts": sum(burst.invalid for burst in bursts),
        "latency_ms": medians(found.pairs, role) if bursts else None,
        "cpu_ms_per_request": median_cost(found.pairs, role),
    }


def _blocks(found: Comparison) -> list[dict[str, Any]]:
    return [{"first": pair.first, **{role: figures_in(pair.bursts[role]) for role in ROLES}} for pair in found.pairs]


def _lines(found: Comparison, task: Task) -> Iterator[str]:
    yield ""
    for role in ROLES:
        yield f"{role:<10} {_described(found, role)}"
    yield f"load       {_sent(found, task)}"
    for name, facts in _metrics(found, task).items():
        yield f"{'cpu' if name == CPU else name:<10} {_compared(facts)}{_decides_nothing(facts)}"
    yield from (f"note:      {note}" for note in found.notes)
    yield f"verdict:   {found.verdict}: {found.reason}"
    yield f"directory: {found.directory}"


def _sent(found: Comparison, task: Task) -> str:
    invalid = sum(burst.invalid for pair in found.pairs for burst in pair.bursts.values())
    bursts = f"{len(found.pairs)} pairs of {task.burst_s:g} s at {task.scenario.rate_per_s:g}/s"
    return f"{task.name}, {bursts}, seed {task.seed}; {invalid} bursts were sent again"


def _described(found: Comparison, role: Role) -> str:
    facts = _side(found, role)
    commit = f" ({facts['commit'][:12]})" if facts["commit"] else ""
    times = ", ".join(f"{name} {value:.2f}" for name, value in (facts["latency_ms"] or {}).items())
    lost = facts["due"] - facts["late"] - facts["answered"]
    cost = f", {facts[CPU]:.2f} ms of processor a request" if facts[CPU] else ""
    sent = f"{lost} of {facts['due']} lost"
    return f"{facts['kind']} {facts['target']}{commit} on {facts['stack']}: {times} ms{cost}, {sent}"


def _compared(facts: Mapping[str, Any]) -> str:
    shown = [f"{word} {facts[key]:.3f}" for word, key in (("above", "lower"), ("below", "upper")) if facts[key]]
    said = {True: ", worse", False: "", None: ", not judged"}[facts["worse"]]
    return f"{facts['estimate']:.3f} times the base's, {' and '.join(shown) or 'nothing certain'}{said}"


def _decides_nothing(facts: Mapping[str, Any]) -> str:
    """Return that something is judged and informational, where it is, and of how many pairs."""
    if facts["decides"] or not facts["judged"]:
        return ""
    verdict = "" if facts["worse"] else ", not certainly worse"
    return f"{verdict}, of {facts['pairs']} pairs (informational: how often that is a false alarm is not shown yet)"


def _calibration(found: Calibrated, task: Task) -> dict[str, Any]:
    told, calibration = as_object(found.comparison, task), found.calibration
    kept = ("sides", "blocks", "directory", "pairs", "metrics")
    return {
        "schema": CALIBRATED,
        **_load(task),
        "false_alarms": calibration.false_alarms,
        "smallest_change": calibration.smallest,
        "changes": [
            {"times": change, **shares, "mean_pairs": calibration.mean_pairs[change]}
            for change, shares in calibration.shares.items()
        ],
        **{name: told[name] for name in kept},
        "stopped": found.comparison.stopped,
        "rule": {**told["rule"], "looks": LOOKS},
    }


def _table(found: Calibrated, task: Task) -> Iterator[str]:
    calibration = found.calibration
    yield ""
    yield f"load       {_sent(found.comparison, task)}"
    if stopped := found.comparison.stopped:
        yield f"note:      measured from fewer pairs than asked: {stopped}"
    yield f"looks      after {', '.join(map(str, LOOKS))} pairs at {task.metric}"
    yield "change       fail    pass  undecided  pairs"
    for change, shares in calibration.shares.items():
        cells = "".join(f"{shares[verdict]:8.1%}" for verdict in ("fail", "pass"))
        yield f"{change - 1:+7.0%} {cells} {shares['inconclusive']:10.1%} {calibration.mean_pairs[change]:6.1f}"
    smallest = calibration.smallest
    yield f"false alarms: {calibration.false_alarms:.1%} of comparisons of one version with itself"
    yield (
        f"smallest change that fails in 95 of 100: {smallest - 1:+.0%}"
        if smallest
        else "no change of the table fails in 95 of 100: send longer bursts, a higher rate or more pairs"
    )
    yield f"directory: {found.comparison.directory}"
