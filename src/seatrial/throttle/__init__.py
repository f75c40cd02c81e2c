"""The rate-limit prover: what a declared policy promises, proved or refuted from outside."""

from seatrial.throttle._beside import BATCHES, LOOKS, POLLS, STORE, batches, outages, refusals
from seatrial.throttle._deep import DEEP, deep_schedule, plan_deep
from seatrial.throttle._exceed import exceed
from seatrial.throttle._means import Load, Means
from seatrial.throttle._outcomes import CLAIMS
from seatrial.throttle._plan import NO_USERS, plan_proof
from seatrial.throttle._policy import Beside, Plan, Policy
from seatrial.throttle._pressure import IN_FLIGHT, LOAD_PER_S, LOAD_S
from seatrial.throttle._prove import leave_deep, merge, prove, worse
from seatrial.throttle._schedule import schedule
from seatrial.throttle._step import Schedule
from seatrial.throttle._timetable import as_json, lines
from seatrial.throttle._wire import Answer, Instant, Wire, WireError

__all__ = [
    "BATCHES",
    "CLAIMS",
    "DEEP",
    "IN_FLIGHT",
    "LOAD_PER_S",
    "LOAD_S",
    "LOOKS",
    "NO_USERS",
    "POLLS",
    "STORE",
    "Answer",
    "Beside",
    "Instant",
    "Load",
    "Means",
    "Plan",
    "Policy",
    "Schedule",
    "Wire",
    "WireError",
    "as_json",
    "batches",
    "deep_schedule",
    "exceed",
    "leave_deep",
    "lines",
    "merge",
    "outages",
    "plan_deep",
    "plan_proof",
    "prove",
    "refusals",
    "schedule",
    "worse",
]
