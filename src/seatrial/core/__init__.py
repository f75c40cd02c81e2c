"""The words of seatrial: no third-party import, no import of anything above."""

from seatrial.core.callers import BROKEN, NOBODY, USERS, caller_of, user_named
from seatrial.core.checks import Check, find_blocker, in_order
from seatrial.core.content import FOLDERS, content
from seatrial.core.curl import curl_for
from seatrial.core.errors import EnvironmentFailure, RunInterrupted, SeatrialError, UsageError, as_ours
from seatrial.core.evidence import Evidence, Progress, Target
from seatrial.core.exchanges import BODY_SHOWN, Exchange, Request, Response
from seatrial.core.findings import Finding, FindingStatus, Severity
from seatrial.core.identities import ADDRESS_HEADERS, ALIKE, Identities, Identity
from seatrial.core.matrix import Documented, Tally, media_type
from seatrial.core.measurements import UNITS, Measurement
from seatrial.core.nearest import name_nearest
from seatrial.core.outcomes import CheckResult, Outcome
from seatrial.core.proofs import Bypass, Lane, LimitProof, Sent, Told, Tried
from seatrial.core.verdicts import GateResult, Verdict, combine

__all__ = [
    "ADDRESS_HEADERS",
    "ALIKE",
    "BODY_SHOWN",
    "BROKEN",
    "FOLDERS",
    "NOBODY",
    "UNITS",
    "USERS",
    "Bypass",
    "Check",
    "CheckResult",
    "Documented",
    "EnvironmentFailure",
    "Evidence",
    "Exchange",
    "Finding",
    "FindingStatus",
    "GateResult",
    "Identities",
    "Identity",
    "Lane",
    "LimitProof",
    "Measurement",
    "Outcome",
    "Progress",
    "Request",
    "Response",
    "RunInterrupted",
    "SeatrialError",
    "Sent",
    "Severity",
    "Tally",
    "Target",
    "Told",
    "Tried",
    "UsageError",
    "Verdict",
    "as_ours",
    "caller_of",
    "combine",
    "content",
    "curl_for",
    "find_blocker",
    "in_order",
    "media_type",
    "name_nearest",
    "user_named",
]
