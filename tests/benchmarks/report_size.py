"""What `seatrial report` takes of a run with many exchanges: seconds, and the most memory (of a process of its own).

    .venv/bin/python tests/benchmarks/report_size.py [EXCHANGES]

The promise is 1,000,000 exchanges in under 20 s and 500 MB.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from seatrial.core import CheckResult, Documented, Exchange, Finding, Outcome, Request, Response, Severity, Verdict
from seatrial.record import (
    AnyEvent,
    CheckFinished,
    CheckPlanned,
    ContractRead,
    ExchangeRecorded,
    RunFinished,
    RunStarted,
)

HEADERS = (("content-type", "application/json"), ("x-trace-id", "0af7651916cd43dd8448eb211c80319c"), ("vary", "Origin"))
MEASURED = """
import resource, sys, time
from pathlib import Path
from seatrial.reporting import write_reports
began = time.perf_counter()
record = write_reports(Path(sys.argv[1]))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f"{time.perf_counter() - began:.1f} s, {peak:.0f} MB, {len(record.exchanges)} exchanges shown")
"""


def exchange(number: int) -> ExchangeRecorded:
    """Return one of many requests, with a body of a usual size."""
    request = Request(method="GET", url=f"http://127.0.0.1:8000/items/{number}", headers=HEADERS)
    response = Response(status=200 if number % 9 else 404, headers=HEADERS, body='{"name": "sea trials"}' * 20)
    return ExchangeRecorded(
        exchange=Exchange(
            id=f"health-1-{number}", operation="GET /items/{id}", identity=f"user-{number % 40}", request=request,
            response=response, sent_s=number / 1000, received_s=number / 1000 + 0.01,
        )
    )  # fmt: skip


def events() -> tuple[list[AnyEvent], list[AnyEvent]]:
    """Return what stands before the exchanges and after them."""
    evidence = tuple(f"health-1-{number}" for number in range(5))
    finding = Finding(check="a.bad", severity=Severity.HIGH, title="t", cause="c", evidence=evidence)
    failed = CheckResult(check="a.bad", outcome=Outcome.FAILED, reason="r", findings=(finding,))
    started = RunStarted(run="r", version="1", started="now", stack="local", why_stack="w", profile="quick", seed=7)
    documented = Documented(
        operation="GET /items/{id}", answers=(("200", "application/json"), ("404", "application/json"))
    )
    planned = CheckPlanned(check="a.bad", title="t", suite="a", severity="high")
    ended = RunFinished(verdict=Verdict.FAIL, reason="r", duration_s=1.0)
    return [started, planned, ContractRead(operations=(documented,))], [CheckFinished(result=failed), ended]


def main() -> None:
    """Write the events, then the reports in a process of its own."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    encode, (before, after) = msgspec.json.Encoder().encode, events()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "events.ndjson")
        with file.open("wb") as stream:
            stream.writelines(encode(event) + b"\n" for event in before)
            stream.writelines(encode(exchange(number)) + b"\n" for number in range(count))
            stream.writelines(encode(event) + b"\n" for event in after)
        print(f"{count:,} exchanges, {file.stat().st_size / 1e6:.0f} MB of events")
        subprocess.run([sys.executable, "-c", MEASURED, folder], check=True)


if __name__ == "__main__":
    main()
