"""What a run leaves in its directory, and how the directory of an earlier run becomes that of a new one."""

from __future__ import annotations

import shutil
from pathlib import Path

from seatrial.core import UsageError
from seatrial.record._recorder import EVENTS

# The verdict goes first and the events last: whatever ends a run in between leaves nothing that looks like a result,
# and a directory that is still known as a run's.
VERDICT = "verdict.json"
OWNED = (
    VERDICT,
    "junit.xml",
    "report.html",
    "summary.md",
    "findings.sarif",
    "annotations.txt",
    "gl-code-quality-report.json",
    "exchanges.har",
    "badge.svg",
    "comment.md",
    "matrix.json",
    "ratelimit.json",
    "ratelimit",
    "coverage",
    "load",
    "logs",
    "web",
    "blobs",
    EVENTS,
)


def clear_run(directory: Path) -> None:
    """Remove every file that an earlier run left here; raises UsageError where something else lies."""
    if not (directory / EVENTS).exists() and any(directory.iterdir()):
        raise UsageError(
            "the directory is not empty, and no run's",
            slug="out-occupied",
            where=str(directory),
            remedy="name a new or empty directory, or that of an earlier run, with --out DIR",
        )
    for name in OWNED:
        _remove(directory / name)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
