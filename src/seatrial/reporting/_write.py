"""Who writes which file: a reporter is a function from the record to an open stream.

events.ndjson --read_told--> Record --reporter--> report.html, junit.xml, summary.md, findings.sarif, annotations.txt,
                                                    gl-code-quality-report.json, exchanges.har, badge.svg, comment.md,
                                                    of rate limits ratelimit.json, ratelimit/<policy>.html,
                                                    of a contract matrix.json, and verdict.json
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TextIO

from seatrial.core import EnvironmentFailure, SeatrialError, as_ours
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
from seatrial.reporting._verdict_file import write_verdict

Reporter = Callable[[Record, TextIO], None]

VERDICT = "verdict.json"

REPORTERS: Mapping[str, Reporter] = {
    "report.html": write_html,
    "junit.xml": write_junit,
    "summary.md": write_summary,
    "findings.sarif": write_sarif,
    "annotations.txt": write_annotations,
    "gl-code-quality-report.json": write_codequality,
    "exchanges.har": write_har,
    "badge.svg": write_badge,
    "comment.md": write_comment,
    VERDICT: write_verdict,
}
"""The verdict stands last: whatever ends their writing leaves nothing that looks like a result."""


def reporters_of(record: Record) -> dict[str, Reporter]:
    """Return what is written of a run, by file: of rate limits if these were to be proved, of a contract once read."""
    written = {**REPORTERS, **({"matrix.json": write_matrix} if record.documented else {})}
    if not is_selected(record):
        return written
    limits = limits_of(record)
    pages = {f"{SUITE}/{name}.html": partial(write_page, policy=name, limits=limits) for name in policies_of(record)}
    made = {"report.html": partial(write_html, limits=limits), f"{SUITE}.json": partial(write_ratelimit, limits=limits)}
    return {**written, **made, **pages}


def report_names(directory: Path) -> list[str]:
    """Return the files that the reports of a run may be."""
    pages = [f"{SUITE}/{path.name}" for path in directory.glob(f"{SUITE}/*.html")]
    return [*REPORTERS, "matrix.json", f"{SUITE}.json", *pages]


def write_reports(directory: Path, *, against: Path | None = None, only: str = "", but: str = "") -> Record:
    """Rebuild every report of a run from its events (`only` one, or all `but` one), the verdict last.

    `against` is an earlier run, to which `comment.md` compares this one. One that cannot be written costs no other:
    EnvironmentFailure is raised in the end, and names each.
    """
    record = read_told(directory)
    reporters = reporters_of(record)
    if against is not None:
        reporters["comment.md"] = partial(write_comment, base=read_told(against))
    wanted = [name for name in reporters if name != but and only in {"", name}]
    ordered = sorted(wanted, key=lambda name: name == VERDICT)
    failures = [failure for name in ordered if (failure := _write(directory / name, reporters[name], record))]
    if failures:
        raise _told(failures)
    return record


def _told(failures: Sequence[EnvironmentFailure]) -> EnvironmentFailure:
    """Return the first failure, with what is wrong with the other reports."""
    first, *others = failures
    details = "\n".join(error.what for error in others)
    return EnvironmentFailure(first.what, slug=first.slug, where=first.where, remedy=first.remedy, details=details)


def _write(path: Path, reporter: Reporter, record: Record) -> EnvironmentFailure | None:
    """Write a file whole or not at all (half a verdict must not look like one), and return why not."""
    try:
        path.parent.mkdir(exist_ok=True)
        with whole(path) as stream:
            reporter(record, stream)
    except OSError as error:
        return EnvironmentFailure(
            f"cannot write {path.name}: {error.strerror or error}",
            slug="report-unwritable",
            where=str(path),
            remedy="free disk space, then: seatrial report",
        )
    except Exception as error:  # noqa: BLE001 - whatever it is, the other reports are written
        return _broken(path, as_ours(error))
    return None


def _broken(path: Path, error: SeatrialError) -> EnvironmentFailure:
    return EnvironmentFailure(
        f"cannot make {path.name}: {error.what}",
        slug="report-broken",
        where=f"{path} ({error.where})",
        remedy="the other reports and events.ndjson are whole; report it with the run's directory",
    )
