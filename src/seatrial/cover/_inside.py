"""Records what one process of a service executes, and under which phase of the run.

Run by sitecustomize at the start of every interpreter. SEATRIAL_SHARE is the share, SEATRIAL_COVERAGE the service's
name. Coverage is taken from the share, so that neither image nor source changes.

share/coverage.json   what to measure, and which coverage each Python gets
share/phase           the phase of the run, switched by the harness
share/data/           .coverage.<service>.*, ack/ (each process's phase), processes/, problems/, sources/, probes/

A thread writes down what is new every half second, so that a process that is killed loses no more than that.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import json
import os
import platform
import sys
import threading
import time
import warnings
from typing import Any

FLUSH_S = 0.5
PHASE_S = 0.03
MOST_SOURCES = 5000
BEFORE = "startup"
ENDING = threading.Event()
SKIPPED = {"__pycache__", "node_modules", "site-packages", "dist-packages"}
# A service's log must look as it does without us.
SILENT = ["no-ctracer", "no-sysmon", "no-data-collected", "module-not-imported", "module-not-measured"]
SILENT += ["already-imported", "couldnt-parse", "trace-changed", "module-not-python", "include-ignored"]


def put(path: str, text: str) -> None:
    """Write a file that any user may read, at once and whole."""
    folder, name = os.path.split(path)
    partial = os.path.join(folder, ".%s.%d" % (name, os.getpid()))
    with open(partial, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(partial, 0o644)
    os.replace(partial, path)


def claim(path: str) -> bool:
    """Create a file and return whether nobody else had."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
    except FileExistsError:
        return False
    return True


class Place:
    """Where this process reads and writes in the share."""

    def __init__(self, share: str, service: str) -> None:
        self.share = share
        self.service = service
        self.latest = BEFORE
        with open(os.path.join(share, "coverage.json"), encoding="utf-8") as file:
            self.settings: dict[str, Any] = json.load(file)

    def data(self, *names: str) -> str:
        """Return a path below data/."""
        return os.path.join(self.share, "data", *names)

    def own(self, folder: str) -> str:
        """Return this process's file in a folder of data/: instances of a service have the same process numbers."""
        return self.data(folder, "%s@%s.%d" % (self.service, platform.node(), os.getpid()))

    def phase(self) -> str:
        """Return the phase that the run is in: the latest known, while a file that is copied in is not there yet."""
        with contextlib.suppress(OSError), open(os.path.join(self.share, "phase"), encoding="utf-8") as file:
            self.latest = file.read().strip() or self.latest
        return self.latest

    def root(self) -> str:
        """Return the folder that holds the service's packages here; raises RuntimeError."""
        sources: list[str] = [os.path.realpath(path) for path in self.settings["sources"] if os.path.isdir(path)]
        for source in sources:
            if any(os.path.isdir(os.path.join(source, package)) for package in self.settings["packages"]):
                return source
        raise RuntimeError("none of %s is a folder with the packages" % ", ".join(self.settings["sources"]))

    def library(self) -> str:
        """Return the folder of the coverage for this Python; raises RuntimeError."""
        version: str | None = self.settings["libraries"].get("%d.%d" % sys.version_info[:2])
        if version is None and list(sys.version_info[:2]) >= self.settings["oldest"]:
            version = self.settings["library"]
        if version is None:
            raise RuntimeError("there is no coverage for Python %d.%d here" % sys.version_info[:2])
        folder: str = os.path.join(self.share, "lib", version)
        return folder


def start(place: Place, phase: str) -> Any:
    """Return coverage, started in a phase; it is found in the share for the time of its import only."""
    sys.path.insert(0, place.library())
    try:
        import coverage
    finally:
        del sys.path[0]
    root = place.root()
    include = [os.path.normpath(os.path.join(root, package)) + "/*" for package in place.settings["packages"]]
    omit = [] if "-packages" in root else ["*/site-packages/*", "*/dist-packages/*"]
    name = place.data(".coverage." + place.service)
    cov = coverage.Coverage(
        data_file=name, data_suffix=True, branch=True, include=include, omit=omit, config_file=False
    )
    options: dict[str, Any] = {"sigterm": True, "patch": ["_exit"], "core": "ctrace", "disable_warnings": SILENT}
    for option, value in options.items():
        cov.set_option("run:" + option, value)
    cov.start()
    cov.switch_context(phase)
    atexit.register(finish, cov, place)
    return cov


def finish(cov: Any, place: Place) -> None:
    """Save everything at a normal end."""
    ENDING.set()
    cov.stop()
    cov.save()
    open_up(cov.get_data())
    with contextlib.suppress(OSError):
        os.unlink(place.own("ack"))


def open_up(data: Any) -> None:
    """Let the harness read the data, whatever umask the service has."""
    with contextlib.suppress(OSError):
        os.chmod(data.data_filename(), 0o644)


def flush(cov: Any) -> None:
    """Write down what is new, and lose nothing that other threads execute meanwhile.

    `Coverage.save` forgets everything after it was written, also what was added during the writing.
    """
    collector = cov._collector  # noqa: SLF001 - there is no public way that loses nothing
    if not collector._activity():  # noqa: SLF001 - see above
        return
    for tracer in list(collector.tracers):
        tracer.reset_activity()
    # Copies and differences of sets of numbers are made in one go, as other threads see it.
    taken = {name: pairs.copy() for name, pairs in collector.data.copy().items()}
    arcs = {name: [unpacked(pair) for pair in pairs] for name, pairs in taken.items()}
    collector.covdata.add_arcs(collector.mapped_file_dict(arcs))
    for name, pairs in taken.items():
        collector.data[name].difference_update(pairs)


