"""gl-code-quality-report.json: findings for GitLab's code quality report, which shows what a merge request adds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TextIO

from seatrial.core import Finding, FindingStatus, Severity
from seatrial.record import Record
from seatrial.reporting._places import file_and_line
from seatrial.reporting._verdict import findings_of

SEVERITIES: Mapping[Severity, str] = {
    Severity.CRITICAL: "blocker",
    Severity.HIGH: "critical",
    Severity.MEDIUM: "major",
    Severity.LOW: "minor",
    Severity.INFO: "info",
}


def write_codequality(record: Record, stream: TextIO) -> None:
    """Write every finding that counts, each fingerprint once, as GitLab wants them."""
    counted: dict[str, Finding] = {}
    for finding in findings_of(record):  # the worst first
        if finding.status is FindingStatus.CONFIRMED:
            counted.setdefault(finding.fingerprint, finding)
    json.dump([_issue(finding) for finding in counted.values()], stream, indent=1, ensure_ascii=False)
    stream.write("\n")


def _issue(finding: Finding) -> dict[str, Any]:
    path, line = file_and_line(finding.location)
    where = f" ({finding.operation})" if finding.operation else ""
    return {
        "description": finding.title + where,
        "check_name": finding.check,
        "fingerprint": finding.fingerprint,
        "severity": SEVERITIES[finding.severity],
        "location": {"path": path, "lines": {"begin": line}},
    }
