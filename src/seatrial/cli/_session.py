"""Run pytest in this process, with our own view in place of pytest's."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seatrial._interrupts import INTERRUPTED, end_in_order
from seatrial.campaign import Options, as_shard, choose
from seatrial.cli._options import config_path
from seatrial.cli._say import say
from seatrial.cli._view import LiveView, PlainView, make_view
from seatrial.config import Settings, load_settings
from seatrial.core import Check, UsageError, content
from seatrial.gate import rules_for
from seatrial.plugin import Conductor, check_of, check_settings, check_waivers, conduct

SHIPPED = "shipped"
FOREIGN = ("PYTEST_ADDOPTS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD")
"""What is meant for a pytest that somebody starts: here it would deselect checks, or leave our own plugin out."""

SHARED = ("verdict", "reason", "exit_code", "stack", "profile", "seed")
"""What the one JSON object of a command says of its run, as verdict.json has it."""

WITHOUT = ("cacheprovider", "terminal", "randomly", "schemathesis", "locust", "valkey")
"""What pytest does without here: our view stands in for its own, and the engines run in processes of their own."""


class Carrier:
    """Hand our conductor to pytest's session, and keep what went wrong while it collected."""

    def __init__(self, conductor: Conductor) -> None:
        self._conductor = conductor
        self.broken: list[str] = []
        self.checks: list[Check] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Let the plugin use our conductor."""
        conduct(config, self._conductor)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep why a suite could not be imported."""
        if report.failed:
            self.broken.append(f"{report.nodeid}: {report.longreprtext.strip().splitlines()[-1]}")

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Keep what was selected."""
        self.checks = [check_of(item) for item in session.items]


def suite_folders(settings: Settings) -> list[Path]:
    """Return where the suites are: the project's own, or the shipped ones."""
    shipped = content("suites")
    return [shipped if folder == SHIPPED else settings.root / folder for folder in settings.suites] or [shipped]


def pytest_arguments(settings: Settings, config: Path | None, options: Options, workers: str = "") -> list[str]:
    """Return the arguments of one session, whatever the project's own pytest configuration says."""
    folders = suite_folders(settings)
    arguments = [str(folder) for folder in folders]
    arguments += ["-c", str(content("suites") / "pytest.ini"), "--rootdir", str(folders[0])]
    arguments += [word for plugin in WITHOUT for word in ("-p", f"no:{plugin}")]
    arguments += ["--seatrial-config", str(config or ""), "--seatrial-options", options.to_json()]
    return [*arguments, "-n", workers] if workers and workers != "0" else arguments


def settle(config: str, options: dict[str, Any]) -> tuple[Path, Settings, Options]:
    """Return everything that a session starts from; raises UsageError."""
    path = config_path(config).resolve()
    settings = load_settings(path)
    return path, settings, settle_options(settings, {**options, "config": config})


def settle_options(settings: Settings, options: dict[str, Any]) -> Options:
    """Return what a run is asked for, and refuse what could only fail later; raises UsageError."""
    command = shlex.join(["seatrial", *sys.argv[1:]])
    settled = Options(timeout_s=options.pop("timeout", None), command=command, **options)
    check_settings(settings, settled)
    return settled


def run_session(*, config: str, workers: str, shard: str = "", **options: Any) -> int:
    """Run the selected suites and return the exit code."""
    path, settings, settled = settle(config, options)
    if settled.smoke:
        _refuse_beside_smoke(settled, workers, shard)
    if settings.waivers or shard:  # here, as the controller of several workers never sees an item
        checks = collect_checks(settings, path, settled)
        _refuse_waivers(settings, path, settled, checks)
        settled = _share(settled, shard, checks)
    return conduct_session(path, settings, settled, view=make_view(), tell=Conductor.summary, workers=workers)


def _share(settled: Options, shard: str, checks: Sequence[Check]) -> Options:
    """Return the options of a shard, where one is wanted: its suites are a part of all that these checks are of."""
    return as_shard(settled, shard, Counter(check.suite for check in checks)) if shard else settled


def _refuse_beside_smoke(settled: Options, workers: str, shard: str) -> None:
    """Refuse what could not keep to one budget of requests, or sends more than it; raises UsageError."""
    given = {"-n": workers not in {"", "0"}, "--shard": bool(shard), "--deep": settled.deep}
    for option in (option for option, there in given.items() if there):
        raise UsageError(
            f"the profile smoke takes no {option}",
            slug="smoke-options",
            where=option,
            remedy="leave it out: one process counts what is sent, and few requests are",
        )


def _refuse_waivers(settings: Settings, path: Path, settled: Options, checks: Sequence[Check]) -> None:
    """Refuse a waiver of no check, where all checks are selected; raises UsageError."""
    if settled.smoke and settings.waivers:  # which has a part of them
        settled = replace(settled, profile="quick")
        checks = collect_checks(settings, path, settled)
    if not settled.only:
        check_waivers(settings, (check.slug for check in checks))


