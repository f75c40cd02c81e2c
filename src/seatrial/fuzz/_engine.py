"""Schemathesis's engine, seen from here.

All that touches its internals is in this module, `_again`, `_amiss`, `_cheaper`, `_conforms` and `_parts`; it is pinned
exactly.
"""

from __future__ import annotations

import copy
import itertools
import time
from collections import ChainMap
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import msgspec
import requests
import schemathesis
from schemathesis.checks import load_all_checks
from schemathesis.config import CacheConfig
from schemathesis.core import NOT_SET
from schemathesis.core.failures import ServerError
from schemathesis.core.transforms import UNRESOLVABLE
from schemathesis.core.transport import Response
from schemathesis.engine import Status, events
from schemathesis.engine.errors import ServerUnavailable
from schemathesis.engine.recorder import Request, ScenarioRecorder
from schemathesis.generation import GenerationMode
from schemathesis.generation.stateful.state_machine import StepOutput
from schemathesis.openapi.checks import UseAfterFree
from schemathesis.specs.openapi.expressions import evaluate

from seatrial.core.marks import mark_of, masked
from seatrial.fuzz._again import BREAKS, Again, Suspect, detail_in
from seatrial.fuzz._amiss import is_amiss
from seatrial.fuzz._bounds import LONGEST_S, was_cut
from seatrial.fuzz._carried import told
from seatrial.fuzz._handed_out import handed_out
from seatrial.fuzz._lifecycle import STEPS, SUCCESS, Resource, Resources, Walk
from seatrial.fuzz._messages import NO_ANSWER, SHOWN, Message, Order, Repeated, Sent, Verdict, shown
from seatrial.fuzz._owners import Owners
from seatrial.fuzz._parts import orders_of, parts_of
from seatrial.fuzz._turns import PLACEHOLDER, TURN, Turn, Turns
from seatrial.openapi import Lifecycle, Operation, lifecycles_of, operations_of, selected

