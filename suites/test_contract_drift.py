"""What was published of the contract, against the document that is served now and the service that serves it."""

from __future__ import annotations

import pytest

from seatrial.config import ContractSettings
from seatrial.openapi.diff import ACCEPT
from seatrial.plugin import Instrument, check, not_applicable


@pytest.fixture
def published(instrument: Instrument, contract: ContractSettings) -> Instrument:
    """Return what the instrument decided; ends the item where nothing was published."""
    if not contract.baseline:
        not_applicable(f"[contract] baseline is not declared: {ACCEPT}")
    return instrument


@check(
    "contract.no-breaking-change",
    title="what was published is not broken",
    severity="high",
    safe=True,
)
def test_no_breaking_change(published: Instrument) -> None:
    """The served document breaks nobody who keeps to the published one: requests may be widened, answers narrowed."""
    assert published.confirms()


@check(
    "contract.no-risky-change",
    title="nothing changed that may break somebody",
    severity="medium",
    safe=True,
)
def test_no_risky_change(published: Instrument) -> None:
    """No change of the document may break somebody: such a one takes a person to say that it does not."""
    assert published.confirms()


@check(
    "contract.old-promises-hold",
    title="what was published still holds",
    severity="high",
    presupposes=("contract.no-breaking-change",),
)
def test_old_promises_hold(published: Instrument) -> None:
    """The published document, fuzzed on the service of today, holds: its valid input is accepted, its answers come."""
    assert published.confirms()
