"""findings.sarif: every finding in SARIF 2.1.0, for code scanning; what was not verified stands beside them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, TextIO
from urllib.parse import quote

from seatrial.core import Exchange, Finding, FindingStatus, Severity
from seatrial.record import CheckPlanned, Record
from seatrial.reporting._places import file_and_line
from seatrial.reporting._verdict import findings_of, not_verified, verdict_of

PUBLISHED = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS: Mapping[Severity, str] = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
SCORES: Mapping[Severity, str] = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "3.0",
    Severity.INFO: "0.0",
}
"""What code scanning sorts security findings by."""

SAME = "primaryLocationLineHash"
"""The one fingerprint by which code scanning knows a finding again; without it, it hashes the line of the source."""

MOST = 25_000
"""GitHub refuses a file whose run has more results."""


def write_sarif(record: Record, stream: TextIO) -> None:
    """Write the findings; a rule is a check of the run, whether it found something or not."""
    document = {"$schema": PUBLISHED, "version": "2.1.0", "runs": [_run(record)]}
    json.dump(document, stream, indent=1, ensure_ascii=False)
    stream.write("\n")


def _run(record: Record) -> dict[str, Any]:
    facts, found = verdict_of(record), findings_of(record)
    unplanned = [CheckPlanned(check=f.check, title=f.check, suite="", severity=f.severity) for f in found]
    checks = {**{check.check: check for check in unplanned}, **record.planned}
    rules = {slug: number for number, slug in enumerate(checks)}
    driver = {"name": "seatrial", "rules": [_rule(check) for check in checks.values()]}
    return {
        "tool": {"driver": {**driver, **({"version": facts["version"]} if facts["version"] else {})}},
        "automationDetails": {"id": f"seatrial/{facts['run']}"},
        "invocations": [_invocation(record, facts, left=len(found[MOST:]))],
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, rules[finding.check], record.exchanges) for finding in found[:MOST]],
        "properties": {name: facts[name] for name in ("verdict", "reason", "stack", "profile", "seed", "repeat")},
    }


def _invocation(record: Record, facts: Mapping[str, Any], *, left: int) -> dict[str, Any]:
    """Return how the run went, what it did not verify, and how many findings are left out."""
    told = [*not_verified(record), *([f"{left} more findings are in verdict.json"] if left else [])]
    notes = [{"level": "note", "message": {"text": note}} for note in told]
    failure = [{"level": "error", "message": {"text": record.failure.reason}}] if record.failure else []
    return {
        "executionSuccessful": record.finished is not None and record.failure is None,
        "exitCode": facts["exit_code"],
        "toolExecutionNotifications": failure + notes,
    }


def _rule(check: CheckPlanned) -> dict[str, Any]:
    severity = Severity(check.severity)
    tags = [*(f"external/cwe/cwe-{number:03}" for number in check.cwe), *(f"OWASP-{risk}" for risk in check.owasp)]
    security = ["security"] if tags else []
    score = {"security-severity": SCORES[severity]} if tags else {}
    return {
        "id": check.check,
        "shortDescription": {"text": check.title or check.check},
        "fullDescription": {"text": check.claim or check.title or check.check},
        "defaultConfiguration": {"level": LEVELS[severity]},
        "properties": {"tags": [*security, *tags], "severity": severity.value, "suite": check.suite, **score},
    }


def _result(finding: Finding, rule: int, exchanges: Mapping[str, Exchange]) -> dict[str, Any]:
    return {
        "ruleId": finding.check,
        "ruleIndex": rule,
        "level": LEVELS[finding.severity],
        "message": {"text": "\n".join(filter(None, (finding.title, finding.detail)))},
        "locations": _locations(finding),
        "partialFingerprints": {"seatrial/v1": finding.fingerprint, SAME: finding.fingerprint},
        "suppressions": _suppressions(finding),
        "properties": {
            "cause": finding.cause,
            "status": finding.status.value,
            "replay": finding.replay,
            "evidence": list(finding.evidence),
        },
        **_last_seen(exchanges[id_] for id_ in finding.evidence if id_ in exchanges),
    }


def _locations(finding: Finding) -> list[dict[str, Any]]:
    """Return the file that is to be mended, and the operation that showed it where it is known."""
    logical = {"logicalLocations": [{"fullyQualifiedName": finding.operation, "kind": "resource"}]}
    return [{"physicalLocation": _place(finding.location), **(logical if finding.operation else {})}]


def _place(location: str) -> dict[str, Any]:
    """Return file and line as SARIF has them, relative to the root of the sources."""
    path, line = file_and_line(location)
    base = {} if path.startswith("/") else {"uriBaseId": "%SRCROOT%"}
    where = {"uri": ("file://" if not base else "") + quote(path), **base}
    return {"artifactLocation": where, "region": {"startLine": line}}


def _suppressions(finding: Finding) -> list[dict[str, str]]:
    if finding.status is not FindingStatus.WAIVED:
        return []
    reason = {"justification": finding.waiver} if finding.waiver else {}
    return [{"kind": "external", "status": "accepted", **reason}]


def _last_seen(evidence: Iterable[Exchange]) -> dict[str, Any]:
    """Return the last exchange that shows a finding."""
    seen = list(evidence)[-1:]
    return {key: value for exchange in seen for key, value in _messages(exchange).items()}


def _messages(exchange: Exchange) -> dict[str, Any]:
    request, response = exchange.request, exchange.response
    asked = {"method": request.method, "target": request.url, "headers": _joined(request.headers)}
    answer = {"statusCode": response.status, "headers": _joined(response.headers)} if response else {}
    none = {"noResponseReceived": True}
    return {
        "webRequest": {**asked, **({"body": {"text": request.body}} if request.body else {})},
        "webResponse": {
            **(answer or none),
            **({"body": {"text": response.body}} if response and response.body else {}),
        },
    }


def _joined(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return headers by name; one that came more than once with all of its values (RFC 9110, 5.3)."""
    joined: dict[str, str] = {}
    for name, value in headers:
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined
