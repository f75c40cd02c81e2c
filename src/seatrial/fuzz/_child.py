"""The process in which Schemathesis's engine runs (`python -m seatrial.fuzz._child`).

order on standard input -> engine events -> one JSON line for each request on standard output. All that touches the
internals of Schemathesis is in this module; it is pinned exactly in pyproject.toml.
"""

from __future__ import annotations

import sys
from typing import Any, BinaryIO

import msgspec
import schemathesis
from schemathesis.engine import Status, events, from_schema

from seatrial.fuzz._messages import Broken, Doing, Done, Message, Order, Sent, Verdict
from seatrial.fuzz._turns import NAME_ATTRIBUTE, PLACEHOLDER, Turns

CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "positive_data_acceptance",
    "missing_required_header",
    "unsupported_method",
    "use_after_free",
    "ensure_resource_availability",
]
PHASES = ["examples", "coverage", "fuzzing", "stateful"]
REQUEST_TIMEOUT_S = 10
LIMITED = 429
BODY_LIMIT = 8192
_encode = msgspec.json.Encoder().encode


def main() -> None:
    """Run one order."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    out = sys.stdout.buffer
    sys.stdout = sys.stderr  # what libraries print must not get between the lines
    Turns(order).install()
    schemathesis.hook(filter_failure)
    try:
        run(order, out)
    except Exception as error:  # noqa: BLE001 - told to the harness, whatever it is
        write(out, Broken(message=f"{type(error).__name__}: {error}", fatal=True))
        return
    write(out, Done())


def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:  # noqa: ARG001 - a hook's signature
    """Drop what is said about answers of the rate limiter: they are counted apart."""
    return bool(response.status_code != LIMITED)


def load(order: Order) -> Any:
    """Return the schema, configured to repeat itself: one worker, a seed, no example database."""
    schema = schemathesis.openapi.from_dict(order.document, config=schemathesis.Config(seed=order.seed))
    headers = {name: PLACEHOLDER for _, headers in order.identities[:1] for name in headers}
    schema.config.update(
        base_url=order.base_url, headers=headers, workers=1, request_timeout=REQUEST_TIMEOUT_S, continue_on_failure=True
    )
    schema.config.generation.update(
        max_examples=order.examples, database="none", no_shrink=True, with_security_parameters=False
    )
    schema.config.checks.update(included_check_names=CHECKS)
    schema.config.phases.update(phases=PHASES)
    return schema


def run(order: Order, out: BinaryIO) -> None:
    """Run every phase and write what happens."""
    for event in from_schema(load(order)).execute():
        match event:
            case events.PhaseStarted():
                write(out, Doing(phase=event.phase.name.value))
            case events.ScenarioFinished():
                write_scenario(out, event.recorder)
            case events.NonFatalError():
                write(out, Broken(message=f"{event.label}: {event.value}"))
            case events.FatalError():
                write(out, Broken(message=str(event.exception), fatal=True))
            case _:
                pass


def write_scenario(out: BinaryIO, recorder: Any) -> None:
    """Write every request of a scenario."""
    for case_id, interaction in recorder.interactions.items():
        node = recorder.cases.get(case_id)
        if node is not None:
            write(out, sent(node.value, interaction, recorder.checks.get(case_id, [])))


def sent(case: Any, interaction: Any, checks: list[Any]) -> Sent:
    """Return what the harness needs to know of one request."""
    request, response = interaction.request, interaction.response
    verdicts = [
        Verdict(name=check.name)
        if check.failure_info is None
        else Verdict(
            name=check.name, title=check.failure_info.failure.title, message=check.failure_info.failure.message
        )
        for check in checks
        if check.status in {Status.SUCCESS, Status.FAILURE}
    ]
    common = {
        "operation": case.operation.label,
        "mode": case.meta.generation.mode.value if case.meta else "",
        "method": request.method,
        "url": request.uri,
        "identity": getattr(response.request, NAME_ATTRIBUTE, "") if response is not None else "",
        "request_headers": pairs(request.headers),
        "body": request.body or b"",
        "verdicts": verdicts,
    }
    if response is None:
        return Sent(**common)
    return Sent(
        **common,
        status=response.status_code,
        response_headers=pairs(response.headers),
        response_body=text(response.content),
        elapsed_s=response.elapsed,
    )


def pairs(headers: Any) -> list[tuple[str, str]]:
    """Return headers as pairs, without what authenticates."""
    return [
        (name, "{{secret:token}}" if name.lower() == "authorization" else str(value))
        for name, values in headers.items()
        for value in values
    ]


def text(content: bytes | None) -> str:
    """Return a body as text, cut where it is long."""
    return (content or b"")[:BODY_LIMIT].decode("utf-8", "replace")


def write(out: BinaryIO, message: Message) -> None:
    """Write one line."""
    out.write(_encode(message) + b"\n")
    out.flush()


if __name__ == "__main__":
    main()
