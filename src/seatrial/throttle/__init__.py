"""The rate-limit prover: what a declared policy promises, proved or refuted from outside."""

from seatrial.throttle._outcomes import CLAIMS
from seatrial.throttle._plan import plan_proof
from seatrial.throttle._policy import Plan, Policy
from seatrial.throttle._prove import merge, prove
from seatrial.throttle._schedule import schedule
from seatrial.throttle._step import Schedule
from seatrial.throttle._wire import Answer, Instant, Wire, WireError

__all__ = [
    "CLAIMS",
    "Answer",
    "Instant",
    "Plan",
    "Policy",
    "Schedule",
    "Wire",
    "WireError",
    "merge",
    "plan_proof",
    "prove",
    "schedule",
]
