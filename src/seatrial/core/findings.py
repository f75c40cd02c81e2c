"""What a failed check found."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a defect is, worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"


class FindingStatus(StrEnum):
    """What is known about a finding after it was looked at again.

    A flaky one did not come again when its requests were sent once more; where nobody could look, it is unconfirmed.
    """

    CONFIRMED = "confirmed"
    FLAKY = "flaky"
    UNCONFIRMED = "unconfirmed"
    WAIVED = "waived"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One defect: where it is, what shows it and how to see it again.

    `cause` is a stable word for the defect (never a value that changes between runs), parts of it after slashes:
    together with check and operation it makes the fingerprint. `evidence` holds exchange ids, `steps` those of
    the requests that show it when they are sent again in this order; `location` is `file` or `file:line`; `waiver` says
    who waived it, why and until when.
    """

    check: str
    severity: Severity
    title: str
    cause: str
    operation: str = ""
    location: str = ""
    evidence: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    detail: str = ""
    replay: str = ""
    status: FindingStatus = FindingStatus.CONFIRMED
    waiver: str = ""

    @property
    def fingerprint(self) -> str:
        """Name this defect the same in every run."""
        text = f"{self.check}\0{self.operation}\0{self.cause}"
        # Half a character of a service counts as the record spells it.
        return hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()[:16]
