"""What takes requests of our own to see: whose a resource is, and what several requests say together."""

from __future__ import annotations

from seatrial.config import ContractSettings
from seatrial.plugin import Instrument, check


@check(
    "contract.tenants-apart",
    title="organisations neither read nor change each other's resources",
    severity="critical",
    cwe=(639,),
    owasp=("API1:2023",),
)
def test_tenants_apart(instrument: Instrument, contract: ContractSettings) -> None:
    """Each GET, PUT, PATCH and DELETE of a new resource is refused to a stranger, leaves it as it was, and works."""
    del contract
    assert instrument.confirms()


@check(
    "contract.pages-complete",
    title="pages show everything once",
    severity="high",
)
def test_pages_complete(instrument: Instrument, contract: ContractSettings) -> None:
    """Whoever turns the pages of a list to its end has seen each thing that was made, and none of them twice."""
    del contract
    assert instrument.confirms()


@check(
    "contract.created-readable",
    title="what was made is there at once",
    severity="medium",
)
def test_created_readable(instrument: Instrument, contract: ContractSettings) -> None:
    """What an answer says was made can be read by the next request: clients follow it without waiting."""
    del contract
    assert instrument.confirms()


@check(
    "contract.idempotent",
    title="PUT and DELETE may be sent twice",
    severity="medium",
)
def test_idempotent(instrument: Instrument, contract: ContractSettings) -> None:
    """The second time, PUT and DELETE leave what the first time left (RFC 9110, 9.2.2): networks make clients retry."""
    del contract
    assert instrument.confirms()


@check(
    "contract.methods-agree",
    title="HEAD and OPTIONS agree with GET",
    severity="low",
)
def test_methods_agree(instrument: Instrument, contract: ContractSettings) -> None:
    """HEAD announces what GET sends, where it is allowed, and Allow lists each documented method (RFC 9110, 9.3.2)."""
    del contract
    assert instrument.confirms()
