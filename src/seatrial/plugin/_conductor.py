"""The controlling process: opens the run, enters suites, judges, and writes the reports."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from seatrial.campaign import (
    KEY,
    SUITES,
    Campaign,
    Entered,
    Options,
    Run,
    commit_started,
    metric_belongs,
    note_left_out,
    open_run,
    point_latest,
    suite_named,
    suites_of,
    tell_matrix,
    tell_sent,
    with_patch_base,
)
from seatrial.config import Settings
from seatrial.core import (
    Check,
    CheckResult,
    EnvironmentFailure,
    GateResult,
    Outcome,
    RunInterrupted,
    SeatrialError,
    as_ours,
)
from seatrial.gate import (
    Value,
    collect_values,
    comparable,
    decide,
    describe,
    judge,
    lenience_of,
    postpone,
    read_comparisons,
    rules_for,
    stored_for,
)
from seatrial.http import IdentityPool
from seatrial.openapi.diff import describe_waivers
from seatrial.plugin._ending import end_otherwise, write_ending
from seatrial.plugin._history import look_back
from seatrial.record import (
    CheckFinished,
    CheckPlanned,
    GateJudged,
    Leak,
    LimitationNoted,
    Listener,
    Record,
    RecorderServer,
    RunFinished,
    Sink,
    find_leaks,
    mend_leaks,
)
from seatrial.stack import Stack, Variant, run_marks

SESSION = "SEATRIAL_SESSION"  # the process number of the conductor, by which workers find its work folder
FACTS = "session.json"
PHASES = "phases"
RECORDER = "recorder.sock"
SHOWN = 5
"""So many files with a secret are named."""


class Conductor:
    """Hold one run in the process that started pytest; `gates` are what was judged elsewhere."""

    def __init__(self, settings: Settings, options: Options, *, listeners: Sequence[Listener] = ()) -> None:
        self.settings = with_patch_base(settings, options)
        self.options = options
        self.run: Run | None = None
        self.timed_out = False
        self.problem: SeatrialError | None = None
        self.exit_code: int | None = None
        self.gates: list[GateResult] = []
        self.left_out: list[Check] = []
        self._listeners = listeners
        self._campaign: Campaign | None = None
        self._record = Record(Path())
        self._server: RecorderServer | None = None
        self._stored: Mapping[str, Value] = {}

    @property
    def campaign(self) -> Campaign:
        """Return the campaign; the run must be open."""
        if self._campaign is None:
            raise EnvironmentFailure("the run is not open", slug="run-closed")
        return self._campaign

    @property
    def sink(self) -> Sink:
        """Return where events go."""
        return self.campaign.run.recorder

    @property
    def directory(self) -> Path:
        """Return the run's directory."""
        return self.campaign.run.directory

    @property
    def marks(self) -> Mapping[str, str]:
        """Return the variables by which the run's processes are found."""
        return run_marks(self.campaign.run.id, keep=False)

    @property
    def identities(self) -> IdentityPool:
        """Return the identities of this run."""
        return self.campaign.run.identities

    def open(self, parts: Iterable[str]) -> None:
        """Open the run for these suites, or parts of them; raises UsageError or EnvironmentFailure."""
        if self.timed_out:  # its interrupt may have been swallowed by what was being imported
            raise self.interruption()
        self._stored = stored_for(self.options.profile, self.settings)
        chosen = tuple(parts)
        suites = tuple(suites_of(chosen))
        self.run = open_run(self.settings, self.options, suites=suites, listeners=(self._record.add, *self._listeners))
        self._record.directory = self.run.directory
        if not self.options.out:
            point_latest(self.settings.root, self.run.directory)
        self._campaign = Campaign(self.run, chosen)

    def share(self) -> None:
        """Let other processes of this run find it."""
        run = self.campaign.run
        self._server = RecorderServer(run.recorder, run.work / RECORDER)
        run.key.save(run.work / KEY)
        (run.work / PHASES).mkdir(exist_ok=True)
        facts = {"run": run.id, "seed": run.seed, "directory": str(run.directory), "work": str(run.work)}
        facts |= {"addresses": run.choice.distinct_addresses}
        write_atomically(run.work / FACTS, json.dumps(facts).encode())

    def plan(self, checks: Mapping[str, Check]) -> None:
        """Write down which checks this run will decide, by the items that do."""
        for item, check in checks.items():
            self.sink.emit(planned(check, item))

    def enter(self, suite: str) -> Entered:
        """Make a suite ready, and tell the other processes."""
        entered = self.campaign.enter(suite)
        self._publish(entered)
        return entered

    def give_up(self, suites: Iterable[str], error: SeatrialError) -> None:
        """Write down what ended the run, and tell the other processes that these suites will not be entered."""
        self.fail(error)
        for suite in suites:
            self._publish(Entered(suite=suite, error=str(error)))

    def lose(self, item: str) -> None:
        """Write down that a check ended with its worker: nobody else will, and others may wait for it."""
        for check in list(self._record.planned.values()):  # other threads add to it
            if check.item == item and check.check not in self._record.results:
                reason = "the worker that ran it died"
                result = CheckResult(check=check.check, outcome=Outcome.INCONCLUSIVE, reason=reason)
                self.sink.emit(CheckFinished(result=result))

    def _publish(self, entered: Entered) -> None:
        if self._server:
            write_atomically(self.campaign.run.work / PHASES / f"{entered.suite}.json", entered.to_json())

    def stack(self, entered: Entered) -> Stack:
        """Return the handle of the stack that a suite runs on."""
        return self.campaign.stacks.get("clean" if entered.variant == "clean" else "instrumented")

    def outcomes(self, slugs: Iterable[str]) -> Mapping[str, Outcome]:
        """Return how these checks ended, as far as they have."""
        return {slug: self._record.results[slug].outcome for slug in slugs if slug in self._record.results}

    def fail(self, error: SeatrialError) -> None:
        """Write down what ended the run."""
        if self._campaign:
            self._campaign.fail(error)

    def finish(self, *, interrupted: bool) -> int:
        """Stop the stacks, judge, write every report, and return the exit code; the second call only returns it."""
        if self.exit_code is None:
            self.exit_code = self._finish(interrupted=interrupted)
        return self.exit_code

    def _finish(self, *, interrupted: bool) -> int:
        if self.run is None or self._campaign is None:
            return 130 if interrupted else 3
        if interrupted:
            self._campaign.fail(self.interruption())
        try:
            self._campaign.close()
        except KeyboardInterrupt:  # what is still running is the watchdog's to remove
            self._campaign.fail(self.interruption())
        except Exception as error:  # noqa: BLE001 - whatever it is, there is a verdict
            self._campaign.fail(as_ours(error))
        self._judge(self.run)
        self._report(self.run)
        finished, failure = self._record.finished, self._record.failure
        return failure.exit_code if failure else (finished.verdict.exit_code if finished else 3)

    def _report(self, run: Run) -> None:
        """Look for secrets, and write everything; raises the EnvironmentFailure of a report that cannot be written."""
        from seatrial.reporting import VERDICT, report_names  # noqa: PLC0415 - needed at the end only

        leaks = self._tell_leaks(run)

        def again() -> bool:
            names = [name for name in report_names(run.directory) if name != VERDICT]
            return bool(self._tell_leaks(run, names=names, before=leaks))

        write_ending(self._record, run.recorder, self.settings, took_s=run.elapsed_s, again=again)

    def interruption(self) -> SeatrialError:
        """Return what an interrupt means: somebody's wish, or the end of the time that the run was given."""
        if self.timed_out:
            return EnvironmentFailure(
                f"the run took longer than {self.options.timeout_s:g} s",
                slug="run-timeout",
                where="--timeout",
                remedy="give it more time, or fewer suites with --only",
            )
        return RunInterrupted("interrupted", slug="run-interrupted", remedy="run again")

    def _judge(self, run: Run) -> None:
        settings, today = self.settings, dt.datetime.now(dt.UTC).date()
        shard = self._record.origin.shard
        if shard is None:
            tell_matrix(self._record, run.recorder)
        if run.fence:
            tell_sent(run.fence, run.recorder)
        self._note_limits(run, today)
        suites = shard.suites if shard else self.campaign.suites
        whole = set(suites) >= set(SUITES)
        rules = comparable(rules_for(settings.gate, self.options.profile), whole=whole)
        applies = partial(metric_belongs, suites=suites, whole=whole, started=run.starts)
        if shard:
            gates = postpone(rules, applies=applies, reason=f"shard {shard.name} alone decides nothing")
        else:
            values = collect_values(self._record, settings.waivers, today=today)
            compared = read_comparisons(settings, commit=commit_started(settings))
            nothing = self._record.nothing
            judged = judge(rules, values, applies=applies, baseline=self._stored, nothing=nothing, compared=compared)
            gates = [*judged, *self.gates]
        for gate in gates:
            run.recorder.emit(GateJudged(gate=gate))
        verdict, reason = decide(self._record, gates, on_inconclusive=lenience_of(settings.gate, self.options.profile))
        look_back(self._record, run.recorder, settings)
        duration_s = run.elapsed_s()
        run.recorder.emit(RunFinished(verdict=verdict, reason=reason, duration_s=duration_s))

    def _tell_leaks(self, run: Run, *, names: Sequence[str] = (), before: Sequence[Leak] = ()) -> list[Leak]:
        """Return files (of these names) in which a secret still stands; then it is no run to show anybody.

        What was found `before` is told with it.
        """
        secrets = run.recorder.secrets
        leaks = mend_leaks(run.directory, secrets, list(find_leaks(run.directory, secrets, names=names)))
        if leaks:
            error = secret_left([*before, *leaks], run.directory)
            end_otherwise(self._record, run.recorder, error, took_s=run.elapsed_s())
        return leaks

    def _note_limits(self, run: Run, today: dt.date) -> None:
        """Say what this run did not verify, whatever its verdict."""
        left_out = note_left_out(self.campaign.suites, self._record.origin.shard, tuple(SUITES))
        notes = unsafe(self.left_out) or ([left_out] if left_out else [])
        turned = ", ".join(f"{name} = {value}" for name, value in self.settings.stack.knobs(run.turned_by).items())
        notes += [f"the profile {run.turned_by} turned knobs of the stack: {turned}"] if turned else []
        notes += self._lifted(run)
        notes += describe(self.settings.waivers, today=today)
        notes += describe_waivers(self.settings.contract)
        notes += over_budget(self._record)
        for note in notes:
            run.recorder.emit(LimitationNoted(note=note))

    def _lifted(self, run: Run) -> list[str]:
        """Say which limits were lifted for the suites that do not prove them."""
        used = {self.campaign.variant(suite_named(name)) for name in self.campaign.parts}
        variants: tuple[Variant, ...] = ("instrumented", "clean")
        return [
            f"the {variant} stack ran with a limit lifted: {name} = {value}"
            for variant in variants
            if variant in used
            for name, value in run.variables(variant).items()
            if run.environment.get(name) != value
        ]

    def summary(self) -> list[str]:
        """Return the verdict in a few lines."""
        from seatrial.reporting import summarise  # noqa: PLC0415 - needed at the end only

        return summarise(self._record)

    def close(self) -> None:
        """Let go of everything: what the run started is gone afterwards."""
        if self._server:
            self._server.close()
        if self.run:
            self.run.close()


