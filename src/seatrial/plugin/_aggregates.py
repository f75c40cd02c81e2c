"""pytest-cov, pointed at the services: its flags show and gate what they executed, and not what this process does.

--cov --> the packages of [coverage] --the items run--> what the services recorded --> beside pytest-cov's own data
    pytest-cov combines, reports, and judges --cov-fail-under --> a gate of the run
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from seatrial.config import Settings
from seatrial.core import EnvironmentFailure, GateResult, SeatrialError, UsageError, Verdict
from seatrial.plugin._conductor import Conductor

PYTEST_COV = "_cov"
"""The name by which pytest knows pytest-cov where `--cov` was given."""

SILENT = "no-data-collected"


def asks_for_coverage(option: Namespace) -> bool:
    """Return whether `--cov` was given, and not taken back."""
    return bool(getattr(option, "cov_source", None)) and not option.no_cov


def aim(option: Namespace, settings: Settings) -> None:
    """Let pytest-cov measure the packages of the services, and branches as they do; raises UsageError."""
    packages = _packages(settings)
    if option.cov_source not in ([True], packages):
        raise UsageError(
            "--cov takes no name here: it shows what the services executed",
            slug="coverage-named",
            where=f"--cov={option.cov_source[0]}",
            remedy="give --cov alone; [coverage] packages of seatrial.toml says what is measured",
        )
    option.cov_source, option.cov_branch = packages, True


def _packages(settings: Settings) -> list[str]:
    found = settings.coverage
    if found is None or not found.services:
        raise UsageError(
            "nothing says what to measure",
            slug="coverage-undeclared",
            where="--cov",
            remedy="declare [coverage] with the services that run Python, or leave --cov out",
        )
    return [str((settings.root / found.source / package).resolve()) for package in found.packages]


class Harness:
    """Leave out what this process executes: that is the harness, in its workers too."""

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Stop what pytest-cov has started by now, and what it would say of that."""
        controller = _pytest_cov(session.config).cov_controller
        controller.pause()
        controller.cov.set_option("run:disable_warnings", [*controller.cov.get_option("run:disable_warnings"), SILENT])


class Aggregates:
    """Hand over what the services executed before pytest-cov combines, and keep what it says of that."""

    def __init__(self, conductor: Conductor) -> None:
        self._conductor = conductor

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Come between the items and pytest-cov, which wraps this."""
        result = yield
        if self._conductor.run:
            try:
                _hand_over(self._conductor, session.config)
            except SeatrialError as error:
                self._conductor.fail(error)
        return result

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Make what pytest-cov judged a gate: a run has one verdict."""
        found = _pytest_cov(session.config)
        if self._conductor.run and found.options.cov_fail_under:
            self._conductor.gates.append(_gate(found.cov_total, found.options))


def _hand_over(conductor: Conductor, config: pytest.Config) -> None:
    """Put what the services recorded where pytest-cov combines; raises EnvironmentFailure where that is not all."""
    evidence = conductor.campaign.cover()
    if gaps := [result.reason for result in evidence.results if result.reason]:
        raise EnvironmentFailure(
            "; ".join(gaps),
            slug="coverage-incomplete",
            where="--cov",
            remedy="the checks of suites/test_coverage.py say more; see [coverage] of seatrial.toml",
        )
    target = _pytest_cov(config).cov_controller.combining_cov.get_option("run:data_file")
    conductor.campaign.hand_over(Path(f"{target}.seatrial"))


def _gate(total: float | None, options: Namespace) -> GateResult:
    """Return what --cov-fail-under decided, as pytest-cov decides it: rounded, but for 100 %."""
    from coverage.results import should_fail_under  # noqa: PLC0415 - takes a while to import, as all of coverage does

    wanted = float(options.cov_fail_under)
    status = Verdict.INCONCLUSIVE
    if total is not None:
        status = Verdict.FAIL if should_fail_under(total, wanted, options.cov_precision) else Verdict.PASS
    shown = "was never measured" if total is None else f"is {total:.2f} %"
    return GateResult(
        id=f"--cov-fail-under {wanted:g}",
        metric="coverage.pytest-cov",
        operator=">=",
        threshold=wanted,
        value=total,
        unit="percent",
        status=status,
        reason=f"coverage as pytest-cov shows it {shown}, wanted is >= {wanted:g} %",
    )


def _pytest_cov(config: pytest.Config) -> Any:
    return config.pluginmanager.getplugin(PYTEST_COV)
