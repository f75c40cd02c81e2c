"""Several seeded faults as one: a file for `--fault` that does what each of them does.

faults --copies `_<slug>.py`, which go along into services as every `_*.py` does--> beside the file that calls them all
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from seatrial.campaign import Fault

HOOKS = ("install_api", "install_worker", "edit_compose", "edit_tree", "live")
"""What a fault may do, and several of them one after the other."""

TEMPLATE = '''"""Several defects at once."""

from importlib import import_module

PARTS = [import_module("_" + slug) for slug in {slugs!r}]
trips, *implies = {checks!r}
suites = {suites!r}


def all_of(name):
    """Return what calls this function of every part that has one."""
    found = [getattr(part, name) for part in PARTS if hasattr(part, name)]

    def call(*given):
        assert not any(function(*given) is False for function in found)

    return call


def environment(service):
    """Return the variables of all parts, each of which is one part's."""
    found = [part.environment(service) for part in PARTS if hasattr(part, "environment")]
    merged = {{name: value for variables in found for name, value in variables.items()}}
    assert len(merged) == sum(map(len, found)), found
    return merged


'''


def write_together(faults: Sequence[Fault], folder: Path) -> Path:
    """Write the file, and what it is made of, into a new folder and return it."""
    folder.mkdir()
    for helper in faults[0].path.parent.glob("_*.py"):
        shutil.copy(helper, folder)
    for fault in faults:
        shutil.copy(fault.path, folder / f"_{fault.path.name}")
    file = folder / "together.py"
    text = TEMPLATE.format(
        slugs=[fault.slug for fault in faults],
        checks=[slug for fault in faults for slug in checks_of(fault)],
        suites=tuple(sorted({suite for fault in faults for suite in fault.suites})),
    )
    hooks = [name for name in HOOKS if any(hasattr(fault.module, name) for fault in faults)]
    file.write_text(text + "".join(f'{name} = all_of("{name}")\n' for name in hooks), encoding="utf-8")
    return file


def checks_of(fault: Fault) -> tuple[str, ...]:
    """Return the checks that a fault fails."""
    return (fault.trips, *fault.implies)
