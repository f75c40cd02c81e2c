"""A comparison from its first stack to its verdict, and what one version against itself says of the machine.

two sides --stand--> contest: warm-up, pair, pair, ... --log ratios--> swarm.compare --> Comparison | Calibrated
"""

from __future__ import annotations

import contextlib
import math
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Literal

from seatrial.campaign._contest import CPU, PROFILE, Burst, Contest, Load, Pair, Standing, Tell, Unsendable, stand
from seatrial.campaign._run import check_free_space, new_run_id
from seatrial.campaign._sides import ROLES, Role, Side, check_different, lay_out, named_engine, read_side
from seatrial.config import ScenarioSettings, Settings
from seatrial.core import EnvironmentFailure, UsageError
from seatrial.stack import Watchdog, choose_driver, work_folder
from seatrial.swarm.compare import LOOKS, Calibration, Conclusion, Errors, calibrate, conclude

Metric = Literal["p50", "p90", "p95"]
GATED: tuple[Metric, ...] = ("p50", "p95")
"""What decides besides the primary metric: above p95 too few requests do."""

INFORMATIONAL = (CPU,)
"""What is judged and told, and decides nothing: how often its failure is a false alarm is not shown yet."""

SENT = ("file", "user", "paths", "traffic", "har", "har_host", "assets", "only", "writes")
"""The keys of a scenario that say what is sent."""

TRAFFIC = {*SENT, "arrivals", "rate_per_s", "identities", "deadline_s", "journey_s", "watched"}
"""What a burst has of its scenario."""

