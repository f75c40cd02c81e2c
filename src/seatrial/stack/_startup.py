"""Get code into the Python interpreters of a service, without touching its image or its source.

share/py/sitecustomize.py --PYTHONPATH--> every interpreter --SEATRIAL_HOOKS--> share/hooks/<name>.py, in order
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from seatrial.core import EnvironmentFailure, UsageError
from seatrial.stack._base import ServiceAddition

INSIDE = Path(__file__).with_name("_inside")
APPLICATION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
JOINED = ("PYTHONPATH", "SEATRIAL_HOOKS")
# The namespace of our process numbers: a hook that sees the same one is not in a container.
NAMESPACE = Path("/proc/self/ns/pid")


def write_startup(share: Path) -> None:
    """Put what runs the hooks into a share; raises EnvironmentFailure when it cannot be written."""
    copy_readable(INSIDE / "sitecustomize.py", share / "py" / "sitecustomize.py")
    try:
        origin = str(NAMESPACE.readlink())
    except OSError:
        return  # no Linux: no containers share this machine's processes either
    try:
        (share / "py" / "origin").write_text(origin, encoding="utf-8")
        (share / "py" / "origin").chmod(0o644)
    except OSError as error:
        raise _unwritable(share, error) from error


def copy_readable(file: Path, target: Path) -> None:
    """Copy a file into a folder of a share, readable by any user; raises EnvironmentFailure."""
    try:
        for folder in (target.parent.parent, target.parent):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(folder.stat().st_mode | 0o755)
        shutil.copyfile(file, target)
        target.chmod(0o644)
    except OSError as error:
        raise _unwritable(target.parent, error) from error


def _unwritable(folder: Path, error: OSError) -> EnvironmentFailure:
    return EnvironmentFailure(
        f"cannot write: {error.strerror}",
        slug="folder-unwritable",
        where=str(folder),
        remedy="free some space, or set TMPDIR to a folder you may write to",
    )


def startup_addition(*, hooks: Sequence[str], environment: Mapping[str, str] | None = None) -> ServiceAddition:
    """Return what a service needs to run hooks, files in the share's hooks folder, in every interpreter."""
    return ServiceAddition(
        environment={
            "PYTHONPATH": "{share}/py",
            "SEATRIAL_SHARE": "{share}",
            "SEATRIAL_HOOKS": os.pathsep.join(f"{{share}}/hooks/{name}" for name in hooks),
            **(environment or {}),
        }
    )


def merge_additions(*additions: ServiceAddition) -> ServiceAddition:
    """Return several additions as one: search paths and hooks joined, of other variables the last value."""
    merged: dict[str, str] = {}
    for addition in additions:
        for name, value in addition.environment.items():
            merged[name] = _joined(merged.get(name, ""), value) if name in JOINED else value
    return ServiceAddition(environment=merged)


def _joined(first: str, second: str) -> str:
    words = [*first.split(os.pathsep), *second.split(os.pathsep)]
    return os.pathsep.join(dict.fromkeys(word for word in words if word))


def fault_addition(*, fault: Path, application: str, share: Path) -> ServiceAddition:
    """Copy a fault, with the `_*.py` beside it, into a share and return what installs it in `module:attribute`.

    Raises UsageError for an application that is not written so.
    """
    if not APPLICATION.fullmatch(application):
        raise UsageError(
            f"{application!r} names no application",
            slug="application-invalid",
            where="[stack.applications]",
            remedy='write "module:attribute", for example api = "app.main:create_app"',
        )
    write_startup(share)
    copy_readable(INSIDE / "fault_hook.py", share / "hooks" / "fault_hook.py")
    for file in (fault, *fault.parent.glob("_*.py")):
        copy_readable(file, share / "hooks" / "fault" / file.name)
    return startup_addition(
        hooks=["fault_hook.py"],
        environment={"SEATRIAL_FAULT": f"{{share}}/hooks/fault/{fault.name}", "SEATRIAL_APPLICATION": application},
    )
