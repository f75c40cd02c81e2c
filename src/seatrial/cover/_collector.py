"""Coverage of the services: prepared before they start, collected after they ended.

prepare(share) --additions--> services --share/data/.coverage.SERVICE.*--> collect() --> reports, measurements
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from seatrial.config import CoverageSettings
from seatrial.core import EnvironmentFailure, Evidence, Progress
from seatrial.cover._handed_in import HandedIn, read_handed_in
from seatrial.cover._late import told
from seatrial.cover._library import Library, provide, tracers
from seatrial.cover._phases import Phases
from seatrial.cover._places import Places, find_places
from seatrial.stack import Mounted, ServiceAddition, Share, copy_readable, startup_addition, write_startup

ANYBODY = 0o777
FOLDERS = ("", "ack", "processes", "problems", "sources", "probes")
HOOK = "coverage_hook.py"


class Collector:
    """Measure the services of one variant of a stack."""

    def __init__(self, settings: CoverageSettings, *, root: Path, marks: Mapping[str, str] | None = None) -> None:
        """Measure what `settings` name; `marks` are the variables by which the processes of a run are found."""
        self._settings = settings
        self._marks = dict(marks or {})
        self._root = root
        self._share: Share = Mounted(Path())
        self._inside = ""
        self._library: Library | None = None
        self._phases: Phases | None = None

    @property
    def looks_inside(self) -> bool:
        """Return whether any service is to be measured: what others recorded is merged in without."""
        return bool(self._settings.services)

    def check(self) -> None:
        """Raise UsageError for a source, package or component that is not there."""
        find_places(self._settings, self._root)

    def prepare(
        self,
        share: Path,
        *,
        progress: Progress,
        service_source: str = "",
        in_images: bool = True,
        pythons: Sequence[str] = (),
    ) -> Mapping[str, ServiceAddition]:
        """Fill the share and return what each service needs.

        `service_source` is the source folder as the services see it; `pythons` are the versions that they may run
        (by default all common ones in images, else the harness's own).
        Raises UsageError for a source, package or component that is not there, and EnvironmentFailure.
        """
        places = find_places(self._settings, self._root)
        if not self._settings.services:
            return {}
        self._share = Mounted(share)
        self._inside = service_source or (self._settings.container_source if in_images else str(places.source))
        try:
            self._library = provide(share, tracers(pythons, in_images=in_images), marks=self._marks, progress=progress)
            self._fill(share, self._library)
        except OSError as error:
            raise unwritable(share, error) from error
        self._phases = Phases(self._share, self._settings.services)
        return {service: _addition(service) for service in self._settings.services}

    def _fill(self, share: Path, library: Library) -> None:
        write_startup(share)
        copy_readable(Path(__file__).with_name("_inside.py"), share / "hooks" / HOOK)
        for name in FOLDERS:
            (share / "data" / name).mkdir(exist_ok=True)
            (share / "data" / name).chmod(ANYBODY)  # images run as users of their own
        settings = {
            "sources": [self._inside],
            "packages": self._settings.packages,
            "library": library.version,
            "libraries": library.others,
            "oldest": library.oldest,
        }
        (share / "coverage.json").write_text(json.dumps(settings), encoding="utf-8")
        (share / "coverage.json").chmod(0o644)

    def use_share(self, share: Share) -> None:
        """Reach the services by another share from now on: they do not see the folder that was prepared."""
        self._share = share
        if self._phases:
            self._phases.share = share

    def set_phase(self, name: str) -> None:
        """Tell every process which suite its lines count for from now on; without effect before `prepare`."""
        if self._phases:
            self._phases.switch(name)

    def wait_acknowledged(self, timeout_s: float) -> bool:
        """Return whether every service has processes and all of them arrived in the phase within so many seconds."""
        return self._phases.wait(timeout_s) if self._phases else False

    def collect(self, share: Path | None = None, *, out: Path) -> Evidence:
        """Combine what the services recorded, write every report into `out`, and measure.

        A service that handed in nothing, or not all, leaves the whole without a figure: one without it would be wrong.
        Raises EnvironmentFailure.
        """
        places = find_places(self._settings, self._root)
        data = (share or self._share.folder) / "data"
        lost = (self._share.problem,) if self._share.problem else ()
        handed_in = [read_handed_in(data, service, lost=lost) for service in self._settings.services]
        try:
            out.mkdir(parents=True, exist_ok=True)
            return self._evaluate(handed_in, places, out)
        except OSError as error:
            raise unwritable(out, error) from error

    def hand_over(self, target: Path, *, out: Path) -> None:
        """Copy the data of what was collected into `out`, which speaks of this machine; raises EnvironmentFailure."""
        from seatrial.cover._combine import DATA, copy_data  # noqa: PLC0415 - see _evaluate

        copy_data(out / DATA, target)

    def _evaluate(self, handed_in: Sequence[HandedIn], places: Places, out: Path) -> Evidence:
        # coverage takes a tenth of a second to import: not before it is needed.
        from seatrial.cover import _checks as checks  # noqa: PLC0415 - see above
        from seatrial.cover._evaluate import evaluate  # noqa: PLC0415 - see above

        late = self._phases.late() if self._phases else []
        notes = [*checks.remarks(handed_in, self._library.notes if self._library else ())]
        notes += [f"coverage: {told(each)}" for each in late]
        inside = self._inside or self._settings.container_source
        found = evaluate(handed_in, self._settings, places, inside=inside, out=out, late=late)
        return replace(found, notes=tuple(notes))


def _addition(service: str) -> ServiceAddition:
    return startup_addition(hooks=[HOOK], environment={"SEATRIAL_COVERAGE": service})


def unwritable(folder: Path, error: OSError) -> EnvironmentFailure:
    return EnvironmentFailure(
        f"cannot write: {error.strerror or error}",
        slug="folder-unwritable",
        where=str(folder),
        remedy="free some space, or choose another folder with --out DIR or TMPDIR",
    )
