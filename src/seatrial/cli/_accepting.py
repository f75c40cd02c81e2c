"""What `seatrial contract accept` does: the document that the service serves becomes what was published."""

from __future__ import annotations

import tempfile
from typing import Any

from seatrial._interrupts import end_in_order
from seatrial.campaign import Options, Stacks, open_run
from seatrial.cli._diffing import lines
from seatrial.cli._options import config_path
from seatrial.cli._say import say
from seatrial.cli._view import make_view
from seatrial.config import Settings, load_settings
from seatrial.core import SeatrialError, UsageError
from seatrial.openapi import canonical, served_document
from seatrial.openapi.diff import baseline_document, baseline_path, check_kinds, diff, judge_changes, today


def accept_document(*, config: str, **choices: Any) -> int:
    """Write the baseline, say what changed, and return the exit code."""
    settings = load_settings(config_path(config).resolve())
    path = baseline_path(settings)
    if path is None or settings.contract is None:
        raise UsageError(
            "nothing says where the published document is kept",
            slug="contract-baseline-undeclared",
            where=f"[contract] of {settings.config_file}",
            remedy='declare it, for example: baseline = "contracts/openapi.json"',
        )
    check_kinds(settings.contract)
    end_in_order()
    document = asked(settings, **choices)
    told = changes(settings, document)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(canonical(document), encoding="utf-8")
    say("\n".join([*told, f"accepted: {path}"]))
    return 0


def asked(settings: Settings, **choices: Any) -> dict[str, Any]:
    """Return the document that a stack serves, which is started for that unless it is up or elsewhere."""
    with tempfile.TemporaryDirectory() as folder, make_view() as view:
        run = open_run(settings, Options(out=folder, **choices), listeners=[view.handle])
        stacks = Stacks(run, collector=None)
        try:
            return served_document(settings, stacks.get("clean").url())
        finally:
            stacks.stop_all()
            run.close()


def changes(settings: Settings, document: dict[str, Any]) -> list[str]:
    """Return what changed since the last time, one line each; a baseline that cannot be read is in nobody's way."""
    path, contract = baseline_path(settings), settings.contract
    if path is None or contract is None or not path.exists():
        return ["changes: nothing was published before"]
    try:
        published = baseline_document(settings)
    except SeatrialError as error:
        return [f"changes: not known; {error.what}"]
    return list(lines(judge_changes(diff(published or {}, document), contract, today=today())))
