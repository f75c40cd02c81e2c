"""`seatrial contract` on services that this project did not write: each finding has its reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from by_path import load_script

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "real_services.py"
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "real-services.md"


REAL = load_script(SCRIPT)


@pytest.mark.long
@pytest.mark.parametrize("name", [service.name for service in REAL.SERVICES])
def test_each_finding_has_its_reason(name: str, tmp_path: Path) -> None:
    """Whatever is found is known for what it is, and there is as much of each kind as the page says."""
    (service,) = (service for service in REAL.SERVICES if service.name == name)
    seen, unexplained = REAL.examine(service, tmp_path / "run")
    assert unexplained == [], "\n".join(REAL.rows(service, seen))
    assert seen.exit_code == 1
    grouped, _ = REAL.sorted_out(service, seen.findings)
    assert {group: len(grouped.get(group, ())) for group in service.groups} == {
        group: group.count for group in service.groups
    }


def test_the_page_has_every_service_and_every_reason() -> None:
    """What the script explains stands in the reference, by service and check, with whose mistake it is."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    for service in REAL.SERVICES:
        own = [line for line in lines if line.startswith(f"| `{service.name}` ")]
        assert any(service.package in line and service.about in line for line in own), service.name
        for group in service.groups:
            told = [line for line in own if group.why in line]
            assert told, (service.name, group.why)
            assert any(f"| {group.count} | {group.why} | {group.whose} |" in line for line in told), group


def test_what_nobody_explains_is_told() -> None:
    """A finding belongs to the first group that fits its check, its operation and its cause, or to none."""
    group = REAL.Group("no-server-error", "GET /a/.*", "server-error/500.*", "it breaks", "service", 1)
    service = REAL.Service("a", "a 1", "", "/", (), (group,))
    found = dict.fromkeys(
        (
            "no-server-error GET /a/{id} server-error/500/oops",
            "no-server-error GET /b server-error/500/oops",
            "status-documented GET /a/{id} undocumented/500",
        ),
        "t",
    )
    grouped, unexplained = REAL.sorted_out(service, found)
    assert grouped == {group: ["no-server-error GET /a/{id} server-error/500/oops"]}
    assert len(unexplained) == 2
