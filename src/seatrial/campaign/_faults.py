"""Seeded defects: files that say what a developer did wrong, and how to put it into a stack.

fixtures/faults/<slug>.py --load--> Fault --copy of the tree, hooks in the services--> the same stack, defective
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx

from seatrial.config import FILE, StackSettings
from seatrial.core import EnvironmentFailure, Identities, Outcome, UsageError, content, name_nearest


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One seeded defect: the check that it must trip, those that go with it, the suites and the file that show it.

    `ends` is the outcome of these checks: a defect can also keep them from being decided.
    """

    slug: str
    path: Path
    title: str
    trips: str
    implies: tuple[str, ...]
    ends: Outcome
    drivers: tuple[str, ...]
    suites: tuple[str, ...]
    configuration: str
    module: ModuleType

    @property
    def in_process(self) -> bool:
        """Return whether the defect is installed inside a service's interpreter."""
        return any(hasattr(self.module, name) for name in ("install_api", "install_worker"))

    @property
    def edits_files(self) -> bool:
        """Return whether the defect is in the files of the stack."""
        return any(hasattr(self.module, name) for name in ("edit_compose", "edit_tree"))

    def environment(self, service: str) -> Mapping[str, str]:
        """Return the variables that the defect sets wrong for a service."""
        return self._value("environment", service) or {}

    @property
    def replicas(self) -> Mapping[str, int]:
        """Return how many instances of a service the defect needs."""
        return getattr(self.module, "replicas", {})

    @property
    def confined(self) -> bool:
        """Return whether the defect is so gross that nothing can be said of suites other than its own."""
        return getattr(self.module, "confined", bool(self.replicas))

    @property
    def deep(self) -> bool:
        """Return whether only the deep stage of the rate limits shows the defect."""
        return bool(getattr(self.module, "deep", False))

    @property
    def scenarios(self) -> tuple[str, ...]:
        """Return the load scenarios that show the defect, of those that the full profile alone has."""
        return tuple(getattr(self.module, "scenarios", ()))

    @property
    def undecided(self) -> tuple[str, ...]:
        """Return the checks that the defect keeps from being decided besides."""
        return tuple(getattr(self.module, "undecided", ()))

    def _value(self, name: str, *arguments: object) -> Any:
        function: Callable[..., Any] | None = getattr(self.module, name, None)
        return function(*arguments) if function else None


def fault_files() -> dict[str, Path]:
    """Return the shipped faults by slug."""
    return {path.stem: path for path in sorted((content("fixtures") / "faults").glob("[a-z]*.py"))}


def load_fault(name: str) -> Fault:
    """Load a fault by slug or by the path of a file; raises UsageError for one that does not exist or is malformed."""
    shipped = fault_files()
    path = shipped.get(name, Path(name).resolve())
    if not path.is_file():
        raise UsageError(
            f"there is no fault {name!r}",
            slug="fault-unknown",
            where="--fault",
            remedy=f"{name_nearest(name, shipped, called='faults')}; or name a .py file",
        )
    return _describe(path, _import(path))


def _import(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"seatrial_fault_{path.stem.replace('-', '_')}", path)
    if spec is None or spec.loader is None:
        raise UsageError("not a Python file", slug="fault-invalid", where=str(path), remedy="name a .py file")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent))  # faults share helpers that lie beside them
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise _invalid(path, f"importing it raised {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(str(path.parent))
    return module


def _invalid(path: Path, what: str) -> UsageError:
    return UsageError(
        f"not a fault: {what}",
        slug="fault-invalid",
        where=str(path),
        remedy='a fault has a docstring, `trips = "area.check"` and an install_, environment or edit_ function',
    )


def _describe(path: Path, module: ModuleType) -> Fault:
    trips = getattr(module, "trips", "")
    title = (module.__doc__ or "").strip().split("\n")[0]
    if not isinstance(trips, str) or not trips or not title:
        raise _invalid(path, "it lacks a docstring or `trips`")
    fault = Fault(
        slug=path.stem,
        path=path,
        title=title,
        trips=trips,
        implies=tuple(getattr(module, "implies", ())),
        ends=Outcome(getattr(module, "ends", Outcome.FAILED)),
        drivers=tuple(getattr(module, "drivers", ("local", "compose"))),
        suites=tuple(getattr(module, "suites", (trips.split(".")[0],))),
        configuration=getattr(module, "configuration", FILE),
        module=module,
    )
    if not (fault.in_process or fault.edits_files or fault.replicas or hasattr(module, "environment")):
        raise _invalid(path, "it changes nothing")
    return fault


def check_driver(fault: Fault, driver: str) -> None:
    """Raise UsageError where the driver cannot carry the defect."""
    if driver not in fault.drivers:
        raise UsageError(
            f"the fault {fault.slug} cannot be put into a {driver} stack",
            slug="fault-driver",
            where="--fault",
            remedy=f"use --stack {' or '.join(fault.drivers)}",
        )


def defective_tree(fault: Fault, settings: StackSettings, root: Path, copy: Path) -> Path:
    """Copy the folders of a stack, edit the copy and return its root (the original where nothing is edited)."""
    if not fault.edits_files:
        return root
    folders = {str(Path(file).parent) for file in settings.compose} | {settings.local.directory}
    for folder in folders:
        ignore = shutil.ignore_patterns(".venv*", ".git", "__pycache__", ".seatrial", "node_modules")
        shutil.copytree(root / folder, copy / folder, ignore=ignore, dirs_exist_ok=True)
    if hasattr(fault.module, "edit_compose"):
        _edit_compose(fault, [copy / file for file in settings.compose])
    if hasattr(fault.module, "edit_tree"):
        fault.module.edit_tree(
            copy / (Path(settings.compose[0]).parent if settings.compose else settings.local.directory)
        )
    return copy


def _edit_compose(fault: Fault, files: Sequence[Path]) -> None:
    import yaml  # noqa: PLC0415 - only a defective run needs it

    for file in files:
        # Anchors make services share what they look alike in: an edit of one must not reach the others.
        document = json.loads(json.dumps(yaml.safe_load(file.read_text(encoding="utf-8"))))
        fault.module.edit_compose(document)
        file.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


class Prober(httpx.Client):
    """What `live(client)` of a fault sends requests with; `fresh()` returns the headers of a user never seen before."""

    def __init__(self, url: str, identities: Identities) -> None:
        super().__init__(base_url=url, timeout=10, trust_env=False)
        self._identities = identities

    def fresh(self) -> dict[str, str]:
        """Return the headers of a new identity."""
        return dict(self._identities.lease(1)[0].headers)


def confirm_live(fault: Fault, url: str, identities: Identities) -> None:
    """Prove that the defect is in effect; raises EnvironmentFailure, since a run without it would prove nothing."""
    if not hasattr(fault.module, "live"):
        return
    try:
        with Prober(url, identities) as client:
            seen = fault.module.live(client)
    except (AssertionError, httpx.HTTPError) as error:
        seen, reason = False, f": {error}"
    else:
        reason = ""
    if seen is False:
        raise EnvironmentFailure(
            f"the fault {fault.slug} is not in effect{reason}",
            slug="fault-not-live",
            where=str(fault.path),
            remedy="mend the fault: what it patches has changed",
        )
