"""Patch coverage: which changed lines nothing executed, from coverage/patch.json; git is not asked again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from seatrial.record import Record
from seatrial.reporting._handed import read_handed
from seatrial.reporting._plain import escape

SHOWN = 50
"""So many files are listed in Markdown; coverage/patch.json has them all."""


def patch_of(record: Record) -> dict[str, Any]:
    """Return the patch as the page shows it: files with uncovered lines are `open`; nothing where there is no base."""
    found = read_handed(record.directory / "coverage" / "patch.json", "patch-1")
    if not found:
        return {}
    share = 100 * found["covered"] / found["lines"] if found["lines"] else None
    rows = [{**file, "open": bool(file["uncovered"])} for file in found["files"]]
    return {**found, "share": share, "rows": rows, "sentence": _sentence(found, share)}


def _sentence(found: Mapping[str, Any], share: float | None) -> str:
    since = f"since the work left {found['base']} ({found['commit'][:12]})"
    if found["incomplete"]:
        return f"Not measured of what changed {since}: {found['incomplete']}"
    if share is None:
        return f"Nothing to cover: no executable line of a measured file changed {since}."
    return f"{share:.1f} %: {found['covered']} of {found['lines']} executable lines that changed {since} were executed."


def patch_lines(record: Record) -> Iterator[str]:
    """Yield patch coverage as Markdown, with the changed lines that nothing executed."""
    found = patch_of(record)
    if not found:
        return
    yield from ("", "## Patch coverage", "", escape(found["sentence"]))
    files = [row for row in found["rows"] if row["open"]]
    if files and not found["incomplete"]:
        yield from ("", "Changed, and executed by nothing:", "")
        yield from (f"- {escape(row['file'])}:{row['uncovered']}" for row in files[:SHOWN])
        if len(files) > SHOWN:
            yield f"- and {len(files) - SHOWN} more files in coverage/patch.json"
