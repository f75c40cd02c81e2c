"""The Stack protocol and its drivers: compose (Testcontainers), local (processes), remote (a URL)."""

from seatrial.stack._base import Ability, Completed, ServiceAddition, ServiceState, Stack, StackPlan, Variant, Verb
from seatrial.stack._folders import cache_root, work_folder
from seatrial.stack._inside.reaper import Sweep
from seatrial.stack._sweep import leftovers, run_labels, run_marks, sweep
from seatrial.stack._watchdog import Watchdog

__all__ = [
    "Ability",
    "Completed",
    "ServiceAddition",
    "ServiceState",
    "Stack",
    "StackPlan",
    "Sweep",
    "Variant",
    "Verb",
    "Watchdog",
    "cache_root",
    "leftovers",
    "run_labels",
    "run_marks",
    "sweep",
    "work_folder",
]
