"""What every answer has in common, whatever operation the fuzzer asked and whatever it got."""

from __future__ import annotations

from seatrial.config import ContractSettings, ErrorSettings, TracingSettings
from seatrial.plugin import Instrument, check


@check(
    "contract.status-named",
    title="no status hides behind default",
    severity="low",
)
def test_status_named(instrument: Instrument, contract: ContractSettings) -> None:
    """No status comes that only `default` documents, where that is not to cover it: clients cannot handle the rest."""
    del contract
    assert instrument.confirms()


@check(
    "contract.errors-enveloped",
    title="errors of every operation have one form",
    severity="medium",
)
def test_errors_enveloped(instrument: Instrument, contract: ContractSettings, errors: ErrorSettings) -> None:
    """Each answer of 4xx has the declared fields, with its own trace id, whichever operation gave it."""
    del contract, errors
    assert instrument.confirms()


@check(
    "contract.errors-discreet",
    title="errors of every operation show nothing of the inside",
    severity="medium",
    cwe=(209,),
    owasp=("API8:2023",),
)
def test_errors_discreet(instrument: Instrument, contract: ContractSettings) -> None:
    """No error holds a stack trace, a secret, SQL or a path of the server that was not in its request."""
    del contract
    assert instrument.confirms()


@check(
    "contract.trace-ids",
    title="every answer has a trace id of its own",
    severity="medium",
)
def test_trace_ids(instrument: Instrument, contract: ContractSettings, tracing: TracingSettings) -> None:
    """Each answer of each operation carries a valid trace id that no other answer has."""
    del contract, tracing
    assert instrument.confirms()


@check(
    "contract.in-time",
    title="operations answer within their time",
    severity="medium",
    cwe=(400,),
)
def test_in_time(instrument: Instrument, contract: ContractSettings) -> None:
    """No request takes longer than declared each of four times: once, a busy machine may be slow."""
    del contract
    assert instrument.confirms()