CHECK_NAMES = [
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
OF_BODIES = "response_schema_conformance"
"""The check that reads an answer to its end."""

PHASES = ["examples", "coverage", "fuzzing", "stateful"]
COOKIES = {"cookie", "set-cookie"}

MOST_MAKERS = 2000
"""How many of the requests that made something are kept, to be sent once more before what is about it."""


def load(order: Order) -> Any:
    """Return the schema, configured to repeat itself: one worker, a seed, nothing that an earlier run left behind."""
    config = schemathesis.Config(seed=order.seed, cache=CacheConfig(enabled=False))
    # A copy: the engine writes the links that it infers into what it is given.
    schema: Any = schemathesis.openapi.from_dict(copy.deepcopy(order.document), config=config)
    headers = {name: PLACEHOLDER for _, headers in order.identities[:1] for name in headers}
    schema.config.update(
        base_url=order.base_url, headers=headers, workers=1, request_timeout=LONGEST_S, continue_on_failure=True
    )
    schema.config.generation.update(
        max_examples=order.examples, database="none", no_shrink=True, with_security_parameters=False
    )
    schema.config.checks.update(included_check_names=CHECK_NAMES)
    schema.config.phases.update(phases=PHASES)
    return schema.include(name=order.only) if order.only else schema


def prepare(order: Order) -> None:
    """Make this process ready to look at answers, once."""
    load_all_checks()
    schemathesis.hook("filter_failure")(_filter(set(order.limited), handed_out(order.document)))


def taken_apart(order: Order) -> list[Order]:
    """Return an order for each part of the document."""
    operations = selected(operations_of(order.document), order.only)
    parts = parts_of(operations, load(order).analysis.dependency_graph)
    return orders_of(order, parts, operations) if len(parts) > 1 else [order]


def _filter(limited: set[int], handed: Mapping[str, set[str]]) -> Any:
    """Return a hook that drops what is said about a limiter's answers, and what is no fault of the service."""

    def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:  # noqa: ARG001 - its signature
        turn: Turn | None = getattr(response.request, TURN, None)
        displaced = bool(turn and turn.displaced)
        amiss = is_amiss(failure, case, response.status_code, handed=handed, displaced=displaced)
        return response.status_code not in limited and not amiss

    return filter_failure


class Engine:
    """Number what the engine sent, and keep one request of each failure, and what was made.

    Of so many engines (`among`) each has a `place` of its own, and so numbers of its own.
    """

    def __init__(self, turns: Turns, order: Order, *, place: int = 0, among: int = 1) -> None:
        self.phase = ""
        self._turns = turns
        self._limited = set(order.limited)
        self._headers = dict(order.identities)
        self._key = order.key
        self._count = itertools.count(place, among)
        self._numbers: dict[str, int] = {}
        self._makers: dict[int, Any] = {}
        self._made_by: Owners[int] = Owners()
        self._again = Again(turns, order)
        operations = selected(operations_of(order.document), order.only)
        self._lifecycles = lifecycles_of(operations)
        self._resources = Resources(self._lifecycles, order.base_url)

    def scenario(self, recorder: ScenarioRecorder) -> Iterator[Sent]:
        """Yield every request of a scenario."""
        for case_id in recorder.interactions:
            self._numbers[case_id] = next(self._count)
        for case_id, interaction in recorder.interactions.items():
            node = recorder.cases.get(case_id)
            if node is not None:
                sent = self._sent(case_id, node, interaction, recorder)
                self._suspect(sent, node.value, interaction.request, recorder)
                self._remember(sent, interaction)
                self._resources.learn(sent, partial(value, case=node.value, response=interaction.response))
                yield sent

    def _suspect(self, sent: Sent, case: Any, request: Any, recorder: ScenarioRecorder) -> None:
        failed = [verdict for verdict in sent.verdicts if verdict.title]
        own = {self._numbers[id_]: each for id_, each in recorder.interactions.items()} if failed else {}
        known = ChainMap(own, self._makers)
        for verdict in failed:
            led = tuple(known[number] for number in verdict.chain[:-1])
            self._again.suspect(Suspect(sent, verdict, case, request, recorder, led))

    def _remember(self, sent: Sent, interaction: Any) -> None:
        """Keep who made something: a request about it fails again only where it is."""
        if sent.method == "POST" and sent.status in SUCCESS and len(self._makers) < MOST_MAKERS:
            location = next(iter(interaction.response.headers.get("location", [])), "")
            self._made_by.learn(sent.method, location, interaction.response.content or b"", sent.number)
            self._makers[sent.number] = interaction

    def _since_its_making(self, numbers: list[int], url: str) -> list[int]:
        """Return the numbers of a chain with that of the request which made what its first one is about."""
        maker = self._made_by.of(url)
        return numbers if maker is None or maker in numbers else [maker, *numbers]

    def _sent(self, case_id: str, node: Any, interaction: Any, recorder: ScenarioRecorder) -> Sent:
        case, number, response = node.value, self._numbers[case_id], interaction.response
        cut = response is not None and was_cut(response.request)
        checks = [check for check in decided(recorder, case_id) if not (cut and check.name == OF_BODIES)]
        verdicts = [self._verdict(check, case_id, recorder) for check in checks]
        return Sent(
            **self._exchange(interaction.request, response),
            number=number,
            operation=case.operation.label,
            mode=case.meta.generation.mode.value if case.meta else "",
            chained=node.parent_id is not None,
            cut=cut,
            held=held(case),
            negated=negated(case.meta),
            phase=self.phase,
            verdicts=broken(number, None) if response is None else verdicts,
        )

    def _exchange(self, request: Request, response: Response | None) -> dict[str, Any]:
        """Return what stands in the record of a request and its answer: who sent it, and nobody's secrets."""
        turn: Turn | None = getattr(response.request, TURN, None) if response is not None else None
        client = turn.client if turn else self._turns.sender_of({name: v[0] for name, v in request.headers.items()})
        name = client.name if client else ""
        headers = pairs(request.headers, name, client.headers if client else None)
        url, headers = told(request.uri, headers, self._key, name)
        asked = {
            "method": request.method,
            "url": url,
            "identity": name,
            "request_headers": headers,
            "body": request.body or b"",
            "at_s": turn.at_s if turn else time.monotonic(),
            "displaced": bool(turn and turn.displaced),
        }
        if response is None:
            return asked
        return {
            **asked,
            "status": response.status_code,
            "response_headers": pairs(response.headers, name),
            "response_body": shown(response.content or b""),
            "elapsed_s": response.elapsed,
        }

    def _verdict(self, check: Any, case_id: str, recorder: ScenarioRecorder) -> Verdict:
        if check.failure_info is None:
            return Verdict(name=check.name)
        failure, interaction = check.failure_info.failure, recorder.interactions[case_id]
        response = interaction.response
        related = getattr(failure, "deleted_case_id", None)
        chain = recorder.iter_chain_cases(case_id=case_id, related_case_ids=(related,) if related else ())
        ids = [case.id for case in chain if case.id in self._numbers]
        first = recorder.interactions[ids[0]].request.uri if ids else ""
        numbers = self._since_its_making([self._numbers[id_] for id_ in ids], first)
        detail = "" if response is None else detail_in(failure, check.name, interaction.request, response)
        message = failure.message[:SHOWN]
        return Verdict(name=check.name, title=failure.title, detail=detail, message=message, chain=numbers)

    def repeat(self) -> Iterator[Repeated]:
        """Send requests of each failure once more, as the same identity, and let the same check look at the answer."""
        return self._again.repeat()

    def minimise(self) -> Iterator[Message]:
        """Tell the smallest request that still shows a failure which came again, as one that came again."""
        for suspect, asked, answer in self._again.smallest():
            number, verdict = next(self._count), suspect.verdict
            response = None if answer is None else Response.from_requests(answer, verify=True)
            again = msgspec.structs.replace(verdict, chain=[*verdict.chain[:-1], number])
            told, label = self._exchange(asked, response), suspect.sent.operation
            yield Sent(**told, number=number, operation=label, mode="", chained=True, verdicts=[again])
            yield Repeated(number=number, name=verdict.name, title=verdict.title, same=True)

    def live(self) -> Iterator[Message]:
        """Remove something of each kind that was made, and see whether it is gone."""
        with requests.Session() as session:
            session.trust_env = False
            walk = Walk(partial(self._ask, session), self._limited, UseAfterFree.kind_title, self._turns.until_s)
            for lifecycle in self._lifecycles:
                yield from walk.along(lifecycle, self._ready(lifecycle))

    def _ready(self, lifecycle: Lifecycle) -> list[Resource]:
        """Return what was made, that of those first who need not wait before they send, and of theirs the newest."""

        def wait_s(resource: Resource) -> float:
            return self._turns.wait_s(self._headers.get(resource.identity, {}), STEPS)

        return sorted(self._resources.newest(lifecycle), key=wait_s)

    def _ask(self, session: requests.Session, resource: Resource, operation: Operation) -> Sent:
        """Send a request of our own as who made a resource."""
        headers = self._headers.get(resource.identity, {})
        request = session.prepare_request(requests.Request(operation.method, resource.url, headers=headers))
        try:
            answer = session.send(request, timeout=LONGEST_S, allow_redirects=False)
            response = Response.from_requests(answer, verify=True)
        except requests.RequestException:
            response = None
        asked = Request.from_prepared_request(request)
        exchange, number = self._exchange(asked, response), next(self._count)
        limited = response is not None and response.status_code in self._limited
        verdicts = [] if limited else broken(number, response, asked)
        return Sent(**exchange, number=number, operation=operation.label, mode="", chained=True, verdicts=verdicts)


def went_away(event: events.NonFatalError) -> bool:
    """Return whether an error says that the service is there no longer: it was asked several times."""
    return isinstance(event.value, ServerUnavailable)


def value(expression: str, *, case: Any, response: Any) -> Any:
    """Return what an expression of a link stands for in an answer, or None."""
    try:
        found = evaluate(expression, StepOutput(response, case))
    except Exception:  # noqa: BLE001 - an answer that cannot be read, or an expression that is none: it names nothing
        return None
    return None if found is UNRESOLVABLE else found


def broken(number: int, response: Response | None, request: Request | None = None) -> list[Verdict]:
    """Return what is said of a request without an answer, and of an answer that is the service's own fault."""
    if response is None:
        return [Verdict(name=NO_ANSWER, title="No answer", chain=[number])]
    if response.status_code < requests.codes.server_error:
        return []
    detail = detail_in(None, BREAKS, request, response) if request else ""
    return [Verdict(name=BREAKS, title=ServerError.kind_title, detail=detail, chain=[number])]


def decided(recorder: ScenarioRecorder, case_id: str) -> list[Any]:
    """Return the checks that came to a decision about a case."""
    return [check for check in recorder.checks.get(case_id, []) if check.status in {Status.SUCCESS, Status.FAILURE}]


def held(case: Any) -> list[str]:
    """Return the inputs that a request has."""
    places = {"path": case.path_parameters, "query": case.query, "header": case.headers, "cookie": case.cookies}
    named = [f"{place}:{name}" for place, values in places.items() for name in values or ()]
    return [*named, *(["body"] if case.body is not NOT_SET else [])]


def negated(meta: Any) -> list[str]:
    """Return the inputs that were made invalid."""
    if meta is None or meta.generation.mode is not GenerationMode.NEGATIVE:
        return []
    data = meta.phase.data
    if data.parameter_location and data.parameter:
        place = data.parameter_location.value
        return [place if place == "body" else f"{place}:{data.parameter}"]
    return [place.value for place, part in meta.components.items() if part.mode is GenerationMode.NEGATIVE]


def pairs(headers: Any, name: str, own: Mapping[str, str] | None = None) -> list[tuple[str, str]]:
    """Return headers as pairs, with the identity's name in place of what authenticates: `own` are its headers."""
    secret = {header.lower(): value for header, value in (own or {}).items()}
    hidden = {"authorization", "proxy-authorization", *COOKIES, *secret}
    mark = mark_of(name)
    return [
        (
            header,
            masked(header, str(value), secret.get(header.lower(), ""), mark)
            if header.lower() in hidden
            else str(value),
        )
        for header, values in headers.items()
        for value in values
    ]
