"""pytest's hooks: collection becomes the plan, items become checks, the session's end becomes the verdict."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

from seatrial._interrupts import INTERRUPTED
from seatrial.campaign import SUITES, Entered, check_selection
from seatrial.core import (
    Check,
    CheckResult,
    EnvironmentFailure,
    Finding,
    Outcome,
    SeatrialError,
    find_blocker,
)
from seatrial.plugin._aggregates import Aggregates, Harness, aim, asks_for_coverage
from seatrial.plugin._checks import MARK, check_of, part, sort_items, suite_of
from seatrial.plugin._complete import complete
from seatrial.plugin._conductor import SESSION, Conductor, planned
from seatrial.plugin._defects import Defects
from seatrial.plugin._follower import Follower
from seatrial.plugin._outcomes import Blocked, NotTested, Recorded, RecordedSkip, judge_exception
from seatrial.plugin._settle import check_settings, settings_of, settle
from seatrial.plugin._together import Together
from seatrial.record import CheckFinished, CheckStarted

CONTEXT = pytest.StashKey[Conductor | Follower]()
ENTERED = pytest.StashKey[Entered]()
DEFECTS = pytest.StashKey[Defects]()
EXCHANGES = pytest.StashKey[list[Any]]()
HELD = pytest.StashKey[contextlib.ExitStack]()
DECIDED = pytest.StashKey[CheckResult]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what `seatrial run` has as options of its own."""
    group = parser.getgroup("seatrial")
    group.addoption("--seatrial-config", default="", metavar="FILE", help="the project's seatrial.toml")
    group.addoption("--seatrial-options", default="", metavar="JSON", help="what `seatrial run` was asked for")


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    """Point pytest-cov at the services before it starts; what is wrong with that is said by `pytest_configure`."""
    option = early_config.known_args_namespace
    if asks_for_coverage(option):
        with contextlib.suppress(SeatrialError):
            aim(option, settings_of(option, early_config.invocation_params.dir))
    return (yield)


def pytest_configure(config: pytest.Config) -> None:
    """Prepare to conduct a run, or to follow one (an xdist worker)."""
    config.addinivalue_line("markers", f"{MARK}(slug, ...): a check of seatrial; use @check(...)")
    if CONTEXT in config.stash or config.option.help:
        return
    try:
        settings, options = settle(config)
        check_settings(settings, options)
    except SeatrialError as error:
        raise pytest.UsageError(str(error)) from error
    if options.cover:
        config.pluginmanager.register(Harness(), "seatrial-harness")
    if worker := _worker(config):
        config.stash[CONTEXT] = Follower(settings, options, conductor=int(os.environ[SESSION]), worker=worker)
    else:
        conduct(config, Conductor(settings, options))


def conduct(config: pytest.Config, conductor: Conductor) -> None:
    """Make this session the one that conducts; with xdist its workers learn where to look."""
    config.stash[CONTEXT] = conductor
    if conductor.options.cover:
        config.pluginmanager.register(Aggregates(conductor), "seatrial-aggregates")
    if getattr(config.option, "numprocesses", None):
        os.environ[SESSION] = str(os.getpid())
        config.pluginmanager.register(Together(conductor), "seatrial-together")


def _worker(config: pytest.Config) -> str:
    return str(getattr(config, "workerinput", {}).get("workerid", ""))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one item of a load check for each declared scenario."""
    if "scenario" in metafunc.fixturenames:
        names = list(metafunc.config.stash[CONTEXT].settings.load)
        metafunc.parametrize("scenario", names or [""], ids=names or ["none"], indirect=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Refuse a suite that does not exist before anything is imported."""
    context = session.config.stash[CONTEXT]
    roots = [session.config.invocation_params.dir / argument.split("::")[0] for argument in session.config.args]
    found = {suite_of(path) for root in roots if root.is_dir() for path in root.rglob("test_*.py")}
    try:
        check_selection(context.options.only, found | set(SUITES))
    except SeatrialError as error:
        abort(context, error)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even import a suite that was not selected."""
    only = config.stash[CONTEXT].options.only
    return True if only and collection_path.is_file() and suite_of(collection_path) not in only else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the items into the order in which they have to run."""
    context = config.stash[CONTEXT]
    try:
        items[:] = sort_items(items)
    except SeatrialError as error:
        abort(context, error)
    if isinstance(context, Conductor) and context.options.smoke:
        leave_out(config, context, items)


