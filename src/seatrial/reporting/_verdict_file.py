"""verdict.json: the run for machines, as reports/schema/verdict-1.schema.json says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, TextIO

from seatrial.record import Record
from seatrial.reporting._trace_lines import lines_around, lines_by_trace
from seatrial.reporting._verdict import findings_of, verdict_of

MOST_LINES = 500
"""So many lines of logs stand in it, those of the worst findings: a run may have thousands of findings."""


def write_verdict(record: Record, stream: TextIO) -> None:
    """Write the verdict, each finding with what services logged around it."""
    facts = verdict_of(record)
    found = zip(facts["findings"], _logged(record), strict=True)
    findings = [{**finding, "log_lines": lines} for finding, lines in found]
    json.dump({**facts, "findings": findings}, stream, indent=2, ensure_ascii=False)
    stream.write("\n")


def _logged(record: Record) -> Iterator[list[dict[str, Any]]]:
    """Yield the lines of each finding, worst first, as many as there is room for in all."""
    by_trace, room = lines_by_trace(record), MOST_LINES
    for finding in findings_of(record):
        evidence = [record.exchanges[id_] for id_ in finding.evidence if id_ in record.exchanges]
        lines = lines_around(evidence, by_trace)[:room]
        room -= len(lines)
        yield [asdict(line) for line in lines]
