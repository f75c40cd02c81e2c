"""The record of a run, read back from its events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import msgspec

from seatrial.core import (
    CheckResult,
    Documented,
    EnvironmentFailure,
    Exchange,
    GateResult,
    LimitProof,
    Measurement,
    Outcome,
    Tally,
)
from seatrial.record._events import (
    AnyEvent,
    CheckFinished,
    CheckPlanned,
    ContractRead,
    ExchangeRecorded,
    ExchangesCounted,
    GateJudged,
    HistoryRead,
    LimitationNoted,
    LimitProved,
    MeasurementTaken,
    NothingToMeasure,
    RunFailed,
    RunFinished,
    RunStarted,
    StackReady,
    StageFinished,
)
from seatrial.record._history import PastRun
from seatrial.record._recorder import EVENTS
from seatrial.record._took import SAMPLE, Answered, Took

Answer = tuple[str, int, str, str]
"""An operation, the status that came back (0: none), its content type as it was sent, and who asked (`caller_of`)."""

Decoded = TypeVar("Decoded")
_decoder = msgspec.json.Decoder(AnyEvent)


def read_events(directory: Path) -> Iterator[AnyEvent]:
    """Yield the events of a run up to its last whole line; raises EnvironmentFailure for one that is not ours."""
    return read_decoded(directory, _decoder)


def read_decoded(directory: Path, decoder: msgspec.json.Decoder[Decoded]) -> Iterator[Decoded]:
    """Yield what a decoder makes of each line of a run; raises EnvironmentFailure as `read_events` does."""
    path = directory / EVENTS
    try:
        file = path.open("rb")
    except OSError as error:
        raise EnvironmentFailure(
            f"no record of a run: {error.strerror}",
            slug="record-missing",
            where=str(path),
            remedy="name a run directory",
        ) from error
    with file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):  # the writer was killed in the middle of it
                return
            try:
                yield decoder.decode(line)
            except (msgspec.DecodeError, ValueError) as error:
                raise damaged(error, path, number) from error


def damaged(error: Exception, path: Path, line: int) -> EnvironmentFailure:
    """Return what is said of a line (from 1) that is no event of ours."""
    return EnvironmentFailure(
        f"the record is damaged: {error}",
        slug="record-damaged",
        where=f"{path}:{line}",
        remedy="run again; what stands before this line was read",
    )


@dataclass(slots=True)
class Record:
    """What is known about a run so far: its first `lines`; `damage` says why reading stopped early, if it did.

    `unfinished` says why not all that is `documented` was asked for. `tallies` count exchanges, those among `exchanges`
    whose ids are in `counted` too; `answers` counts exchanges that were read and are not among `exchanges`. `took`
    is how long answers took, by operation. `nothing` says of metrics why there was nothing that they could have
    measured.
    `earlier` are the last runs that asked for the same, the oldest first.
    """

    directory: Path
    started: RunStarted | None = None
    planned: dict[str, CheckPlanned] = field(default_factory=dict)
    results: dict[str, CheckResult] = field(default_factory=dict)
    measurements: dict[str, Measurement] = field(default_factory=dict)
    nothing: dict[str, str] = field(default_factory=dict)
    exchanges: dict[str, Exchange] = field(default_factory=dict)
    answers: Counter[Answer] = field(default_factory=Counter)
    took: dict[str, Took] = field(default_factory=dict)
    documented: tuple[Documented, ...] = ()
    unfinished: str = ""
    tallies: list[Tally] = field(default_factory=list)
    counted: set[str] = field(default_factory=set)
    proofs: list[LimitProof] = field(default_factory=list)
    gates: list[GateResult] = field(default_factory=list)
    stages: list[StageFinished] = field(default_factory=list)
    stacks: list[StackReady] = field(default_factory=list)
    limitations: list[str] = field(default_factory=list)
    earlier: tuple[PastRun, ...] = ()
    commit: str = ""
    failure: RunFailed | None = None
    finished: RunFinished | None = None
    damage: str = ""
    lines: int = 0

    def add(self, event: AnyEvent) -> None:  # noqa: C901, PLR0912 - one flat case per event type
        """Take in one event."""
        match event:
            case RunStarted():
                self.started = event
            case CheckPlanned():
                self.planned[event.check] = event
            case CheckFinished():
                self.results[event.result.check] = event.result
            case MeasurementTaken():
                self.measurements[event.measurement.name] = event.measurement
            case NothingToMeasure():
                self.nothing[event.metric] = event.reason
            case ExchangeRecorded():
                self.exchanges[event.exchange.id] = event.exchange
                self.time(event.exchange)
            case ContractRead():
                self.documented, self.unfinished = event.operations, event.unfinished
            case ExchangesCounted():
                self.tallies += event.tallies
                self.counted.update(event.shown)
            case LimitProved():
                self.proofs.append(event.proof)
            case GateJudged():
                self.gates.append(event.gate)
            case StageFinished():
                self.stages.append(event)
            case StackReady():
                self.stacks.append(event)
            case LimitationNoted():
                self.limitations.append(event.note)
            case HistoryRead():
                self.earlier, self.commit = event.earlier, event.commit
            case RunFailed():
                self.failure = event
            case RunFinished():
                self.finished = event
            case _:
                pass

    def time(self, exchange: Answered) -> None:
        """Take in how long an answer took; those of a load are in its own statistics."""
        if not exchange.id.startswith(SAMPLE):
            took_s, status = exchange.received_s - exchange.sent_s, exchange.response.status if exchange.response else 0
            self.took.setdefault(exchange.operation, Took()).take(took_s, id_=exchange.id, status=status)

    @property
    def origin(self) -> RunStarted:
        """Return what the run began with, empty where that was lost."""
        lost = RunStarted(run="", version="", started="", stack="", why_stack="", profile="", seed=0)
        return self.started or lost

    def count(self, outcome: Outcome) -> int:
        """Return how many checks ended so; a planned check that never ended counts as inconclusive."""
        ended = sum(result.outcome is outcome for result in self.results.values())
        lost = len(self.planned.keys() - self.results.keys()) if outcome is Outcome.INCONCLUSIVE else 0
        return ended + lost


def read_record(directory: Path) -> Record:
    """Read a run directory; damage in the middle of the stream is kept in `damage`, not raised."""
    record = Record(directory)
    try:
        for event in read_events(directory):
            record.add(event)
            record.lines += 1
    except EnvironmentFailure as error:
        if error.slug != "record-damaged":
            raise
        record.damage = str(error)
    return record
