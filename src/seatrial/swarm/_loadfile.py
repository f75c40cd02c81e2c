"""Where a scenario's user classes are: in the project, or in what we ship."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from seatrial.config import ScenarioSettings
from seatrial.core import FOLDERS, UsageError, content


def find_load_file(scenario: ScenarioSettings, *, root: Path) -> Path:
    """Return the file of user classes; raises UsageError when neither the project nor the shipped content has it."""
    own = root / scenario.file
    if own.is_file():
        return own.resolve()
    folder, *rest = PurePosixPath(scenario.file).parts
    shipped = content(folder).joinpath(*rest) if folder in FOLDERS else own
    if shipped.is_file():
        return shipped
    raise UsageError(
        f"no such load file: {scenario.file}",
        slug="load-file-missing",
        where=str(own),
        remedy="correct `file` of the scenario, or leave `user` out and list `paths`",
    )
