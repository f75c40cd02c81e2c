"""What `seatrial compare` does: read two runs, tell what differs, and write it as a page where that is asked for."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from seatrial.cli._options import run_directory
from seatrial.cli._say import say
from seatrial.core import EnvironmentFailure, UsageError
from seatrial.core.plain import visible
from seatrial.core.whole import whole
from seatrial.record import read_told
from seatrial.reporting.compare import differences_of, lines_of, write_page


def compare_runs(base: str, candidate: str, *, out: str, as_json: bool, config: str) -> int:
    """Print what differs, and return 0; raises SeatrialError for what is no run, or a page that cannot be written."""
    page = _page(out) if out else None
    before, now = (read_told(run_directory(run, config)) for run in (base, candidate))
    found = differences_of(before, now)
    if page:
        _write(found, page)
    if as_json:
        say(json.dumps(found))
    else:
        _print(found)
        if page:
            say(f"\npage: {page}")
    return 0


def _print(found: Mapping[str, Any]) -> None:
    """Print lines, with colours on a terminal alone: rich would take FORCE_COLOR for one."""
    watched = sys.stdout.isatty()
    console = Console(highlight=False, force_terminal=watched, no_color=None if watched else True)
    for style, line in lines_of(found):
        console.print(Text(visible(line), style=style if watched else ""), soft_wrap=True)


def _page(out: str) -> Path:
    """Return where the page is to be; what is no page is not written over."""
    path = Path(out)
    if path.is_dir() or path.suffix not in {".html", ".htm"}:
        raise UsageError(
            f"{out!r} does not name a page",
            slug="arguments-invalid",
            where="--out",
            remedy="name a file that ends in .html",
        )
    return path


def _write(found: Mapping[str, Any], page: Path) -> None:
    try:
        with whole(page) as stream:
            write_page(found, stream)
    except OSError as error:
        raise EnvironmentFailure(
            f"cannot write {page.name}: {error.strerror or error}",
            slug="report-unwritable",
            where=str(page),
            remedy="free disk space, or name a file in a folder that is there and may be written to",
        ) from error
