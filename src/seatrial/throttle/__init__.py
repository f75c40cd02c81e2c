"""The rate-limit prover: what a declared policy promises, proved or refuted from outside."""

from seatrial.throttle._policy import Plan, Policy, plan_proof
from seatrial.throttle._prove import CLAIMS, merge, prove
from seatrial.throttle._wire import Answer, Wire, WireError

__all__ = ["CLAIMS", "Answer", "Plan", "Policy", "Wire", "WireError", "merge", "plan_proof", "prove"]