def secret_left(leaks: Sequence[Leak], directory: Path) -> EnvironmentFailure:
    """Return what is said of secrets that were written past the recorder: their names and files, never their values."""
    more = f" and {len(leaks) - SHOWN} more files" if len(leaks) > SHOWN else ""
    named = ", ".join(f"{leak.file} ({leak.secret})" for leak in leaks[:SHOWN])
    return EnvironmentFailure(
        f"a secret stands in what the run left: {named}{more}",
        slug="secret-left",
        where=str(directory),
        remedy="hand the directory to nobody, delete it, and mend what wrote the file: a suite, or this program",
    )


def planned(check: Check, item: str) -> CheckPlanned:
    """Return the event that announces a check and the item that decides it."""
    return CheckPlanned(
        check=check.slug,
        title=check.title,
        suite=check.suite,
        severity=check.severity,
        claim=check.claim,
        item=item,
        needs=check.needs,
        presupposes=check.presupposes,
        cwe=check.cwe,
        owasp=check.owasp,
    )


def unsafe(left_out: Sequence[Check]) -> list[str]:
    """Return one sentence about all checks that a run which changes nothing leaves out, if there are any."""
    suites = Counter(check.suite for check in left_out)
    counted = ", ".join(f"{suite} {count}" for suite, count in suites.items())
    why = "not tested in the profile smoke, as they write, wait or need more than a few requests"
    return [f"{len(left_out)} checks are {why}: {counted}"] if left_out else []


def over_budget(record: Record) -> list[str]:
    """Return one sentence for each stage that took longer than its budget."""
    budget = record.origin.budget_s
    spent: dict[str, float] = {}
    for stage in record.stages:
        spent[stage.stage] = spent.get(stage.stage, 0.0) + stage.duration_s
    return [
        f"stage {stage} took {seconds:.1f} s, its budget is {budget[stage]:g} s"
        for stage, seconds in spent.items()
        if stage in budget and seconds > budget[stage]
    ]


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file that only this user may read, so that a reader sees it whole or not at all."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    part.replace(path)
