"""The reports that tools read: Cobertura XML, lcov, JSON, HTML, and which suites reached each line."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import coverage
import coverage.files
from coverage.exceptions import CoverageException

from seatrial.cover._combine import Combined, unusable
from seatrial.cover._lines import Model
from seatrial.cover._places import Places

ATTRIBUTION = "seatrial-attribution-1"
_lock = threading.Lock()


def write_reports(combined: Combined, places: Places, out: Path) -> dict[str, Mapping[str, int]]:
    """Write every report and return coverage's summary of each file of the source; raises EnvironmentFailure."""
    measured = coverage.Coverage(data_file=combined.data.data_filename(), config_file=False, messages=False)
    measured.set_option("run:disable_warnings", ["couldnt-parse"])
    measured.set_option("report:ignore_errors", True)
    measured.load()
    try:
        with _relative_to(places.root):
            measured.json_report(outfile=str(out / "coverage.json"), show_contexts=True)
            measured.xml_report(outfile=str(out / "coverage.xml"))
            measured.lcov_report(outfile=str(out / "lcov.info"))
            measured.html_report(directory=str(out / "html"), show_contexts=True, title="What the run exercised")
    except CoverageException as error:
        raise unusable(error, out) from error
    _keep_to_cobertura(out / "coverage.xml")
    measured.get_data().close(force=True)
    found: dict[str, Any] = json.loads((out / "coverage.json").read_text(encoding="utf-8"))["files"]
    return {_in_source(name, places): facts["summary"] for name, facts in found.items()}


def _keep_to_cobertura(path: Path) -> None:
    """Take out the one attribute of coverage's own, which Cobertura's document type does not know."""
    path.write_bytes(re.sub(rb' missing-branches="[^"]*"', b"", path.read_bytes()))


@contextmanager
def _relative_to(root: Path) -> Iterator[None]:
    """Name files relative to the project's folder, wherever the harness runs.

    coverage takes the working directory, in a module variable; changing that directory would concern every thread.
    """
    with _lock:
        before = coverage.files.RELATIVE_DIR
        coverage.files.RELATIVE_DIR = f"{str(root).rstrip(os.sep)}{os.sep}"
        try:
            yield
        finally:
            coverage.files.RELATIVE_DIR = before


def _in_source(name: str, places: Places) -> str:
    return os.path.relpath(places.root / name, places.source)


def write_attribution(model: Model, late: Sequence[Mapping[str, str | int]], path: Path) -> None:
    """Write file -> line -> suites, of the lines that were executed, and which services were `late` for a suite."""
    files = {
        name: {
            str(line): sorted(suite for suite, found in lines.suites.items() if line in found)
            for line in sorted(lines.reached)
        }
        for name, lines in model.items()
    }
    phases = sorted({suite for lines in model.values() for suite in lines.suites})
    write_json({"schema": ATTRIBUTION, "phases": phases, "late": list(late), "files": files}, path)


def write_json(found: Mapping[str, Any], path: Path) -> None:
    """Write what a report is made from, as small as it can be."""
    path.write_text(json.dumps(found, separators=(",", ":")), encoding="utf-8")
