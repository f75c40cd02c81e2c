"""What changed between two OpenAPI documents, and what that does to those who keep to the old one."""

from seatrial.openapi.diff._documents import diff
from seatrial.openapi.diff._drift import (
    ACCEPT,
    baseline_document,
    baseline_path,
    check_drift,
    describe_waivers,
    today,
)
from seatrial.openapi.diff._judged import Judged, check_kinds, counting, judge_changes, summary
from seatrial.openapi.diff._law import KINDS, Change, Effect, Level, Side
from seatrial.openapi.diff._promises import still_promised

__all__ = [
    "ACCEPT",
    "KINDS",
    "Change",
    "Effect",
    "Judged",
    "Level",
    "Side",
    "baseline_document",
    "baseline_path",
    "check_drift",
    "check_kinds",
    "counting",
    "describe_waivers",
    "diff",
    "judge_changes",
    "still_promised",
    "summary",
    "today",
]
