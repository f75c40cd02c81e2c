"""What the served OpenAPI document promises, fuzzed."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable

import httpx
import jsonschema

from seatrial.config import ContractSettings, Settings
from seatrial.core import Identity, content
from seatrial.http import IdentityPool
from seatrial.plugin import Defects, Instrument, check, inconclusive, not_applicable


@check(
    "contract.operations-reached",
    title="every operation was exercised",
    severity="medium",
)
def test_operations_reached(instrument: Instrument, contract: ContractSettings) -> None:
    """Each documented operation was reached: what was never called was never verified."""
    del contract
    assert instrument.confirms()


@check(
    "contract.not-rate-limited",
    title="the fuzzer was heard",
    severity="medium",
)
def test_not_rate_limited(instrument: Instrument, contract: ContractSettings) -> None:
    """The rate limiter did not drown the fuzzer: answers of 429 say nothing about an operation."""
    del contract
    assert instrument.confirms()


@check(
    "contract.no-server-error",
    title="no request makes the service break",
    severity="high",
    cwe=(755,),
)
def test_no_server_error(instrument: Instrument, contract: ContractSettings) -> None:
    """No generated request is answered with 5xx: whatever a client sends is the client's fault."""
    del contract
    assert instrument.confirms()


@check(
    "contract.status-documented",
    title="only documented statuses occur",
    severity="medium",
)
def test_status_documented(instrument: Instrument, contract: ContractSettings) -> None:
    """Each answer's status is documented for its operation."""
    del contract
    assert instrument.confirms()


@check(
    "contract.content-type-documented",
    title="only documented media types occur",
    severity="medium",
)
def test_content_type_documented(instrument: Instrument, contract: ContractSettings) -> None:
    """Each answer has a documented media type."""
    del contract
    assert instrument.confirms()


@check(
    "contract.headers-documented",
    title="documented headers are there",
    severity="low",
)
def test_headers_documented(instrument: Instrument, contract: ContractSettings) -> None:
    """Each required response header is there and of its documented form."""
    del contract
    assert instrument.confirms()


@check(
    "contract.response-schema",
    title="answers match their schema",
    severity="high",
)
def test_response_schema(instrument: Instrument, contract: ContractSettings) -> None:
    """Each answer's body matches the documented schema."""
    del contract
    assert instrument.confirms()


@check(
    "contract.invalid-input-refused",
    title="invalid input is refused",
    severity="high",
    cwe=(20,),
)
def test_invalid_input_refused(instrument: Instrument, contract: ContractSettings) -> None:
    """Input that breaks the schema is refused with 4xx."""
    del contract
    assert instrument.confirms()


@check(
    "contract.valid-input-accepted",
    title="valid input is accepted",
    severity="medium",
)
def test_valid_input_accepted(instrument: Instrument, contract: ContractSettings) -> None:
    """Input that keeps to the schema is not refused as malformed."""
    del contract
    assert instrument.confirms()


@check(
    "contract.authentication-enforced",
    title="declared authentication is enforced",
    severity="critical",
    cwe=(306,),
    owasp=("API2:2023",),
)
def test_authentication_enforced(instrument: Instrument, contract: ContractSettings) -> None:
    """Operations with a security requirement refuse requests without valid credentials."""
    del contract
    assert instrument.confirms()


@check(
    "contract.method-not-allowed",
    title="undocumented methods are refused",
    severity="low",
)
def test_method_not_allowed(instrument: Instrument, contract: ContractSettings) -> None:
    """A method that is not documented is answered with 405 and Allow (RFC 9110, 15.5.6)."""
    del contract
    assert instrument.confirms()


@check(
    "contract.resource-lifecycle",
    title="resources live and die as documented",
    severity="high",
)
def test_resource_lifecycle(instrument: Instrument, contract: ContractSettings) -> None:
    """What was created can be read, and what was deleted cannot: seen to its end where an answer links to both."""
    del contract
    assert instrument.confirms()


@check(
    "contract.headers-well-formed",
    title="headers have the agreed form",
    severity="low",
)
def test_headers_well_formed(
    client_as: Callable[[Identity | None], httpx.Client],
    identities: IdentityPool,
    settings: Settings,
    contract: ContractSettings,
    defects: Defects,
) -> None:
    """Each declared header comes, and always in the agreed form: the served document may promise less than that."""
    if not contract.headers:
        not_applicable("[contract] headers is not declared")
    path = settings.auth.protected if settings.auth and settings.auth.protected else settings.stack.ready
    somebody = client_as(identities.lease(1)[0] if settings.auth else None)
    try:
        answers = [
            somebody.get(path),
            client_as(None).get(path),
            client_as(None).get(path, headers={"Authorization": "Bearer no-token"}),
            somebody.get(f"/no-such-path-{secrets.token_hex(4)}"),
        ]
    except httpx.TransportError as error:
        inconclusive(f"the service does not answer: {error}")
    schema = json.loads((content("contracts") / "schemas" / "headers.json").read_text())
    for name in contract.headers:
        found = [(answer, answer.headers[name]) for answer in answers if name in answer.headers]
        if not found:
            defects.add(f"{name} is on none of {len(answers)} answers", cause=f"missing-{name.lower()}")
        for answer, value in found:
            for problem in jsonschema.Draft202012Validator(schema).iter_errors({name.lower(): value}):
                title = f"{name} on a {answer.status_code}: {problem.message}"
                operation = f"GET {answer.request.url.path}"
                defects.add(title, cause=f"malformed-{name.lower()}", operation=operation)
    defects.none()
