"""The run directory: an append-only stream of typed events from which every report is rebuilt."""

from seatrial.record._directory import OWNED, clear_run
from seatrial.record._events import (
    AnyEvent,
    CheckFinished,
    CheckPlanned,
    CheckStarted,
    ExchangeRecorded,
    GateJudged,
    LimitationNoted,
    LimitProved,
    MeasurementTaken,
    ProgressMade,
    RunFailed,
    RunFinished,
    RunStarted,
    StackReady,
    StackStopped,
    StageFinished,
    StageStarted,
)
from seatrial.record._record import Record, read_events, read_record
from seatrial.record._recorder import EVENTS, Listener, Recorder, RecorderServer, RemoteRecorder, Sink
from seatrial.record._redaction import Secrets

__all__ = [
    "EVENTS",
    "OWNED",
    "AnyEvent",
    "CheckFinished",
    "CheckPlanned",
    "CheckStarted",
    "ExchangeRecorded",
    "GateJudged",
    "LimitProved",
    "LimitationNoted",
    "Listener",
    "MeasurementTaken",
    "ProgressMade",
    "Record",
    "Recorder",
    "RecorderServer",
    "RemoteRecorder",
    "RunFailed",
    "RunFinished",
    "RunStarted",
    "Secrets",
    "Sink",
    "StackReady",
    "StackStopped",
    "StageFinished",
    "StageStarted",
    "clear_run",
    "read_events",
    "read_record",
]