def conduct_session(  # noqa: PLR0913 - by keyword, each is needed once
    path: Path | None,
    settings: Settings,
    settled: Options,
    *,
    view: PlainView | LiveView,
    tell: Callable[[Conductor], list[str]],
    workers: str = "",
) -> int:
    """Run the selected suites, print what `tell` says of them, and return the exit code."""
    conductor = Conductor(settings, settled, listeners=[view.handle])
    carrier = Carrier(conductor)
    with view, _ending(conductor, settled.timeout_s):
        try:
            code = _run_pytest(pytest_arguments(settings, path, settled, workers), carrier)
        finally:
            conductor.close()
        if code == INTERRUPTED and conductor.exit_code is None:
            raise KeyboardInterrupt  # before there was anything to judge
    _raise_problems(conductor, carrier)
    if conductor.exit_code is None:
        return int(code)
    for line in tell(conductor):
        say(line)
    return conductor.exit_code


def _run_pytest(arguments: list[str], carrier: Carrier) -> int:
    for name in FOREIGN:
        os.environ.pop(name, None)
    return pytest.main(arguments, plugins=[carrier])


def verdict_of(conductor: Conductor) -> dict[str, Any]:
    """Return the verdict that the run wrote down."""
    if conductor.run is None:
        return {}
    found: dict[str, Any] = json.loads((conductor.run.directory / "verdict.json").read_text(encoding="utf-8"))
    return found


def _raise_problems(conductor: Conductor, carrier: Carrier) -> None:
    if conductor.problem:
        raise conductor.problem
    if carrier.broken:
        raise UsageError(
            "a suite cannot be imported",
            slug="suite-broken",
            where=carrier.broken[0].partition(":")[0],
            remedy="mend it, or leave it out with --only",
            details="\n".join(carrier.broken[:5]),
        )
    if conductor.run is None and not carrier.checks:
        raise UsageError(
            "not one check was selected", slug="suite-empty", where="--only", remedy="name a suite that has checks"
        )


@contextlib.contextmanager
def _ending(conductor: Conductor, timeout_s: float | None) -> Iterator[None]:
    """End on SIGTERM as on Ctrl-C, and after the time that the user allows."""
    end_in_order()
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    timer = threading.Timer(timeout_s or 0, _time_out, [conductor])
    timer.daemon = True
    if timeout_s:
        timer.start()
    try:
        yield
    except KeyboardInterrupt:
        if conductor.timed_out:
            raise conductor.interruption() from None
        raise
    finally:
        timer.cancel()
        signal.signal(signal.SIGTERM, before)


def _time_out(conductor: Conductor) -> None:
    conductor.timed_out = True
    os.kill(os.getpid(), signal.SIGINT)


def collect_checks(settings: Settings, config: Path | None, options: Options) -> list[Check]:
    """Return the checks that a run would decide, in its order, without starting anything."""
    carrier = Carrier(Conductor(settings, options))
    _run_pytest([*pytest_arguments(settings, config, options), "--collect-only"], carrier)
    _raise_problems(carrier._conductor, carrier)  # noqa: SLF001 - made two lines above
    return carrier.checks


def show_plan(*, config: str, workers: str, shard: str = "", **options: Any) -> int:
    """Say what a run would do."""
    path, settings, settled = settle(config, options)
    checks = collect_checks(settings, path, settled)
    _refuse_waivers(settings, path, settled, checks)
    settled = _share(settled, shard, checks)
    checks = [check for check in checks if not shard or check.suite in settled.only]
    _, choice = choose(settings, settled)
    say(f"stack    {choice.driver}: {choice.why}")
    say(f"profile  {settled.profile}")
    if settled.smoke:
        _refuse_beside_smoke(settled, workers, shard)
        say(f"requests at most {settings.smoke.max_requests}, {settings.smoke.rate_per_s:g}/s: GET, HEAD and OPTIONS")
    if shard:
        say(f"shard    {shard}: its gates are judged when all shards are merged: seatrial merge")
    for suite in dict.fromkeys(check.suite for check in checks):
        say(f"suite    {suite}: {_counted(checks, suite)}")
    for rule in rules_for(settings.gate, settled.profile):
        say(f"gate     {rule.text}{' (informational)' if rule.informational else ''}")
    for stage, budget_s in settings.budget_s.get(settled.profile, {}).items():
        say(f"budget   {stage}: {budget_s:g} s")
    return 0


def _counted(checks: Sequence[Check], suite: str) -> str:
    slugs = [check.slug for check in checks if check.suite == suite]
    return f"{len(slugs)} checks ({', '.join(slugs)})"
