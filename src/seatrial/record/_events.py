"""Everything that can happen in a run, as typed events: `XStarted` pairs with `XFinished`.

stack, instruments, suites, gate --emit--> Recorder --append--> events.ndjson --read--> Record --> every report
"""

from __future__ import annotations

import msgspec

from seatrial.core import CheckResult, Documented, Exchange, GateResult, LimitProof, Measurement, Tally, Verdict
from seatrial.record._history import PastRun


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=True):
    """Something that happened; `at_s` is seconds since the run started, filled in by the recorder."""

    at_s: float = 0.0


class Shard(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of a run this is: its number (from 1), of which `shares`, each the suites of one part in one line.

    `commit` is what was checked out (empty: no repository), `configuration` the digest of the settings, `repeat` the
    line that repeats all parts as one run, `patch_base` the git base that it names.
    """

    number: int
    shares: tuple[str, ...]
    commit: str
    configuration: str
    repeat: str
    patch_base: str = ""

    @property
    def name(self) -> str:
        """Return how people call it: 2/3."""
        return self.named(self.number)

    def named(self, number: int) -> str:
        """Return how people call another shard of the same run."""
        return f"{number}/{len(self.shares)}"

    @property
    def suites(self) -> tuple[str, ...]:
        """Return the suites of all shards."""
        return tuple(dict.fromkeys(" ".join(self.shares).split()))


class RunStarted(Event, frozen=True, kw_only=True):
    """The first event: what runs, on what, and how to repeat it; `merged` are the runs whose events this one has.

    `machine` is its kind (empty: an older version did not say).
    """

    run: str
    version: str
    started: str
    stack: str
    why_stack: str
    profile: str
    seed: int
    fault: str = ""
    command: str = ""
    suites: tuple[str, ...] = ()
    budget_s: dict[str, float] = {}
    project: str = ""
    shard: Shard | None = None
    merged: tuple[str, ...] = ()
    machine: str = ""


class StageStarted(Event, frozen=True, kw_only=True):
    """A part of the run began."""

    stage: str


class StageFinished(Event, frozen=True, kw_only=True):
    """A part of the run ended, after `duration_s` seconds."""

    stage: str
    duration_s: float


class StackReady(Event, frozen=True, kw_only=True):
    """A variant of the stack answers; `limitations` say what this driver cannot show."""

    variant: str
    driver: str
    url: str
    duration_s: float
    limitations: tuple[str, ...] = ()


class StackStopped(Event, frozen=True, kw_only=True):
    """A variant of the stack is gone."""

    variant: str


class CheckPlanned(Event, frozen=True, kw_only=True):
    """A check was selected for this run; `item` is what pytest calls it."""

    check: str
    title: str
    suite: str
    severity: str
    claim: str = ""
    item: str = ""
    needs: tuple[str, ...] = ()
    presupposes: tuple[str, ...] = ()
    cwe: tuple[int, ...] = ()
    owasp: tuple[str, ...] = ()


class CheckStarted(Event, frozen=True, kw_only=True):
    """A check began."""

    check: str


class CheckFinished(Event, frozen=True, kw_only=True):
    """A check ended; the last event of a check counts."""

    result: CheckResult


class MeasurementTaken(Event, frozen=True, kw_only=True):
    """A number was measured."""

    measurement: Measurement


class NothingToMeasure(Event, frozen=True, kw_only=True):
    """There was nothing that a metric could have measured, and why that is no fault."""

    metric: str
    reason: str


class ExchangeRecorded(Event, frozen=True, kw_only=True):
    """A request was sent."""

    exchange: Exchange


class ContractRead(Event, frozen=True, kw_only=True):
    """The document that is served was read: what it promises, and why not all of it was asked for (empty: it was)."""

    operations: tuple[Documented, ...]
    unfinished: str = ""


class ExchangesCounted(Event, frozen=True, kw_only=True):
    """Requests were sent that do not all stand in the record; `shown` are the ids of those of them that do."""

    tallies: tuple[Tally, ...]
    shown: tuple[str, ...] = ()


class LimitProved(Event, frozen=True, kw_only=True):
    """A rate limit was put to the proof."""

    proof: LimitProof


class ProgressMade(Event, frozen=True, kw_only=True):
    """What a stage is doing or waiting for, for somebody who watches."""

    stage: str
    message: str


class LimitationNoted(Event, frozen=True, kw_only=True):
    """Something was not verified, and why."""

    note: str


class GateJudged(Event, frozen=True, kw_only=True):
    """A rule was applied."""

    gate: GateResult


class HistoryRead(Event, frozen=True, kw_only=True):
    """The runs before this one that asked for the same were looked up, the oldest first; `commit` is this run's."""

    earlier: tuple[PastRun, ...] = ()
    commit: str = ""


class RunFailed(Event, frozen=True, kw_only=True):
    """The environment or the configuration ended the run; `exit_code` is 2, 3 or 130."""

    reason: str
    exit_code: int


class RunFinished(Event, frozen=True, kw_only=True):
    """The last event: the verdict and the one sentence why."""

    verdict: Verdict
    reason: str
    duration_s: float


OtherEvent = (
    RunStarted
    | StageStarted
    | StageFinished
    | StackReady
    | StackStopped
    | CheckPlanned
    | CheckStarted
    | CheckFinished
    | MeasurementTaken
    | NothingToMeasure
    | ContractRead
    | ExchangesCounted
    | LimitProved
    | ProgressMade
    | LimitationNoted
    | GateJudged
    | HistoryRead
    | RunFailed
    | RunFinished
)
AnyEvent = OtherEvent | ExchangeRecorded
