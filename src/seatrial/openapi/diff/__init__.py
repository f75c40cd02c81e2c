"""What changed between two OpenAPI documents, and what that does to those who keep to the old one."""

from seatrial.openapi.diff._documents import diff
from seatrial.openapi.diff._judged import Judged, check_kinds, counting, judge_changes, summary
from seatrial.openapi.diff._law import KINDS, Change, Effect, Level, Side

__all__ = [
    "KINDS",
    "Change",
    "Effect",
    "Judged",
    "Level",
    "Side",
    "check_kinds",
    "counting",
    "diff",
    "judge_changes",
    "summary",
]
