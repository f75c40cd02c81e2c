"""xdist: the controlling process enters suites in a thread of its own while workers run their items."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from seatrial.core import EnvironmentFailure, SeatrialError, as_ours
from seatrial.plugin._checks import part
from seatrial.plugin._conductor import Conductor

LOST = "???"
"""How xdist reports the item during which a worker died."""


class Together:
    """Open the run when the first worker has collected; go to the next suite when the last item of one has ended."""

    def __init__(self, conductor: Conductor) -> None:
        self._conductor = conductor
        self._waiting: dict[str, set[str]] = {}
        self._changed = threading.Condition()
        self._stopped = False

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: object, ids: Sequence[str]) -> None:
        """Open the run once; every worker collects the same items in the same order."""
        del node
        if self._waiting or not ids:
            return
        for nodeid in ids:
            self._waiting.setdefault(part(Path(nodeid.split("::")[0])), set()).add(nodeid)
        try:
            self._conductor.open(list(self._waiting))
        except SeatrialError as error:
            self._conductor.problem = error
            pytest.exit(str(error), returncode=error.exit_code)
        self._conductor.share()
        threading.Thread(target=self._conduct, name="conductor", daemon=True).start()

    def _conduct(self) -> None:
        suites = list(self._waiting)
        for number, suite in enumerate(suites):
            try:
                self._conductor.enter(suite)
            except Exception as error:  # noqa: BLE001 - whatever it is, the workers wait for this thread's word
                self._conductor.give_up(suites[number:], as_ours(error))
                return
            if self._await_end(self._waiting[suite]):
                return

    def _await_end(self, items: set[str]) -> bool:
        """Wait until every item of a suite is over; return True when the session is."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or not items)
            return self._stopped

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take an item off its suite's list once it is over, or lost with its worker."""
        if report.when == LOST:
            self._conductor.lose(report.nodeid)
        if report.when in {"teardown", LOST}:
            self._tick_off(report.nodeid)

    def _tick_off(self, nodeid: str) -> None:
        with self._changed:
            for ids in self._waiting.values():
                ids.discard(nodeid)
            self._changed.notify_all()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object, error: object) -> None:
        """Note that a worker died: its check went with it, so the run is not whole."""
        del node
        if error:
            self._conductor.fail(EnvironmentFailure(f"an xdist worker died: {error}", slug="worker-crashed"))

    def pytest_sessionfinish(self) -> None:
        """Let the thread end."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