def leave_out(config: pytest.Config, conductor: Conductor, items: list[pytest.Item]) -> None:
    """Take away what a run that changes nothing cannot decide; it is told how much that is."""
    left = [item for item in items if not check_of(item).safe]
    conductor.left_out = [check_of(item) for item in left]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if check_of(item).safe]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Open the run once it is known what it consists of (with xdist, `Together` does)."""
    context = session.config.stash[CONTEXT]
    together = session.config.pluginmanager.has_plugin("seatrial-together")
    if isinstance(context, Follower) or together or session.config.option.collectonly or not session.items:
        return
    if session.testsfailed and not session.config.option.continue_on_collection_errors:
        return
    if context.problem:  # pytest comes here also where collection was ended
        return
    checks = {item.nodeid: check_of(item) for item in session.items}
    try:
        context.open(dict.fromkeys(part(item.path) for item in session.items))
        context.plan(checks)
    except SeatrialError as error:
        abort(context, error)


def abort(context: Conductor | Follower, error: SeatrialError) -> NoReturn:
    """End the session before anything runs; `seatrial run` shows the error, plain pytest its text."""
    context.problem = error
    pytest.exit(str(error), returncode=error.exit_code)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Announce the plan once for all workers."""
    context = session.config.stash[CONTEXT]
    if isinstance(context, Follower) and _worker(session.config) == "gw0":
        for item in session.items:
            context.sink.emit(planned(check_of(item), item.nodeid))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Enter the suite, then see whether this check can be decided here."""
    context, check = item.config.stash[CONTEXT], check_of(item)
    item.stash[DEFECTS] = Defects(check)
    item.stash[EXCHANGES] = []
    item.stash[HELD] = contextlib.ExitStack()
    try:
        entered = context.enter(part(item.path))
    except SeatrialError as error:
        item.session.shouldstop = error.what
        raise
    item.stash[ENTERED] = entered
    context.sink.emit(CheckStarted(check=check.slug))
    if not _refuted(check, entered):
        _look_for_blocker(item, context, check, entered)
    _look_for_needs(check, entered)
    if isinstance(context, Follower):  # not before: another worker needs the stack for what is waited for above
        item.stash[HELD].enter_context(context.hold(exclusive="control" in check.needs))


def _refuted(check: Check, entered: Entered) -> bool:
    """Return whether the suite's instrument refuted a check, of one limit of several: it knew what stood before."""
    return check.slug in entered.results and entered.results[check.slug].outcome is Outcome.FAILED


def _left(check: Check, entered: Entered) -> str:
    """Return why the suite's instrument did not test a check; empty where it did, or says nothing of it.

    That is told rather than which check before it was not tested: those with one reason share a line.
    """
    result = entered.results.get(check.slug)
    return result.reason if result and result.outcome is Outcome.NOT_TESTED else ""


def _look_for_blocker(item: pytest.Item, context: Conductor | Follower, check: Check, entered: Entered) -> None:
    here = {check_of(other).slug for other in item.session.items}
    ended = context.outcomes(slug for slug in check.presupposes if slug in here)
    # What is not promised cannot stand in the way: each check says for itself what it needs declared.
    fine = [slug for slug, outcome in ended.items() if outcome in {Outcome.PASSED, Outcome.NOT_APPLICABLE}]
    blocker = find_blocker(check, fine, ended)
    if blocker and ended[blocker] is Outcome.NOT_TESTED:
        raise NotTested(_left(check, entered) or f"{blocker} was not tested")
    if blocker:
        raise Blocked(f"{blocker} did not pass")


