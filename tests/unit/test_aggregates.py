"""What `--cov` makes of pytest-cov: the packages of the services, and branches, as these are measured."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest

from seatrial.config import CoverageSettings, Settings
from seatrial.core import UsageError
from seatrial.plugin._aggregates import aim, asks_for_coverage

MEASURED = CoverageSettings(services=("api",), source="svc", packages=("app", "jobs"))


def given(*names: object, no_cov: bool = False) -> Namespace:
    """Return options as pytest-cov reads them."""
    return Namespace(cov_source=[*names], cov_branch=None, no_cov=no_cov)


def test_a_bare_flag_is_aimed_at_the_packages(tmp_path: Path) -> None:
    """Also a second time: xdist hands options that were aimed already to its workers."""
    option, settings = given(True), Settings(root=tmp_path, coverage=MEASURED)
    for _ in range(2):
        aim(option, settings)
        assert option.cov_source == [str(tmp_path / "svc/app"), str(tmp_path / "svc/jobs")]
        assert option.cov_branch is True


@pytest.mark.parametrize("names", [("app",), ("",), (True, "app")])
def test_a_name_is_refused(tmp_path: Path, names: tuple[object, ...]) -> None:
    """It would be taken for a choice of what is shown, which it cannot be."""
    with pytest.raises(UsageError, match="--cov takes no name here") as caught:
        aim(given(*names), Settings(root=tmp_path, coverage=MEASURED))
    assert caught.value.slug == "coverage-named"


@pytest.mark.parametrize("coverage", [None, CoverageSettings(services=())])
def test_without_a_measured_service_there_is_nothing_to_show(tmp_path: Path, coverage: CoverageSettings | None) -> None:
    """Rather than to show the harness."""
    with pytest.raises(UsageError, match="nothing says what to measure") as caught:
        aim(given(True), Settings(root=tmp_path, coverage=coverage))
    assert caught.value.slug == "coverage-undeclared"


@pytest.mark.parametrize(
    ("option", "asks"),
    [(given(True), True), (given(), False), (given(True, no_cov=True), False), (Namespace(), False)],
)
def test_what_asks_for_coverage(option: Namespace, asks: bool) -> None:
    """`--no-cov` takes it back; without pytest-cov nobody can ask."""
    assert asks_for_coverage(option) is asks
