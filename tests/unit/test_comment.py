"""comment.md: one that is found again, tells what changed, and calls nobody; badge.svg: read without seeing it."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from seatrial.core import CheckResult, Finding, FindingStatus, GateResult, Measurement, Outcome, Severity, Verdict
from seatrial.record import Record, RunFinished, RunStarted
from seatrial.reporting import REPORTERS
from seatrial.reporting._badge import COLOURS, NAME_COLOUR
from seatrial.reporting._comment import MARKER, write_comment

FINDING = Finding(check="a.b", severity=Severity.HIGH, title="broken", cause="c", operation="GET /a")
GATE = GateResult(
    id="checks.failed == 0", metric="checks.failed", operator="==", threshold=0, value=1, unit="count",
    status=Verdict.FAIL, reason="checks.failed is 1",
)  # fmt: skip
SVG = "{http://www.w3.org/2000/svg}"


def record_of(*findings: Finding, outcome: Outcome = Outcome.FAILED, gate: GateResult = GATE) -> Record:
    """Return a record of one check with these findings and one gate, whose status is the verdict."""
    started = RunStarted(run="r-1", version="1", started="then", stack="local", why_stack="", profile="quick", seed=1)
    finished = RunFinished(verdict=gate.status, reason=gate.reason, duration_s=1.0)
    record = Record(Path(), started=started, finished=finished, gates=[gate])
    record.results["a.b"] = CheckResult(check="a.b", outcome=outcome, reason="r", findings=findings)
    return record


def comment(record: Record, base: Record | None = None) -> str:
    """Return the comment of a run."""
    stream = io.StringIO()
    write_comment(record, stream, base=base)
    return stream.getvalue()


def listed(text: str) -> dict[str, list[str]]:
    """Return the titles of the findings under each heading."""
    parts = re.split(r"^### (.+): (\d+)$", text.partition("### Checks that")[0], flags=re.MULTILINE)[1:]
    found = {name: re.findall(r"`a\.b` (\w+)", body) for name, body in zip(parts[::3], parts[2::3], strict=True)}
    assert [len(titles) for titles in found.values()] == [int(number) for number in parts[1::3]]
    return found


def test_a_comment_alone_tells_verdict_gates_and_findings() -> None:
    """Its first line is the marker; nothing is said of a base that there is not, nor of what does not count."""
    waived = replace(FINDING, cause="d", title="waived", status=FindingStatus.WAIVED)
    text = comment(record_of(FINDING, waived))
    assert text.startswith(f"{MARKER}\n## seatrial: fail\n")
    assert "| `checks.failed == 0` | fail | checks.failed is 1 |\n" in text
    assert listed(text) == {"Findings": ["broken"]}
    assert "before" not in text


def test_what_changed_is_told() -> None:
    """New, fixed and old findings by fingerprint, and what each gate said before."""
    other, third = replace(FINDING, cause="d", title="gone"), replace(FINDING, cause="e", title="new")
    holds = replace(GATE, status=Verdict.PASS, reason="checks.failed is 0")
    text = comment(
        record_of(FINDING, third), record_of(replace(FINDING, title="told", location="x"), other, gate=holds)
    )
    assert "## seatrial: fail (before: pass)" in text
    assert "against run r-1 of then." in text
    assert "| fail | checks.failed is 1 | pass: checks.failed is 0 |\n" in text
    assert listed(text) == {"New findings": ["new"], "Fixed": ["gone"], "Still there": ["broken"]}


@pytest.mark.parametrize("outcome", [Outcome.INCONCLUSIVE, Outcome.NOT_TESTED, Outcome.BLOCKED])
def test_nothing_is_fixed_that_was_not_looked_at(outcome: Outcome) -> None:
    """What a check found before and did not decide this time is neither there nor gone."""
    assert listed(comment(record_of(outcome=outcome), record_of(FINDING))) == {"Not looked at again": ["broken"]}


def test_a_finding_that_does_not_count_any_more_is_not_fixed() -> None:
    """One that did not come again when it was looked at twice, or is waived now, is there."""
    flaky, waived = (replace(FINDING, status=status) for status in (FindingStatus.FLAKY, FindingStatus.WAIVED))
    assert listed(comment(record_of(flaky), record_of(FINDING))) == {"Flaky now": ["broken"]}
    assert listed(comment(record_of(waived), record_of(FINDING))) == {"Waived now": ["broken"]}
    assert listed(comment(record_of(waived), record_of(waived))) == {}


def test_checks_that_ended_otherwise_are_told() -> None:
    """What passed before, and was not decided this time, changed too."""
    text = comment(record_of(outcome=Outcome.INCONCLUSIVE), record_of(outcome=Outcome.PASSED))
    assert text.endswith("### Checks that changed: 1\n\n- a.b: passed before, inconclusive now\n")


def test_a_gate_without_a_past_says_so() -> None:
    """A rule that is new has no figure of before."""
    text = comment(record_of(), record_of(gate=replace(GATE, id="checks.passed >= 1")))
    assert "| `checks.failed == 0` | fail | checks.failed is 1 | no such gate |" in text


def test_a_comment_is_never_too_long() -> None:
    """GitHub takes 65,536 characters: with more of everything, the verdict and the gates are still whole."""
    many = tuple(replace(FINDING, cause=str(n), title="€" * 3_000) for n in range(200))
    text = comment(record_of(*many), record_of(*(replace(each, cause=f"{each.cause}!") for each in many)))
    assert 50_000 < len(text.encode()) < 65_536
    assert "| `checks.failed == 0` |" in text
    assert "### New findings: 200" in text


def test_nobody_is_called_by_what_a_service_says() -> None:
    """Mentions, markup, images and markers of a service are text."""
    text = comment(
        record_of(replace(FINDING, title=f"@everyone #12 gh-3 <img src=x> ![a](b) {MARKER}", operation="GET /@me|"))
    )
    assert not re.search(r"@\w|#\d|gh-\d", text)
    assert text.count(MARKER) == 1
    assert "<img" not in text
    assert "![" not in text
    assert "\\|" in text


@pytest.mark.parametrize("verdict", [Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE])
def test_a_badge_says_its_words(verdict: Verdict) -> None:
    """It is an image with a name of its own, loads nothing, and has coverage where that was measured."""
    record = record_of(gate=replace(GATE, status=verdict))
    record.measurements["coverage.total"] = Measurement(
        name="coverage.total", value=87.4, unit="percent", definition="d"
    )
    stream = io.StringIO()
    REPORTERS["badge.svg"](record, stream)
    badge = etree.fromstring(stream.getvalue().encode())
    label = f"seatrial: {verdict}, coverage 87 %"
    assert (badge.tag, badge.get("role"), badge.get("aria-label")) == (f"{SVG}svg", "img", label)
    assert badge.findtext(f"{SVG}title") == label
    assert [text.text for text in badge.iter(f"{SVG}text")] == ["seatrial", verdict, "coverage 87 %"]
    assert "href" not in stream.getvalue()
    width, parts = int(badge.get("width", "0")), [int(box.get("width", "0")) for box in badge.iter(f"{SVG}rect")]
    assert sum(parts) == width


def test_a_badge_without_coverage_has_none() -> None:
    """A run that did not end has a badge too."""
    stream = io.StringIO()
    REPORTERS["badge.svg"](Record(Path()), stream)
    assert "inconclusive" in stream.getvalue()
    assert "coverage" not in stream.getvalue()


@pytest.mark.parametrize("colour", [*COLOURS.values(), NAME_COLOUR])
def test_white_is_readable_on_every_colour(colour: str) -> None:
    """The contrast of WCAG is above 4.5, as AA asks for."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    assert 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05) > 6
