"""Run one scenario and judge it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from seatrial.config import LimitSettings, ScenarioSettings
from seatrial.core import EnvironmentFailure, Evidence, Identities, Measurement, Progress, Target
from seatrial.record import Secrets
from seatrial.swarm._account import Account
from seatrial.swarm._crew import Crew
from seatrial.swarm._flood import Flood, Flooded, make_flood
from seatrial.swarm._honesty import Doubt, find_doubt, find_gap, lag_bound_ms
from seatrial.swarm._lost import Watch
from seatrial.swarm._objectives import Broken
from seatrial.swarm._order import Order, prepare
from seatrial.swarm._outcomes import Trial, judge, leave
from seatrial.swarm._page import NoPage
from seatrial.swarm._plan import ELSEWHERE, Ledger, Plan, due_of
from seatrial.swarm._process import Ending, LoadProcess, Message
from seatrial.swarm._reading import Reading, read_attempt
from seatrial.swarm._recovery import RECOVERY, measure_recovery
from seatrial.swarm._report import write_stats
from seatrial.swarm._resources import Resources, Sampler, Sources, measure_resources
from seatrial.swarm._samples import exchanges_of
from seatrial.swarm._seconds import looks_of
from seatrial.swarm._sessions import lease
from seatrial.swarm._statistics import measure
from seatrial.swarm._team import Team
from seatrial.swarm._telling import Teller
from seatrial.swarm._values import BESIDES, Circumstances, measure_limited, operation_values, values_of
from seatrial.swarm.traffic import Traffic, of_paths

ATTEMPTS = 2
FIRST = "first"
MOST_CAUSES = 10
REPEAT_BELOW_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What one attempt brought."""

    plan: Plan
    ending: Ending
    ledger: Ledger
    reading: Reading
    doubt: Doubt | None
    resources: Resources = field(default_factory=Resources)
    lost: tuple[Broken, ...] = ()
    planned: int | None = None
    flooded: Flooded | None = None

    @property
    def whole(self) -> bool:
        """Return whether no row is missing of what was sent."""
        return self.ending.report is not None and self.ending.report["rows"] == self.reading.account.rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where a scenario runs."""

    run: str
    work: Path
    out: Path
    root: Path
    progress: Progress
    sources: Sources
    crew: Crew | None = None
    trace_header: str = ""
    page: NoPage = field(default_factory=NoPage)


def run_scenario(  # noqa: PLR0913 - the instrument's whole interface
    name: str,
    scenario: ScenarioSettings,
    *,
    target: Target,
    identities: Identities,
    profile: str,
    seed: int,
    run: str,
    work: Path,
    out: Path,
    root: Path,
    progress: Progress,
    limits: Sequence[LimitSettings] | None = None,
    environment: Mapping[str, str] | None = None,
    process: LoadProcess | None = None,
    sources: Sources | None = None,
    crew: Crew | None = None,
    traffic: Traffic | None = None,
    trace_header: str = "",
    page: NoPage | None = None,
    replay: str,
) -> Evidence:
    """Send a scenario's load, judge it, and write stats.json, requests.csv and locust.log into `out`.

    `limits` (with the profile's `environment`) say how many identities are needed and which paths are exempt; None
    means unknown. `process` was started ahead; without one, a new one is. `sources` tell what the service uses
    meanwhile, `trace_header` is the one that carries an answer's trace id. `traffic` is what is sent where neither a
    user class nor paths say it. A `crew` of workers elsewhere sends it, if there is one. `replay` is the command that
    repeats this. A scenario without a duration for the profile is not tested.
    Raises UsageError for an objective, load file or user class that cannot be used, EnvironmentFailure when `out`
    cannot be written or no process can be started.
    """
    if profile not in scenario.duration_s:
        return Evidence(results=leave(name, scenario, profile))
    order = prepare(name, scenario, profile=profile, root=root, limits=limits, environment=environment or {})
    looked_at = (sources or Sources()).for_metrics(order.resources)
    ground = Ground(
        run=run, work=work, out=out, root=root, progress=progress, sources=looked_at, crew=crew,
        trace_header=trace_header, page=page or NoPage(),
    )  # fmt: skip
    _make(out)
    given_up: list[Attempt] = []
    for left in reversed(range(ATTEMPTS if order.duration_s < REPEAT_BELOW_S else 1)):
        plan = make_plan(order, target, identities, seed=seed, out=out, traffic=traffic, shown=ground.page.shows)
        attempt = _attempt(order, plan, ground, process)
        process = None
        if not (left and attempt.doubt and attempt.doubt.transient):
            break
        given_up.append(attempt)
    return _conclude(order, attempt, ground, replay=replay, given_up=given_up)


def _notes(name: str, attempt: Attempt, given_up: Sequence[Attempt]) -> tuple[str, ...]:
    again = [f"load {name}: sent again, because the first time {one.doubt.reason}" for one in given_up if one.doubt]
    return (*again, *_led_away(name, attempt.reading.account))


def _led_away(name: str, account: Account) -> list[str]:
    """Return a line about requests that were not sent as they lead elsewhere; users' first ones are among them."""
    away = [group for group in (*account.groups, *account.setup) if group.kind.outcome == ELSEWHERE]
    if not away:
        return []
    causes = sorted({f"{group.kind.operation} {cause}" for group in away for cause in group.causes})
    told = "; ".join(
        [*causes[:MOST_CAUSES], *([f"and {len(causes) - MOST_CAUSES} more"] if causes[MOST_CAUSES:] else [])]
    )
    count = sum(group.count for group in away)
    return [f"load {name}: {count} requests were kept from leaving the target: {told}"]


def _make(out: Path) -> None:
    with _written(out):
        out.mkdir(parents=True, exist_ok=True)


@contextlib.contextmanager
def _written(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EnvironmentFailure(
            f"cannot write the results of the load: {error.strerror}",
            slug="load-unwritable",
            where=str(out),
            remedy="free disk space or choose another directory with --out DIR",
        ) from error


def make_plan(  # noqa: PLR0913 - by keyword, each is needed once
    order: Order, target: Target, identities: Identities, *, seed: int, out: Path, traffic: Traffic | None = None,
    shown: bool = False,
) -> Plan:  # fmt: skip
    """Return what the load process is told; it writes its requests into `out`."""
    scenario = order.scenario
    return Plan(
        name=order.name,
        url=target.url,
        file=order.file,
        named=scenario.file if order.file else "",
        user=scenario.user,
        source="har" if scenario.har else scenario.traffic or "paths",
        paths=scenario.paths if scenario.user else (),
        traffic=traffic.requests if traffic else of_paths(scenario.paths),
        rate_per_s=order.rate.mean(order.duration_s),
        knots=order.knots,
        duration_s=order.duration_s,
        deadline_s=scenario.deadline_s,
        journey_s=scenario.journey_s or 0.0,
        spacing=scenario.arrivals,
        seed=seed,
        identities=tuple((one.name, dict(one.headers)) for one in lease(identities, order.identities)),
        requests=str(out.resolve() / "requests.csv"),
        shown=shown,
    )


def _attempt(order: Order, plan: Plan, ground: Ground, process: LoadProcess | None) -> Attempt:
    if why := _unsent(plan, ground):
        if process:
            process.close()
        nothing = Ending(report=None, exit_code=0)
        return Attempt(plan=plan, ending=nothing, ledger=Ledger(), reading=Reading.of(order), doubt=Doubt(reason=why))
    requests = Path(plan.requests)
    with _written(ground.out):
        if requests.exists():  # of an attempt that was given up
            requests.replace(requests.with_name(f"requests-{FIRST}.csv"))
        team = Team(_processes(order, ground, process))
    if ground.crew:
        ground.progress(f"{plan.name} waits for {ground.crew.workers} workers at {ground.crew.address}")
    ground.progress(f"{plan.name} {plan.rate_per_s:g}/s starts")
    watch = Watch(plan, order.objectives, team, grace_s=order.scenario.grace_s)
    tell = Teller(plan, ground.progress)
    try:
        with (
            _beside(order, plan, ground) as flood,
            contextlib.ExitStack() as meanwhile,
            Sampler(ground.sources) as sampler,
        ):

            def begin() -> None:
                ground.page.begin(plan, team.stop)
                if flood:  # not before all are ready: what came until then would use up its time, and be nobody's
                    meanwhile.enter_context(flood)

            ending = team.run(plan, _all(tell, sampler.take, watch, ground.page.tick), begin, ground.page.take)
    finally:
        ground.page.end()
        team.close()  # nobody ran it where a flood's process could not be started
        _keep_logs(plan, team, ground.out)
    with _written(ground.out):
        reading = read_attempt(order, requests)
    attempt = Attempt(
        plan=plan, ending=ending, ledger=_ledger(plan, ending, watch),
        reading=reading, doubt=None, resources=sampler.seen, lost=watch.lost, planned=watch.due if watch.lost else None,
        flooded=_since(sampler.zero_s, order, flood) if flood else None,
    )  # fmt: skip
    return attempt if watch.lost else replace(attempt, doubt=_touched(ground) or _doubt(order, attempt))


def _unsent(plan: Plan, ground: Ground) -> str:
    """Return why nothing can be sent, or is to be."""
    if not urlsplit(plan.url).hostname:
        return f"the target {plan.url!r} has no host"
    return ground.page.touched


def _touched(ground: Ground) -> Doubt | None:
    return Doubt(reason=ground.page.touched) if ground.page.touched else None


@contextlib.contextmanager
def _beside(order: Order, plan: Plan, ground: Ground) -> Iterator[Flood | None]:
    """Start what is to saturate the service meanwhile, if something is; its process ends here, and its log is kept."""
    if order.flood is None:
        yield None
        return
    process = start_ahead(f"{order.name}-flood", run=ground.run, work=ground.work, root=ground.root)
    try:
        yield make_flood(order.flood, plan, process)
    finally:
        process.close()
        _keep_log(plan, process.log, ground.out / "locust-flood.log")


def _since(zero_s: float, order: Order, flood: Flood) -> Flooded:
    return flood.since(zero_s, duration_s=order.duration_s)


def _all(*takers: Callable[[Message], None]) -> Callable[[Message], None]:
    """Return what hands each tick to all of them."""

    def take(tick: Message) -> None:
        for taker in takers:
            taker(tick)

    return take


def _ledger(plan: Plan, ending: Ending, watch: Watch) -> Ledger:
    if ending.report:
        return Ledger(**ending.report["ledger"])
    return watch.ledger if watch.lost else due_of(plan)


def _processes(order: Order, ground: Ground, first: LoadProcess | None) -> list[LoadProcess]:
    """Return as many processes as send the scenario; one may have been started ahead."""
    started = [] if first is None else [first]
    count = 1 if ground.crew else order.scenario.processes
    try:
        for number in range(len(started), count):
            name = f"{order.name}-{number + 1}" if number else order.name
            started.append(start_ahead(name, run=ground.run, work=ground.work, root=ground.root, crew=ground.crew))
    except EnvironmentFailure:
        for one in started:
            one.close()
        raise
    return started


def _doubt(order: Order, attempt: Attempt) -> Doubt | None:
    ledger, account = attempt.ledger, attempt.reading.account
    first = find_doubt(attempt.ending, ledger, account, lag_limit_ms=lag_bound_ms(order.objectives))
    by_figures = {metric: rule for metric, rule in order.objectives.items() if metric not in BESIDES}
    if attempt.flooded and not first and attempt.flooded.doubt:
        return Doubt(reason=attempt.flooded.doubt)
    return first or find_gap(by_figures, ledger, account, duration_s=attempt.plan.duration_s)


def start_ahead(name: str, *, run: str, work: Path, root: Path, crew: Crew | None = None) -> LoadProcess:
    """Start the process of a scenario before it is needed; raises EnvironmentFailure when none can be started."""
    return LoadProcess(run=run, cwd=root, log=work / f"locust-{name}.log", crew=crew)


def _keep_logs(plan: Plan, team: Team, out: Path) -> None:
    for number, log in enumerate(team.logs, 1):
        _keep_log(plan, log, out / ("locust.log" if number == 1 else f"locust-{number}.log"))


def _keep_log(plan: Plan, log: Path, kept: Path) -> None:
    """Move the log of the load process to the results, without the identities' secrets."""
    secrets = Secrets()
    for name, headers in plan.identities:
        for value in headers.values():
            secrets.register(name, value.removeprefix("Bearer "))
    with contextlib.suppress(OSError):  # a log that cannot be kept must not hide how the scenario ended
        kept.write_text(secrets.redact(log.read_text(encoding="utf-8", errors="replace")), encoding="utf-8")
        log.unlink()


def _conclude(order: Order, attempt: Attempt, ground: Ground, *, replay: str, given_up: Sequence[Attempt]) -> Evidence:
    plan, reading = attempt.plan, attempt.reading
    account = reading.account
    report = attempt.ending.report or {"samples": ()}
    exchanges = exchanges_of(order.name, report["samples"], base_url=plan.url)
    how: Circumstances = {"rejection": order.rejection, "duration_s": plan.duration_s}
    values = values_of(account, reading.recoveries, **how)
    trial = Trial(
        order=order,
        account=account,
        refusals=reading.refusals,
        whole=attempt.whole,
        values=values.seen,
        least=values.least,
        doubt=attempt.doubt,
        replay=replay,
        exchanges=exchanges,
        trace_header=ground.trace_header,
        operations=operation_values(account, **how),
        resources=attempt.resources,
        lost=attempt.lost,
        flooded=_flooded(attempt),
    )
    results = judge(trial)
    with _written(ground.out):
        write_stats(
            ground.out / "stats.json", plan, account=account, ledger=attempt.ledger, ending=attempt.ending,
            results=results, doubt=_why_not_as_asked(attempt), failures=trial.failures, flooded=attempt.flooded,
            given_up=[(one.doubt.reason if one.doubt else "", one.ledger) for one in given_up], used=trial.used,
            looks=looks_of(attempt.resources.samples), seconds=reading.seconds.told, planned=attempt.planned,
            objectives=order.told,
        )  # fmt: skip
    measured = _measured(trial, attempt) if not _why_not_as_asked(attempt) else []
    return Evidence(
        results=results,
        measurements=tuple(measured),
        exchanges=exchanges,
        notes=_notes(order.name, attempt, given_up),
        tallies=account.tallies,
    )


def _flooded(attempt: Attempt) -> float | None:
    """Return how many requests the flood sent while the service was looked at, None where nobody knows."""
    looks = attempt.resources.samples
    if attempt.flooded is None or not looks:
        return 0
    return attempt.flooded.sent_between(looks[0].at_s, looks[-1].at_s)


def _why_not_as_asked(attempt: Attempt) -> str:
    """Return why the figures are not those of the whole load: the generator, or objectives that were lost."""
    if attempt.lost:
        titles = "; ".join(broken.title for broken in attempt.lost)
        return f"ended before its time, whatever was still to come: {titles}"
    return attempt.doubt.reason if attempt.doubt else ""


def _measured(trial: Trial, attempt: Attempt) -> list[Measurement]:
    order, duration_s = trial.order, attempt.plan.duration_s
    return [
        *measure(order.name, trial.account, attempt.ledger, duration_s=duration_s),
        *measure_limited(order.name, trial.account, order.rejection),
        *measure_recovery(order.name, trial.values.get(RECOVERY), samples=trial.account.sent),
        *measure_resources(order.name, trial.used, samples=len(trial.resources.samples)),
    ]
