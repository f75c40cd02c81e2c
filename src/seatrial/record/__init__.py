"""The run directory: an append-only stream of typed events from which every report is rebuilt."""

from seatrial.record._chosen import Chosen, Room, choose_exchanges, whole_body
from seatrial.record._directory import OWNED, clear_run
from seatrial.record._events import (
    AnyEvent,
    CheckFinished,
    CheckPlanned,
    CheckStarted,
    ContractRead,
    ExchangeRecorded,
    ExchangesCounted,
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
from seatrial.record._record import Answer, Record, read_events, read_record
from seatrial.record._recorder import EVENTS, Listener, Recorder, RecorderServer, RemoteRecorder, Sink
from seatrial.record._redaction import TOKEN, Secrets
from seatrial.record._scan import Leak, find_leaks
from seatrial.record._told import answer_of, read_told

__all__ = [
    "EVENTS",
    "OWNED",
    "TOKEN",
    "Answer",
    "AnyEvent",
    "CheckFinished",
    "CheckPlanned",
    "CheckStarted",
    "Chosen",
    "ContractRead",
    "ExchangeRecorded",
    "ExchangesCounted",
    "GateJudged",
    "Leak",
    "LimitProved",
    "LimitationNoted",
    "Listener",
    "MeasurementTaken",
    "ProgressMade",
    "Record",
    "Recorder",
    "RecorderServer",
    "RemoteRecorder",
    "Room",
    "RunFailed",
    "RunFinished",
    "RunStarted",
    "Secrets",
    "Sink",
    "StackReady",
    "StackStopped",
    "StageFinished",
    "StageStarted",
    "answer_of",
    "choose_exchanges",
    "clear_run",
    "find_leaks",
    "read_events",
    "read_record",
    "read_told",
    "whole_body",
]
