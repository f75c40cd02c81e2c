"""How a run looks back at earlier ones before its verdict is told, and is kept for later ones once it is written."""

from __future__ import annotations

from pathlib import Path

from seatrial.config import Settings
from seatrial.core import SeatrialError
from seatrial.record import HistoryRead, LimitationNoted, Record, Recorder, append_run, read_history
from seatrial.stack import commit_of, is_dirty

INTERRUPTED = 130


def look_back(record: Record, recorder: Recorder, settings: Settings) -> None:
    """Write down the earlier runs that asked for the same, and what of the history cannot be read.

    A shard has none: it is judged when it is merged.
    """
    from seatrial.reporting import past_run  # noqa: PLC0415 - templates are needed at the end only

    wanted = settings.report.history and not record.origin.shard
    found = read_history(history_file(settings), past_run(record)) if wanted else None
    if found and found.problem:
        recorder.emit(LimitationNoted(note=found.problem))
    recorder.emit(HistoryRead(earlier=found.runs if found else (), commit=_commit(settings.root)))


def keep_run(record: Record, recorder: Recorder, settings: Settings) -> bool:
    """Append a run that nobody interrupted to the history, without secrets; where that fails, note it: False.

    Of shards it is the merged run that later ones know.
    """
    from seatrial.reporting import past_run  # noqa: PLC0415 - templates are needed at the end only

    interrupted = record.failure and record.failure.exit_code == INTERRUPTED
    if not settings.report.history or record.origin.shard or interrupted:
        return True
    try:
        append_run(history_file(settings), past_run(record), redact=recorder.secrets.redact)
    except OSError as error:
        where = history_file(settings)
        recorder.emit(LimitationNoted(note=f"later runs will not know of this one: {error.strerror} ({where})"))
        return False
    return True


def history_file(settings: Settings) -> Path:
    """Return where the history of a project is."""
    return settings.root / settings.report.history


def _commit(root: Path) -> str:
    """Return the commit of the project's files, with a + where they differ from it; empty where git does not say."""
    commit = commit_of(root, "HEAD")
    try:
        return commit and f"{commit}{'+' if is_dirty(root) else ''}"
    except SeatrialError:
        return ""
