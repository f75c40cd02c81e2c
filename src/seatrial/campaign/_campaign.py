"""The campaign: enters one suite after the other, runs each instrument once, and closes everything.

enter(suite) --stack variant, coverage phase, instrument--> Entered --items of the suite--> outcomes
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, wait
from functools import partial
from pathlib import Path

import msgspec

from seatrial.campaign._ahead import Ahead
from seatrial.campaign._attribution import Attribution
from seatrial.campaign._attribution_of_limits import LimitAttribution
from seatrial.campaign._attribution_of_load import LoadAttribution
from seatrial.campaign._background import in_background
from seatrial.campaign._cost import cost_of_counting
from seatrial.campaign._entered import Entered
from seatrial.campaign._instruments import (
    Instrument,
    fuzz_contract,
    leave_deep,
    overlaid,
    prove_deep,
    prove_limits,
    run_load,
    settled,
    undecided,
)
from seatrial.campaign._run import PROVING, Run
from seatrial.campaign._smoke import read_contract
from seatrial.campaign._stacks import Stacks
from seatrial.campaign._stay import leave_running
from seatrial.campaign._suites import Suite, in_suite_order, suite_named, suites_of
from seatrial.core import Evidence, SeatrialError, as_ours
from seatrial.cover import STARTUP, Collector
from seatrial.record import RunFailed, StageFinished, StageStarted
from seatrial.stack import Stack, Variant

INSTRUMENTS: dict[str, Instrument] = {"contract": fuzz_contract, "ratelimit": prove_limits, "load": run_load}
READING: dict[str, Instrument] = {"contract": read_contract}
"""Those of a run that changes nothing."""


COVERAGE = "coverage"
"""The folder of a run that has what the services executed."""

POLITE = 10
"""How much a thread yields to whatever else wants a processor (a nice value)."""


class Campaign:
    """Run the selected suites of one run, part by part."""

    def __init__(self, run: Run, parts: Iterable[str]) -> None:
        self.run = run
        self.parts = tuple(in_suite_order(parts))
        self.suites = tuple(suites_of(self.parts))
        self._collector = self._make_collector()
        needed = {self.variant(suite_named(name)) for name in self.parts}
        variants: list[Variant] = [variant for variant in needed if variant]
        self.stacks = Stacks(run, collector=self._collector, variants=variants)
        self._entered: dict[str, Entered | SeatrialError] = {}
        self._early: dict[str, Future[Evidence]] = {}
        self._ahead = Ahead(run)
        self._attributions: tuple[Attribution, ...] = (LimitAttribution(run), LoadAttribution(run))
        self._stage: tuple[str, float] | None = None
        self._closed = False
        self.failed = False

    def _make_collector(self) -> Collector | None:
        settings = self.run.settings
        wanted = ("coverage" in self.suites or self.run.options.cover) and self.run.starts
        if not wanted or not settings.coverage:
            return None
        # What other tools recorded is merged in once: where shards are.
        measured = settings.coverage.model_copy(update={"merge": ()}) if self.run.options.shard else settings.coverage
        collector = Collector(measured, root=settings.root)
        if not collector.looks_inside:  # else this is found when their stack is prepared
            collector.check()
        return collector

    def variant(self, suite: Suite) -> Variant | None:
        """Return the variant on which a suite runs; without coverage there is only the clean one, or what is up.

        Unless limits are proved on the clean one which have to be lifted for the other suites.
        """
        if suite.needs == "nothing":
            return None
        if self.run.attached:
            return "instrumented" if self.run.attached["variant"] == "instrumented" else "clean"
        lifts = self.run.lifted and PROVING in self.suites
        return suite.needs if self._instruments or lifts else "clean"

    @property
    def _instruments(self) -> bool:
        """Return whether services are measured from inside, for which they are started once more."""
        return self._collector is not None and self._collector.looks_inside

    def enter(self, name: str) -> Entered:
        """Make everything ready for a suite; the second call returns, or raises, what the first did.

        Raises UsageError or EnvironmentFailure, after it was written down; the run is over then.
        """
        if name not in self._entered:
            self._entered[name] = self._try(suite_named(name))
        entered = self._entered[name]
        if isinstance(entered, SeatrialError):
            raise entered
        return entered

    def _try(self, suite: Suite) -> Entered | SeatrialError:
        try:
            self._collect_early(suite)
            if suite.name not in self._early:
                self._begin(suite.stage)
            return self._enter(suite)
        except Exception as error:  # noqa: BLE001 - an instrument wraps a foreign engine: anything may come out of it
            failure = as_ours(error)
            self.fail(failure)
            return failure

    def fail(self, error: SeatrialError) -> None:
        """Write down, once, what ended the run."""
        if not self.failed:
            self.failed = True
            self.run.recorder.emit(RunFailed(reason=str(error), exit_code=error.exit_code))

    def _enter(self, suite: Suite) -> Entered:
        variant = self.variant(suite)
        for attribution in self._attributed():
            attribution.start()
        if suite.instrument and not self.run.options.smoke:
            self._ahead.start()  # while the stack starts: nothing else has to wait for that
        self._prepare_first()
        stack = self._stack(variant) if variant and suite.name != "coverage" else None
        if stack and not self.run.options.smoke:
            self.run.identities.at(stack.url()).greet()
        if reason := self._cannot_test(suite, stack):
            return Entered(suite=suite.name, tree=str(self.stacks.tree()), not_tested=reason)
        self._switch_phase(suite, variant)
        self._start_early(suite, variant)
        if variant and not self.run.options.smoke:
            self._ahead.start()
        evidence = self._deepen(suite, stack, self._measure(suite, stack))
        self.run.absorb(evidence)
        results = {result.check: result for result in evidence.results}
        entered = Entered(
            suite=suite.name,
            tree=str(self.stacks.tree()),
            results=results,
            unsigned=self.run.unsigned,
            unminted=self.run.unminted,
            alike=self.run.identities.alike,
            variables=dict(self.run.variables(variant or "clean")) if self.run.starts else {},
            previous_key=self.run.previous_key.private_pem if self.run.previous_key else "",
        )
        return entered if stack is None else _with_stack(entered, stack)

    def _cannot_test(self, suite: Suite, stack: Stack | None) -> str:
        """Return why this run cannot verify a suite, empty when it can."""
        if self.run.options.smoke:
            return ""  # each check that is safe says for itself
        if suite.name == "coverage" and self.run.settings.coverage and self._collector is None:
            return f"coverage needs a stack that this run starts and stops, not {self.run.choice.why}"
        if self.run.unsigned and (suite.name == "contract" or (suite.name == "load" and self._load_has_users)):
            return self.run.unsigned
        if suite.name == "load" and self._load_has_users and self.run.identities.in_query:
            return "load is sent with headers alone, and [auth] place has the keys of users in the query"
        if suite.name == "load" and stack and stack.variant == "instrumented":
            return "a verdict on load never comes from an instrumented stack"
        return ""

    @property
    def _load_has_users(self) -> bool:
        return any(scenario.identities for scenario in self.run.settings.load.values())

    def _stack(self, variant: Variant) -> Stack:
        stack = self.stacks.get(variant)
        if any(self.variant(suite_named(name)) == "clean" for name in self.parts):
            self.stacks.prepare("clean")  # ready by the time it is needed
        return stack

    def _prepare_first(self) -> None:
        """Begin to start the variant that is needed first: what needs none goes on meanwhile."""
        first = next((variant for name in self.parts if (variant := self.variant(suite_named(name)))), None)
        if first:
            self.stacks.prepare(first)

    def _switch_phase(self, suite: Suite, variant: Variant | None) -> None:
        if variant == "instrumented" and suite.name != "coverage":
            self._begin_phase(suites_of([suite.name])[0])

    def _begin_phase(self, name: str) -> None:
        if self._collector:
            self._collector.set_phase(name)
            self._collector.wait_acknowledged(1.0)

    def _start_early(self, suite: Suite, variant: Variant | None) -> None:
        """Let an instrument measure on one stack while suites run on the other.

        The limits are proved on the clean one, which is mostly waiting, while suites run on the instrumented one; the
        contract is fuzzed on the instrumented one while what waits runs on the clean one.
        """
        if self._collector is None:
            return
        if variant == "instrumented":
            self._begin_early(PROVING, on="clean")
        if suite.aside:
            self._begin_early("contract", on="instrumented")
            if PROVING in self._early:
                wait([self._early[PROVING]])  # what comes now may disturb the clean one

    def _collect_early(self, suite: Suite) -> None:
        """End the instrumented stack once nothing more runs on it, and combine what it recorded meanwhile."""
        left = [suite_named(name) for name in self.parts[self.parts.index(suite.name) :] if name != "coverage"]
        if any(self.variant(each) == "instrumented" for each in left):
            return
        for attribution in self._attributed():
            self._await_proof()
            self._attribute(attribution)
        self._tell_cost()
        self.stacks.end("instrumented")
        if self._collector:
            self._begin_collecting(self._collector)

    def _attributed(self) -> list[Attribution]:
        """Return for what suites of the clean stack lines are still to be counted."""
        if not self._instruments or self.run.options.smoke:
            return []
        pending = [each for each in self._attributions if each.pending and self._sends_few(each.suite)]
        return [each for each in pending if not self._cannot_test(suite_named(each.suite), None)]

    def _sends_few(self, suite: str) -> bool:
        """Return whether a suite is among what runs: of shards, whichever has it, the first that counts lines sends."""
        options = self.run.options
        if not options.shard:
            return suite in self.suites
        shares = [share.split() for share in options.shares]
        counting = next((number for number, share in enumerate(shares, 1) if COVERAGE in share), 0)
        return options.shard == counting and any(suite in share for share in shares)

    def _attribute(self, attribution: Attribution) -> None:
        """Send a little of a suite where lines are counted; what is judged of it is sent where none are."""
        attribution.start()
        with contextlib.suppress(SeatrialError):  # without the stack there is no coverage either, and that is said
            stack = self.stacks.get("instrumented")
            self._switch_phase(suite_named(attribution.suite), "instrumented")
            with self._timed("coverage"):
                attribution.send(stack)

    def _await_proof(self) -> None:
        """Let limits be proved before more is sent than suites do: that is waited for next in any case."""
        if PROVING in self._early:
            wait([self._early[PROVING]])

    def _tell_cost(self) -> None:
        """Measure what counting lines costs while both stacks are up and idle: limits are proved before or after."""
        if self._collector is None or "coverage" in self._early:
            return
        self._await_proof()
        with (
            contextlib.suppress(SeatrialError),
            self._timed("coverage"),
        ):  # whoever needs the stack next says what it is
            self._begin_phase(STARTUP)
            variants = [self.variant(suite_named(name)) for name in self.parts if name != "coverage"]
            self.run.absorb(cost_of_counting(self.run, self.stacks, variants))

    def cover(self) -> Evidence:
        """Return what the services executed, if they are measured: their stack ends for that. Raises SeatrialError."""
        if self._collector is None:
            return Evidence()
        self._tell_cost()
        self._begin_collecting(self._collector)
        evidence = self._early["coverage"].result()
        if "coverage" not in self._entered:
            self.run.absorb(evidence)
        return evidence

    def hand_over(self, target: Path) -> None:
        """Write the data of what the services executed into a file, for another tool; raises EnvironmentFailure."""
        if self._collector:
            self._collector.hand_over(target, out=self.run.directory / COVERAGE)

    def _begin_collecting(self, collector: Collector) -> None:
        if "coverage" not in self._early:
            self._early["coverage"] = in_background(partial(self._collect, collector), name="coverage")

    def _begin_early(self, name: str, *, on: Variant) -> None:
        if name in self.suites and name not in self._early and not self._cannot_test(suite_named(name), None):
            self._early[name] = in_background(lambda: self._measure_early(name, on), name=name)

    def _measure_early(self, name: str, variant: Variant) -> Evidence:
        stack = self.stacks.get(variant)
        self._switch_phase(suite_named(name), variant)
        with self._timed(name):
            return INSTRUMENTS[name](self.run, stack, self._ahead)

    def _measure(self, suite: Suite, stack: Stack | None) -> Evidence:
        if suite.name in self._early:
            early = self._early[suite.name].result()
            return self._settled(early, stack) if suite.name == PROVING else early
        instrument = (READING if self.run.options.smoke else INSTRUMENTS).get(suite.name)
        return instrument(self.run, stack, self._ahead) if instrument and stack else Evidence()

    def _settled(self, early: Evidence, stack: Stack | None) -> Evidence:
        """Prove again, now that nothing else runs, what could not be decided beside other suites."""
        if stack is None or not undecided(early):
            return early
        self.run.progress("ratelimit")("proving again, alone, what was not decided beside other suites")
        with self._timed("ratelimit"):
            return settled(early, prove_limits(self.run, stack, self._ahead))

    def _deepen(self, suite: Suite, stack: Stack | None, evidence: Evidence) -> Evidence:
        """Add what takes longer by its nature, where that was asked for: nothing else runs meanwhile."""
        if suite.name != PROVING or stack is None or self.run.options.smoke:
            return evidence
        if not self.run.deep:
            return overlaid(leave_deep(self.run), evidence)
        with self._timed("deep"):
            return overlaid(evidence, prove_deep(self.run, stack))

    def _collect(self, collector: Collector) -> Evidence:
        """Stop the instrumented stack, so that every process hands in its data, and combine it."""
        with contextlib.suppress(OSError):  # not every system knows priorities of threads
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), POLITE)  # load is measured meanwhile
        with self._timed("coverage"):
            if collector.looks_inside:
                self.stacks.get("instrumented")
                self.run.progress("coverage")("stopping the instrumented stack")
                self.stacks.end("instrumented").result()
            self.run.progress("coverage")("combining what the services recorded")
            return collector.collect(out=self.run.directory / COVERAGE)

    def _begin(self, stage: str) -> None:
        if self._stage and self._stage[0] == stage:
            return
        self._end_stage()
        self._stage = (stage, time.monotonic())
        self.run.recorder.emit(StageStarted(stage=stage))

    def _end_stage(self) -> None:
        if self._stage:
            stage, began = self._stage
            self.run.recorder.emit(StageFinished(stage=stage, duration_s=time.monotonic() - began))
            self._stage = None

    @contextlib.contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        began = time.monotonic()
        self.run.recorder.emit(StageStarted(stage=stage))
        try:
            yield
        finally:
            self.run.recorder.emit(StageFinished(stage=stage, duration_s=time.monotonic() - began))

    def close(self) -> None:
        """Stop everything that was started (or leave it, when it was asked to stay); safe to call twice."""
        if self._closed:
            return
        self._closed = True
        self._begin("report")
        self.run.progress("report")("stopping what this run started")
        self._ahead.close()
        for attribution in self._attributions:
            attribution.close()
        try:
            if self.run.options.keep and not self.failed:
                leave_running(self.run, self.stacks)
            else:
                self.stacks.stop_all()
        finally:
            self._end_stage()


def _with_stack(entered: Entered, stack: Stack) -> Entered:
    return msgspec.structs.replace(
        entered,
        url=stack.url(),
        by_address=stack.by_address,
        variant=stack.variant,
        driver=stack.driver,
        abilities=tuple(sorted(stack.abilities)),
        state=dict(stack.state()),
    )
