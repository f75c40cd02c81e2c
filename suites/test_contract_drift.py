"""What was published of the contract, against the document that is served now."""

from __future__ import annotations

import pytest

from seatrial.campaign import Entered
from seatrial.config import ContractSettings, Settings
from seatrial.openapi.diff import ACCEPT, Judged, Level, counting, drift
from seatrial.plugin import Defects, Instrument, check, not_applicable, not_tested


@pytest.fixture
def changes(settings: Settings, contract: ContractSettings, entered: Entered) -> list[Judged]:
    """Return what changed since the baseline; ends the item where there is none."""
    del contract
    found = drift(settings, entered.url)
    if found is None:
        not_applicable(f"[contract] baseline is not declared: {ACCEPT}")
    return found


def note(found: list[Judged], contract: ContractSettings, defects: Defects) -> None:
    """Note each change as a defect, where it is in the document."""
    for each in found:
        over = f"; its waiver is over, it held {each.expired}" if each.expired else ""
        defects.add(
            each.title + over,
            cause=f"{each.change.kind} at {each.change.at}",
            operation=each.operations[0] if each.operations else "",
            location=contract.baseline,
            detail=", ".join(each.operations),
        )


@check(
    "contract.no-breaking-change",
    title="what was published is not broken",
    severity="high",
)
def test_no_breaking_change(changes: list[Judged], contract: ContractSettings, defects: Defects) -> None:
    """The served document breaks nobody who keeps to the published one: requests may be widened, answers narrowed."""
    note(counting(changes, Level.BREAKING), contract, defects)
    defects.none()


@check(
    "contract.no-risky-change",
    title="nothing changed that may break somebody",
    severity="medium",
)
def test_no_risky_change(changes: list[Judged], contract: ContractSettings, defects: Defects) -> None:
    """No change of the document may break somebody: such a one takes a person to say that it does not."""
    risky = counting(changes, Level.RISKY)
    if risky and contract.risky == "note":
        not_tested(f"[contract] risky is noted only: {'; '.join(each.title for each in risky)}")
    note(risky, contract, defects)
    defects.none()


@check(
    "contract.old-promises-hold",
    title="what was published still holds",
    severity="high",
    presupposes=("contract.no-breaking-change",),
)
def test_old_promises_hold(instrument: Instrument, contract: ContractSettings) -> None:
    """The published document, fuzzed on the service of today, holds: its valid input is accepted, its answers come."""
    if not contract.baseline:
        not_applicable(f"[contract] baseline is not declared: {ACCEPT}")
    assert instrument.confirms()
