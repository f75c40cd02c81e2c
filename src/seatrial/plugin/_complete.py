"""What is known about a finding only where it is written down: where to mend it, and whether it is waived."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest

from seatrial.config import Settings, WaiverSettings, find_line
from seatrial.core import CheckResult, Finding, FindingStatus
from seatrial.gate import active, covers, describe
from seatrial.plugin._checks import check_of

PROMISES = {
    "auth": "auth",
    "contract": "contract",
    "cors": "cors",
    "coverage": "coverage",
    "data": "data",
    "errors": "errors",
    "health": "health",
    "jobs": "jobs",
    "limits": "limits",
    "log_lines": "logs",
    "metrics": "metrics",
    "posture": "posture",
    "scenario": "load",
    "security": "security",
    "tokens": "tokens",
    "tracing": "tracing",
}
"""Which table of the configuration declares what a fixture hands out."""


def complete(result: CheckResult, item: pytest.Item, settings: Settings) -> CheckResult:
    """Return a result whose findings say where they are to be mended, and whether they are waived."""
    if not result.findings:
        return result
    place, today = place_of(item, settings), dt.datetime.now(dt.UTC).date()
    placed = (replace(finding, location=finding.location or place) for finding in result.findings)
    return replace(result, findings=tuple(waived(finding, settings.waivers, today=today) for finding in placed))


def waived(finding: Finding, waivers: Iterable[WaiverSettings], *, today: dt.date) -> Finding:
    """Return a finding with who waived it, why and until when; a waiver that expired is told and counts no more."""
    about = [waiver for waiver in waivers if covers(waiver, finding)]
    holding = active(about, today=today)
    told = "".join(describe((*holding, *about)[:1], today=today))
    sure = holding and finding.status is FindingStatus.CONFIRMED
    return replace(finding, status=FindingStatus.WAIVED if sure else finding.status, waiver=told)


def place_of(item: pytest.Item, settings: Settings) -> str:
    """Return the line that declares what an item verifies; without one, the compose file, else the configuration.

    These are the lowest rungs: a suite that knows the route or the service says so itself.
    """
    lines = list(_lines(item, settings))
    return (lines or [*settings.stack.compose, settings.config_file])[0]


def _lines(item: pytest.Item, settings: Settings) -> Iterator[str]:
    """Yield the lines of the tables that an item asks for, that of its own suite first."""
    asked = [PROMISES[name] for name in getattr(item, "fixturenames", ()) if name in PROMISES]
    text = (settings.root / settings.config_file).read_text(encoding="utf-8") if asked and settings.config_file else ""
    above = ["tool", "seatrial"] if settings.config_file == "pyproject.toml" else []
    for table in sorted(asked, key=lambda table: table != check_of(item).suite):
        if text:
            yield f"{settings.config_file}:{find_line(text, [*above, table])}"