def _look_for_needs(check: Check, entered: Entered) -> None:
    if entered.not_tested:
        raise NotTested(entered.not_tested)
    for need in check.needs:
        if entered.driver and need not in entered.abilities:
            raise NotTested(f"the {entered.driver} driver has no {need}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Write the outcome of the check down: its call's, or that of a setup or teardown that went wrong."""
    report = yield
    error = call.excinfo.value if call.excinfo else None
    if isinstance(error, (KeyboardInterrupt, pytest.exit.Exception)):
        return report
    if call.when == "call" or error:
        settings = item.config.stash[CONTEXT].settings
        _write_down(item, complete(_result(item, error, call.duration), item, settings))
    if call.when == "teardown" and HELD in item.stash:
        item.stash[HELD].close()
    return report


def _write_down(item: pytest.Item, result: CheckResult) -> None:
    """Record a result; where that is impossible the session ends, as nothing that follows could be proved."""
    context = item.config.stash[CONTEXT]
    try:
        context.sink.emit(CheckFinished(result=result))
    except SeatrialError as error:
        context.problem = error
        item.session.shouldstop = error.what


def _result(item: pytest.Item, error: BaseException | None, duration_s: float) -> CheckResult:
    check = check_of(item)
    if isinstance(error, (Recorded, RecordedSkip)):
        return error.result
    if error is None:
        passed = CheckResult(check=check.slug, outcome=Outcome.PASSED)
        return replace(item.stash.get(DECIDED, passed), duration_s=duration_s)
    outcome, reason = judge_exception(error)
    findings = _findings(item, check, reason) if outcome is Outcome.FAILED else ()
    return CheckResult(check=check.slug, outcome=outcome, reason=reason, findings=findings, duration_s=duration_s)


def _findings(item: pytest.Item, check: Check, reason: str) -> tuple[Finding, ...]:
    """Return what the item noted, or one finding made of its message and its last exchange."""
    if item.stash[DEFECTS].found:
        return tuple(item.stash[DEFECTS].found)
    from seatrial.http import curl_for  # noqa: PLC0415 - a failure's path

    exchanges = item.stash[EXCHANGES]
    last = exchanges[-1] if exchanges else None
    return (
        Finding(
            check=check.slug,
            severity=check.severity,
            title=reason,
            cause=check.slug.partition(".")[2],
            operation=last.operation if last else "",
            evidence=tuple(exchange.id for exchange in exchanges[-5:]),
            replay=curl_for(last) if last else "",
        ),
    )


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Judge the run and make its exit code the session's."""
    context = session.config.stash.get(CONTEXT, None)
    if not isinstance(context, Conductor) or session.config.option.collectonly:
        return
    if context.run is None:
        session.exitstatus = _never_opened(session, context, exitstatus)
        return
    if exitstatus in {pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR}:
        context.fail(EnvironmentFailure("pytest could not run every check", slug="pytest-broken"))
    try:
        session.exitstatus = context.finish(interrupted=exitstatus == pytest.ExitCode.INTERRUPTED)
    except SeatrialError as error:
        abort(context, error)


def _never_opened(session: pytest.Session, conductor: Conductor, exitstatus: int) -> int:
    """Return the exit code of a session without a run: suites that do not import are 2, no checks at all are 3."""
    if exitstatus == pytest.ExitCode.INTERRUPTED and not session.testsfailed and conductor.problem is None:
        return INTERRUPTED
    if session.testsfailed:
        return 2
    return 3 if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED else exitstatus


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show the verdict where pytest shows its own."""
    context = config.stash.get(CONTEXT, None)
    if isinstance(context, Conductor) and context.run:
        terminalreporter.section("seatrial")
        for line in context.summary():
            terminalreporter.write_line(line)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing running."""
    context = config.stash.get(CONTEXT, None)
    if isinstance(context, Conductor):
        context.close()
