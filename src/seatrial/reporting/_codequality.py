"""gl-code-quality-report.json: findings for GitLab's code quality report, which shows what a merge request adds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, TextIO

from seatrial.core import Finding, FindingStatus, Severity
from seatrial.record import Record
from seatrial.reporting._places import file_and_line
from seatrial.reporting._verdict import findings_of, unexplained

SEVERITIES: Mapping[Severity, str] = {
    Severity.CRITICAL: "blocker",
    Severity.HIGH: "critical",
    Severity.MEDIUM: "major",
    Severity.LOW: "minor",
    Severity.INFO: "info",
}


def write_codequality(record: Record, stream: TextIO) -> None:
    """Write why the run is none, if so, and every finding that counts, each fingerprint once, as GitLab wants them."""
    counted: dict[str, Finding] = {}
    for finding in findings_of(record):  # the worst first
        if finding.status is FindingStatus.CONFIRMED:
            counted.setdefault(finding.fingerprint, finding)
    issues = [*_of_run(record), *(_issue(finding) for finding in counted.values())]
    json.dump(issues, stream, indent=1, ensure_ascii=False)
    stream.write("\n")


def _of_run(record: Record) -> Iterator[dict[str, Any]]:
    """Yield one issue for a run that broke: without it an empty report would say that nothing is wrong."""
    if reason := unexplained(record):
        yield _issue(Finding(check="run", severity=Severity.CRITICAL, title=reason, cause="broken"))


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
