"""The note of a stack that was left running, for later commands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seatrial.core import EnvironmentFailure
from seatrial.stack._folders import private

STATE = Path(".seatrial/stack.json")


def write_state(root: Path, state: Mapping[str, object]) -> Path:
    """Write `.seatrial/stack.json` (mode 0600) for `attach`; raises EnvironmentFailure when that is impossible."""
    path = root / STATE
    try:
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        with open(path, "w", opener=private) as file:
            json.dump(dict(state), file, indent=1)
    except OSError as error:
        raise EnvironmentFailure(
            f"cannot write down which stack is up: {error.strerror}",
            slug="state-unwritable",
            where=str(path),
            remedy="make the folder writable, or free disk space",
        ) from error
    return path


def read_state(root: Path) -> Mapping[str, Any] | None:
    """Return what `write_state` wrote; None when no stack was left running."""
    path = root / STATE
    try:
        state: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise EnvironmentFailure(
            f"cannot read which stack is up: {error}",
            slug="state-unreadable",
            where=str(path),
            remedy="remove the file; seatrial clean removes what is left of the stack",
        ) from error
    return state


def forget_state(root: Path) -> None:
    """Remove `.seatrial/stack.json`: no stack is up any more."""
    (root / STATE).unlink(missing_ok=True)