SHOWN = ("p50", "p90", "p95", "p99")


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is to be compared, by which load, for how long at the most; `early` ends it at the first look that decides.

    `directory` keeps what there is to see of it; without one, it is a new one of the project's.
    """

    base: str
    candidate: str
    stack: str
    name: str
    scenario: ScenarioSettings
    burst_s: float
    metric: Metric
    looks: tuple[int, ...]
    seed: int
    allowed: tuple[str, ...] = ()
    timeout_s: float | None = None
    early: bool = True
    directory: Path | None = None

    @property
    def load(self) -> Load:
        """Return the load of each burst: the scenario's traffic, without what must hold of the whole."""
        traffic = self.scenario.model_dump(include=TRAFFIC)
        scenario = ScenarioSettings(**traffic, duration_s={PROFILE: self.burst_s})
        return Load(name=self.name, scenario=scenario, seed=self.seed)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Return what is judged, the primary metric first."""
        return (self.metric, *(each for each in GATED if each != self.metric))


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two sides, their pairs, and what follows; `stopped` says why there were no more pairs, where that was no look."""

    sides: Mapping[Role, Side]
    drivers: Mapping[Role, str]
    pairs: Sequence[Pair]
    conclusion: Conclusion | None
    stopped: str
    notes: Sequence[str]
    directory: Path

    @property
    def verdict(self) -> str:
        """Return pass, fail or inconclusive: what could not be measured to its end decides nothing."""
        return self.conclusion.verdict if self.conclusion and not self.stopped else "inconclusive"

    @property
    def reason(self) -> str:
        """Return the one sentence why."""
        return "; ".join(filter(None, (self.stopped, self.conclusion.reason if self.conclusion else "")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrated:
    """One version against itself: the pairs, what the rule does with such, and what it said of these."""

    comparison: Comparison
    calibration: Calibration


def compare(settings: Settings, task: Task, *, tell: Tell) -> Comparison:
    """Start both sides, send pairs of bursts until a look decides, and remove everything.

    Raises UsageError or EnvironmentFailure; a side that does not start is one.
    """
    sides = read_sides(settings, task)
    check_different(sides["base"], sides["candidate"])
    return _measure(settings, task, sides, tell)


def calibrate_machine(settings: Settings, task: Task, *, tell: Tell) -> Calibrated:
    """Compare a version with itself, all pairs of it, and return what the rule can tell apart on this machine.

    Raises what `compare` raises, and EnvironmentFailure where the pairs could not be sent.
    """
    sides = read_sides(settings, task)
    found = _measure(settings, replace(task, early=False), sides, tell)
    if len(found.pairs) < LOOKS[0]:
        raise EnvironmentFailure(
            f"only {len(found.pairs)} pairs could be measured: {found.stopped}",
            slug="calibration-short",
            where="seatrial load calibrate",
            remedy="lower --rate, or let nothing else run on this machine meanwhile",
        )
    calibration = calibrate(_differences(found.pairs, task), primary=task.metric, seed=task.seed)
    return Calibrated(comparison=found, calibration=calibration)


def read_sides(settings: Settings, task: Task) -> dict[Role, Side]:
    """Return what is compared; raises UsageError before anything is started."""
    words: dict[Role, str] = {"base": task.base, "candidate": task.candidate}
    starts = any("://" not in word for word in words.values())
    engine = named_engine(task.allowed) if starts else ""
    driver = choose_driver(task.stack, settings, allow_target=engine).driver if starts else ""
    return {role: read_side(role, word, settings, driver=driver, allowed=task.allowed) for role, word in words.items()}


def notes_on(sides: Mapping[Role, Side]) -> list[str]:
    """Return what a reader might take otherwise than it is."""
    base, candidate = sides["base"], sides["candidate"]
    if candidate.kind == "folder" and candidate.dirty:
        return [f"the candidate is the folder as it is, with changes that no commit has; the base is {base.word}"]
    return []


def _notes_on_users(standing: Standing, task: Task) -> list[str]:
    """Return that users come again and again, where no others can be made: only then may they reach a quota."""
    if not (task.scenario.identities and standing.run.identities.unminted):
        return []
    return ["every burst is sent as the declared users, whose quotas go on from burst to burst: a refusal is an error"]


def _measure(settings: Settings, task: Task, sides: Mapping[Role, Side], tell: Tell) -> Comparison:
    deadline = time.monotonic() + (task.timeout_s or math.inf)
    _check_load(settings, task)
    run = new_run_id()
    home = _make_home(task.directory or settings.root / ".seatrial" / "runs" / run)
    pairs: list[Pair] = []
    with _standing(sides, run=run, home=home, task=task, tell=tell) as standing:
        contest = Contest(standing, task.load, home / "bursts")
        left_out = [f"not sent: {line}" for line in contest.agree()]
        stopped = _send(contest, task, pairs, tell=tell, deadline=deadline)
        drivers = {role: each.run.choice.driver for role, each in standing.items()}
        notes = [*notes_on(sides), *left_out, *_notes_on_users(standing["candidate"], task)]
    conclusion = _conclude(pairs, task) if pairs else None
    return Comparison(
        sides=sides,
        drivers=drivers,
        pairs=pairs,
        conclusion=conclusion,
        stopped=stopped,
        notes=[*notes, *notes_on_cost(pairs, conclusion)],
        directory=home,
    )


def _send(contest: Contest, task: Task, pairs: list[Pair], *, tell: Tell, deadline: float) -> str:
    """Send pairs of bursts until a look decides, if that is wanted; return why they ended before, if they did."""
    try:
        tell("warm-up: a burst for each, which does not count")
        contest.warm_up()
        for number in range(1, task.looks[-1] + 1):
            pairs.append(contest.pair(number))
            tell(_line(number, pairs[-1], task.metric))
            if task.early and number in task.looks and _conclude(pairs, task).settled:
                return ""
            if time.monotonic() > deadline and number < task.looks[-1]:
                return f"the time of --timeout was over after {number} pairs"
    except Unsendable as error:
        return str(error)
    return ""


def _check_load(settings: Settings, task: Task) -> None:
    """Raise UsageError for a load that could not be sent, before anything is started for it."""
    from seatrial.swarm import prepare  # noqa: PLC0415 - needed by load only

    name, scenario = task.load.name, task.load.scenario
    prepare(name, scenario, profile=PROFILE, root=settings.root, limits=settings.limits, environment={})


def _make_home(directory: Path) -> Path:
    """Make the directory of a comparison, of which nothing may be there yet; raises SeatrialError."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        occupied = any(directory.iterdir())
    except OSError as error:
        raise EnvironmentFailure(
            f"cannot write the directory of the comparison: {error.strerror}",
            slug="record-unwritable",
            where=str(directory),
            remedy="free disk space or choose another directory with --out DIR",
        ) from error
    if occupied:
        raise UsageError(
            "the directory is not empty",
            slug="out-occupied",
            where=str(directory),
            remedy="name a new or empty directory with --out DIR",
        )
    check_free_space(directory)
    return directory


@contextlib.contextmanager
def _standing(
    sides: Mapping[Role, Side], *, run: str, home: Path, task: Task, tell: Tell
) -> Iterator[dict[Role, Standing]]:
    """Start both sides, one after the other, so that neither takes from the other what it needs to come up."""
    work = work_folder(run)
    watchdog = Watchdog(run=run, work=work).start()
    with contextlib.ExitStack() as after:
        after.callback(watchdog.close)
        laid = {role: lay_out(sides[role], work) for role in ROLES}
        yield {
            role: after.enter_context(stand(laid[role], task.load, directory=home / role, tell=tell)) for role in ROLES
        }


def _conclude(pairs: Sequence[Pair], task: Task) -> Conclusion:
    told = {metric: log_ratios(pairs, metric) for metric in shown_in(pairs) if metric in INFORMATIONAL}
    return conclude(
        _differences(pairs, task), primary=task.metric, errors=errors_of(pairs), looks=task.looks, informational=told
    )


def _differences(pairs: Sequence[Pair], task: Task) -> dict[str, list[float]]:
    return {metric: log_ratios(pairs, metric) for metric in task.metrics}


def shown_in(pairs: Sequence[Pair]) -> tuple[str, ...]:
    """Return what there is to see of pairs: what few of them tell proves nothing, and is left out."""
    return (*SHOWN, *(each for each in INFORMATIONAL if len(pairs_telling(pairs, each)) >= LOOKS[0]))


def figures_in(burst: Burst) -> dict[str, float]:
    """Return what a burst tells of what is shown."""
    return {name: burst.figures[name] for name in (*SHOWN, *INFORMATIONAL) if name in burst.figures}


def pairs_telling(pairs: Sequence[Pair], metric: str) -> list[Pair]:
    """Return the pairs of which both bursts have a figure."""
    return [pair for pair in pairs if all(metric in burst.figures for burst in pair.bursts.values())]


def notes_on_cost(pairs: Sequence[Pair], conclusion: Conclusion | None) -> list[str]:
    """Return of how few pairs the cost of a request is known, if not of all, and that a higher one decides nothing."""
    known, of_all = len(pairs_telling(pairs, CPU)), len(pairs)
    notes = []
    if known < LOOKS[0]:
        notes.append(f"{CPU} is not told: {known} of {of_all} pairs have it on both sides, and it takes {LOOKS[0]}")
    elif known < of_all:
        notes.append(f"{CPU} is of {known} of {of_all} pairs: a burst of each of the others does not tell it")
    if conclusion and conclusion.dearer:
        notes.append(f"{CPU} is higher, which decides nothing: how often that is a false alarm is not shown yet")
    return notes


def errors_of(pairs: Sequence[Pair]) -> Errors:
    """Return what was not answered well, of all bursts and pair by pair."""
    base, candidate = (_share_lost([pair.bursts[role] for pair in pairs]) for role in ROLES)
    more = [_share_lost([pair.bursts["candidate"]]) - _share_lost([pair.bursts["base"]]) for pair in pairs]
    return Errors(base=base, candidate=candidate, more=more)


def _share_lost(bursts: Sequence[Burst]) -> float:
    return sum(burst.lost for burst in bursts) / max(sum(burst.due - burst.late for burst in bursts), 1)


def log_ratios(pairs: Sequence[Pair], metric: str) -> list[float]:
    """Return the logarithm of how many times the base's figure the candidate's is, by each pair that tells it."""
    return [math.log(ratio(pair, metric)) for pair in pairs_telling(pairs, metric)]


def ratio(pair: Pair, metric: str) -> float:
    """Return how many times the base's figure the candidate's is."""
    return pair.bursts["candidate"].figures[metric] / pair.bursts["base"].figures[metric]


def medians(pairs: Sequence[Pair], role: Role) -> dict[str, float]:
    """Return the median burst of a side, percentile by percentile."""
    return {name: median(pair.bursts[role].latency_ms[name] for pair in pairs) for name in SHOWN}


def median_cost(pairs: Sequence[Pair], role: Role) -> float | None:
    """Return the processor time (ms) of a request in the median burst of a side, None where it is not told."""
    if CPU not in shown_in(pairs):
        return None
    return median(pair.bursts[role].figures[CPU] for pair in pairs_telling(pairs, CPU))


def _line(number: int, pair: Pair, metric: str) -> str:
    times = ", ".join(f"{role} {pair.bursts[role].latency_ms[metric]:.2f} ms" for role in ROLES)
    return f"pair {number}: {metric} {times}, ratio {ratio(pair, metric):.3f}"


def random_seed() -> int:
    """Return a seed where nobody named one."""
    return secrets.randbelow(2**31)
