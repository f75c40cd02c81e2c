"""Who writes which file: a reporter is a function from the record to an open stream.

events.ndjson --read_told--> Record --reporter--> verdict.json, report.html, junit.xml, summary.md, findings.sarif,
                                                    annotations.txt, gl-code-quality-report.json, exchanges.har,
                                                    badge.svg, comment.md,
                                                    and of rate limits ratelimit.json, ratelimit/<policy>.html,
                                                    of a contract matrix.json
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TextIO

from seatrial.core import EnvironmentFailure
from seatrial.core.whole import whole
from seatrial.record import Record, read_told
from seatrial.reporting._annotations import write_annotations
from seatrial.reporting._badge import write_badge
from seatrial.reporting._codequality import write_codequality
from seatrial.reporting._comment import write_comment
from seatrial.reporting._har import write_har
from seatrial.reporting._html import write_html
from seatrial.reporting._junit import write_junit
from seatrial.reporting._matrix import write_matrix
from seatrial.reporting._page import write_page
from seatrial.reporting._policies import SUITE, is_selected, policies_of
from seatrial.reporting._ratelimit import limits_of, write_ratelimit
from seatrial.reporting._sarif import write_sarif
from seatrial.reporting._summary import write_summary
from seatrial.reporting._verdict import write_verdict

Reporter = Callable[[Record, TextIO], None]

REPORTERS: Mapping[str, Reporter] = {
    "verdict.json": write_verdict,
    "report.html": write_html,
    "junit.xml": write_junit,
    "summary.md": write_summary,
    "findings.sarif": write_sarif,
    "annotations.txt": write_annotations,
    "gl-code-quality-report.json": write_codequality,
    "exchanges.har": write_har,
    "badge.svg": write_badge,
    "comment.md": write_comment,
}


def reporters_of(record: Record) -> dict[str, Reporter]:
    """Return what is written of a run, by file: of rate limits if these were to be proved, of a contract once read."""
    written = {**REPORTERS, **({"matrix.json": write_matrix} if record.documented else {})}
    if not is_selected(record):
        return written
    limits = limits_of(record)
    pages = {f"{SUITE}/{name}.html": partial(write_page, policy=name, limits=limits) for name in policies_of(record)}
    made = {"report.html": partial(write_html, limits=limits), f"{SUITE}.json": partial(write_ratelimit, limits=limits)}
    return {**written, **made, **pages}


def write_reports(directory: Path, *, against: Path | None = None) -> Record:
    """Rebuild every report of a run from its events; raises EnvironmentFailure when one cannot be written.

    `against` is an earlier run, to which `comment.md` compares this one.
    """
    record = read_told(directory)
    reporters = reporters_of(record)
    if against is not None:
        reporters["comment.md"] = partial(write_comment, base=read_told(against))
    for name, reporter in reporters.items():
        _write(directory / name, reporter, record)
    return record


def _write(path: Path, reporter: Reporter, record: Record) -> None:
    """Write a file whole or not at all: half a verdict must not look like one."""
    try:
        path.parent.mkdir(exist_ok=True)
        with whole(path) as stream:
            reporter(record, stream)
    except OSError as error:
        raise EnvironmentFailure(
            f"cannot write {path.name}: {error.strerror}",
            slug="report-unwritable",
            where=str(path),
            remedy="free disk space, then: seatrial report",
        ) from error
