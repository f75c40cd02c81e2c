"""The rate-limit prover: what a declared policy promises, proved or refuted from outside."""

from seatrial.throttle._outcomes import CLAIMS
from seatrial.throttle._policy import Plan, Policy, plan_proof
from seatrial.throttle._prove import merge, prove
from seatrial.throttle._wire import Answer, Instant, Wire, WireError

__all__ = ["CLAIMS", "Answer", "Instant", "Plan", "Policy", "Wire", "WireError", "merge", "plan_proof", "prove"]