def unpacked(pair: int | tuple[int, int]) -> tuple[int, int]:
    """Return the two line numbers that the C tracer packs into one (the Python tracer does not)."""
    if isinstance(pair, tuple):
        return pair
    first, second = pair & 0xFFFFFFF, (pair >> 28) & 0xFFFFFFF
    return (-first if pair & (1 << 56) else first, -second if pair & (1 << 57) else second)


class Keeper:
    """The thread that writes down and follows the phase, in this process and in those forked from it."""

    def __init__(self, cov: Any, place: Place, phase: str) -> None:
        self.cov = cov
        self.place = place
        self.phase = phase
        # Held while writing: a fork meanwhile would leave the child with coverage's lock taken for ever.
        self.gate = threading.Lock()

    def begin(self) -> None:
        """Say that this process is measured, and start its thread."""
        self.acknowledge()
        put(self.place.own("processes") + ".json", json.dumps(self.facts()))
        threading.Thread(target=self.run, name="seatrial-coverage", daemon=True).start()

    def facts(self) -> dict[str, Any]:
        """Return what the harness has to know to read the data."""
        tracer = self.cov._collector.tracer_name()  # noqa: SLF001 - nothing public names it
        return {
            "service": self.place.service,
            "python": "%d.%d" % sys.version_info[:2],
            "tracer": tracer,
            "root": self.place.root(),
        }

    def acknowledge(self) -> None:
        """Say which phase this process is in."""
        put(self.place.own("ack"), self.phase)

    def run(self) -> None:
        """Work until the process ends."""
        self.tell(describe_sources, self.place)
        due = time.monotonic() + FLUSH_S
        while not ENDING.wait(PHASE_S):
            if self.place.phase() != self.phase:
                self.tell(self.switch)
            if time.monotonic() >= due:
                self.tell(self.write)
                due = time.monotonic() + FLUSH_S

    def tell(self, work: Any, *arguments: Any) -> None:
        """Do something, and leave what goes wrong where the harness finds it."""
        try:
            work(*arguments)
        except Exception as error:
            if not ENDING.is_set():  # the end takes away what this thread may just be writing to
                complain(self.place, error)

    def switch(self) -> None:
        """Write down what belongs to the old phase and begin the new one."""
        with self.gate:
            flush(self.cov)
            self.phase = self.place.phase()
            self.cov._collector.covdata.set_context(self.phase)  # noqa: SLF001 - switch_context would save, and forget
        self.acknowledge()

    def write(self) -> None:
        """Write down what is new, and show that this process lives."""
        with self.gate:
            flush(self.cov)
            open_up(self.cov._collector.covdata)  # noqa: SLF001 - get_data would save, and forget
        os.utime(self.place.own("ack"))

    def after_fork(self) -> None:
        """Go on in a child: threads do not survive a fork."""
        self.gate.release()
        self.tell(self.begin)


def describe_sources(place: Place) -> None:
    """Write down, once per service, what its source files contain: an old image must not be taken for the source."""
    path = place.data("sources", place.service)
    if claim(path):
        put(path + ".json", json.dumps(dict(list(sources(place))[:MOST_SOURCES])))


def sources(place: Place) -> Any:
    """Yield the source files of the packages, with a digest of their content."""
    root = place.root()
    for package in place.settings["packages"]:
        for folder, folders, names in os.walk(os.path.join(root, package)):
            folders[:] = [name for name in folders if name not in SKIPPED and not name.startswith(".")]
            if "pyvenv.cfg" in names:
                folders[:] = []
                continue
            for name in names:
                if name.endswith(".py"):
                    path = os.path.join(folder, name)
                    with open(path, "rb") as file:
                        yield os.path.relpath(path, root), hashlib.sha256(file.read()).hexdigest()


def complain(place: Place, error: BaseException) -> None:
    """Leave a message for the harness."""
    with contextlib.suppress(OSError):
        put(place.own("problems"), "%s: %s" % (type(error).__name__, error))


def is_wanted(place: Place, command: list[str]) -> bool:
    """Return whether this is the first time in this phase that the service is probed like this.

    A health check runs several times a second; measured each time, it would slow the service down that it asks.
    """
    digest = hashlib.sha256("\0".join([*command, place.phase()]).encode("utf-8", "replace")).hexdigest()[:16]
    return claim(place.data("probes", "%s-%s" % (place.service, digest)))


def begin(command: list[str], *, probe: bool) -> None:
    """Start to measure this process."""
    place = Place(os.environ["SEATRIAL_SHARE"], os.environ["SEATRIAL_COVERAGE"])
    try:
        if probe and not is_wanted(place, command):
            return
        phase = place.phase()
        cov = start(place, phase)
        if probe:
            return
        keeper = Keeper(cov, place, phase)
        # Since Python 3.12 a fork beside a thread is warned of: ours is never in the way of one.
        warnings.filterwarnings("ignore", message=".*is multi-threaded, use of fork", category=DeprecationWarning)
        keeper.begin()
        os.register_at_fork(
            before=keeper.gate.acquire, after_in_parent=keeper.gate.release, after_in_child=keeper.after_fork
        )
    except Exception as error:
        complain(place, error)
        raise


if __name__ == "seatrial_hook":
    begin(globals()["COMMAND"], probe=globals()["PROBE"])
