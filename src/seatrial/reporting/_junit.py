"""junit.xml: one case for each check, one suite for each suite."""

from __future__ import annotations

import re
from typing import Any, TextIO

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from seatrial.core import CheckResult, Outcome
from seatrial.record import CheckPlanned, Record

LOST = "the check never ended"
FORBIDDEN = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML document may hold, not even escaped: one such character of a service, and no CI reads the file."""


def write_junit(record: Record, stream: TextIO) -> None:
    """Write the outcomes in the JUnit format: failed is a failure, inconclusive an error, the rest skipped."""
    document: Any = JUnitXml("seatrial")  # half of the library has no types
    for name in dict.fromkeys(check.suite for check in record.planned.values()):
        suite = TestSuite(name)
        for check in record.planned.values():
            if check.suite == name:
                suite.add_testcase(_case(check, record.results.get(check.check)))
        document.add_testsuite(suite)
    _count(document)
    stream.write(document.tostring().decode())


def _count(document: Any) -> None:
    """Add up the suites: milliseconds and no exponents, and no count of what was skipped but a suite's own.

    The schema that Jenkins holds files against knows neither.
    """
    document.update_statistics()
    for counted in (document, *document):
        counted.time = round(counted.time, 3)
    del document._elem.attrib["skipped"]  # noqa: SLF001 - the library has no other way to it


def _case(check: CheckPlanned, result: CheckResult | None) -> Any:
    took_s = round(result.duration_s, 3) if result else 0.0
    case: Any = TestCase(check.check, classname=f"seatrial.{check.suite}", time=took_s)
    case.result = _verdict(result)
    return case


def _verdict(result: CheckResult | None) -> list[Any]:
    if result is None:
        return [Error(LOST)]
    if result.outcome is Outcome.PASSED:
        return []
    kind = {Outcome.FAILED: Failure, Outcome.INCONCLUSIVE: Error}.get(result.outcome, Skipped)
    verdict: Any = kind(_text(f"{result.outcome}: {result.reason}"))
    verdict.text = _text("\n".join(f"{finding.title}\n{finding.replay}".strip() for finding in result.findings))
    return [verdict]


def _text(foreign: str) -> str:
    """Return a text with what XML forbids written as Python would."""
    return FORBIDDEN.sub(lambda found: ascii(found[0])[1:-1], foreign)
