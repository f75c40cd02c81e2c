"""Lines of services' logs around a failure: those with the trace id of a request that shows it, and no others."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from seatrial.core import CheckResult, Exchange, Finding, Outcome, Request, Response, Severity, content
from seatrial.record import AnyEvent, CheckFinished, ExchangeRecorded, Recorder, RunStarted, read_told
from seatrial.reporting import write_reports
from seatrial.reporting._trace_lines import MOST_LINES, Logged, lines_by_trace, trace_ids

SCHEMA = jsonschema.Draft202012Validator(
    json.loads((content("reports") / "schema" / "verdict-1.schema.json").read_text(encoding="utf-8"))
)
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"


def exchange(
    sent: tuple[tuple[str, str], ...] = (), told: tuple[tuple[str, str], ...] = (("X-Trace-Id", TRACE),)
) -> Exchange:
    """Return a request that failed, with these headers."""
    request = Request(method="GET", url="http://h/a", headers=sent)
    answer = Response(status=500, headers=told)
    return Exchange(id="x-1", operation="GET /a", identity="", request=request, response=answer, sent_s=0, received_s=1)


@pytest.mark.parametrize(
    ("sent", "told", "ids"),
    [
        ((), (("X-Trace-Id", TRACE),), [TRACE]),
        ((("traceparent", PARENT),), (), [TRACE]),
        ((("X-Request-ID", "request-0001"),), (("x-correlation-id", TRACE),), [TRACE, "request-0001"]),
        ((("X-Request-ID", TRACE),), (("X-Trace-Id", TRACE),), [TRACE]),
        ((), (("X-Trace-Id", "short"), ("X-Request-Id", "<script> of words"), ("Date", "12345678")), []),
    ],
)
def test_ids_are_those_of_tracing(
    sent: tuple[tuple[str, str], ...], told: tuple[tuple[str, str], ...], ids: list[str]
) -> None:
    """By the usual names, the service's before the caller's; what is no id, or too short to be told apart, is none."""
    assert trace_ids(exchange(sent, told)) == ids


def lay(folder: Path, logs: dict[str, str], *, findings: int = 1) -> None:
    """Write a run in which one request failed, in ways of which a half is worse, and what services logged."""
    severities = [Severity.LOW, Severity.HIGH] * findings
    found = tuple(
        Finding(check="a.b", severity=severity, title="t", cause=f"c{number}", evidence=("x-1",))
        for number, severity in enumerate(severities[:findings])
    )
    result = CheckResult(check="a.b", outcome=Outcome.FAILED, reason="r", findings=found)
    events: tuple[AnyEvent, ...] = (
        RunStarted(run="r", version="1", started="now", stack="local", why_stack="w", profile="quick", seed=7),
        ExchangeRecorded(exchange=exchange()),
        CheckFinished(result=result),
    )
    with Recorder(folder) as recorder:
        for event in events:
            recorder.emit(event)
    for name, text in logs.items():
        file = folder / "logs" / f"{name}.log"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode("utf-8", "surrogateescape"))


def test_lines_of_all_services_with_the_id(tmp_path: Path) -> None:
    """Those of both variants, in the order of each log; another id, also one that begins alike, is another request."""
    lay(
        tmp_path,
        {
            "api": f'{{"trace_id": "{TRACE}", "n": 1}}\nother\n{{"trace_id": "{TRACE}0"}}\n[request:{TRACE}] n 2',
            "instrumented/api": f"traceparent={PARENT} n 3\n",
            "worker": f"job of {TRACE}\udcff n 4\n",
        },
    )
    found = lines_by_trace(read_told(tmp_path))[TRACE]
    assert [line.service for line in found] == ["api", "api", "instrumented/api", "worker"]
    assert [line.text[-1] for line in found] == ["}", "2", "3", "4"]


def test_the_page_shows_them_as_text(tmp_path: Path) -> None:
    """Beside the evidence, escaped, without what a reader does not see, and bounded."""
    long = "".join(f"{TRACE} {number} {'x' * 10_000}\n" for number in range(100))
    lay(tmp_path, {"api": f"<script>alert(1)</script>\x1b[31m {TRACE}\n{long}"})
    write_reports(tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert f"{MOST_LINES} lines of the services' logs with the trace id" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\\x1b[31m" in page
    assert page.count("x" * 900) < MOST_LINES
    assert "more lines: see <code>logs/</code>" in page


def test_machines_are_told_them_too(tmp_path: Path) -> None:
    """With the finding, as they were logged; what stands in the logs has no secrets any more."""
    lay(tmp_path, {"api": f"{TRACE} \x1b[31m {'x' * 2_000}\n", "worker": f"{TRACE}\n" * (MOST_LINES + 1)})
    write_reports(tmp_path)
    verdict = json.loads((tmp_path / "verdict.json").read_text(encoding="utf-8"))
    SCHEMA.validate(verdict)
    (finding,) = verdict["findings"]
    assert [line["service"] for line in finding["log_lines"]] == ["api", "worker"]  # equal ones are one
    assert finding["log_lines"][0]["text"].startswith(f"{TRACE} \x1b[31m xxx")


def test_they_fill_no_verdict(tmp_path: Path) -> None:
    """Of thousands of findings the worst have theirs, and the others none: the file stays one that is read at once."""
    lay(tmp_path, {"api": "".join(f"{TRACE} {number}\n" for number in range(MOST_LINES))}, findings=100)
    write_reports(tmp_path)
    findings = json.loads((tmp_path / "verdict.json").read_text(encoding="utf-8"))["findings"]
    assert [len(finding["log_lines"]) for finding in findings] == [20] * 25 + [0] * 75
    assert {finding["severity"] for finding in findings[:25]} == {"high"}


def test_no_log_is_no_line(tmp_path: Path) -> None:
    """A URL has none; neither has a run whose services logged nothing of the request."""
    lay(tmp_path, {})
    assert lines_by_trace(read_told(tmp_path)) == {}
    lay(tmp_path, {"api": "nothing of it\n"})
    assert lines_by_trace(read_told(tmp_path)) == {}
    write_reports(tmp_path)
    assert "logs with the trace id" not in (tmp_path / "report.html").read_text()


def test_a_line_is_what_it_says() -> None:
    """Equal lines of two services are two."""
    assert Logged("api", "x") != Logged("worker", "x")
