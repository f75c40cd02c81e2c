"""The lives that links promise, the walk through them, and what is said of those that nobody saw end."""

from collections.abc import Iterator
from typing import Any

import pytest
from schemathesis.checks import CHECKS, load_all_checks

from seatrial.core import Outcome
from seatrial.fuzz._judge import DECIDES, Heard, judge
from seatrial.fuzz._lifecycle import CHECK, STEPS, Resource, Resources, Value, Walk
from seatrial.fuzz._looked import LIFECYCLE, unpromised_ends
from seatrial.fuzz._messages import Lived, Message, Order, Repeated, Sent
from seatrial.fuzz._turns import Turns
from seatrial.openapi import Operation, lifecycles_of, operations_of

NAME = "POST /items, DELETE /items/{id}"
TITLE = "still there"
ID = {"id": "$response.body#/id"}
PARAMETER = {"name": "id", "in": "path"}
NEVER = float("inf")


def document(
    links: dict[str, Any], *, status: str = "201", parameters: tuple[dict[str, str], ...] = (PARAMETER,)
) -> dict[str, Any]:
    """Return a document whose POST has these links."""
    return {
        "paths": {
            "/items": {"post": {"responses": {status: {"links": links}}}},
            "/items/{id}": {
                "parameters": [*parameters],
                "get": {"operationId": "read"},
                "delete": {"operationId": "remove"},
            },
            "/items/{id}/log": {"parameters": [PARAMETER], "get": {"operationId": "log"}},
        },
        "components": {"links": {"Read": {"operationId": "read", "parameters": ID}}},
    }


def links(read: str = "read", remove: str = "remove", **values: Any) -> dict[str, Any]:
    """Return a link to each of two operations; `values` are the first one's."""
    return {
        "read": {"operationId": read, "parameters": values or ID},
        "remove": {"operationId": remove, "parameters": ID},
    }


PROMISED = operations_of(document(links()))
(LIFE,) = lifecycles_of(PROMISED)


@pytest.mark.parametrize(
    ("described", "names"),
    [
        (document(links()), [NAME]),
        (document(links(), status="2XX"), [NAME]),
        (document(links(**{"path.id": ID["id"]})), [NAME]),
        (document({**links(), "read": {"$ref": "#/components/links/Read"}}), [NAME]),
        (document(links(id="$response.body#/other")), []),
        (document(links(read="log")), []),
        (document(links(remove="log")), []),
        (document(links(remove="unknown")), []),
        (document(links(), status="409"), []),
        (document(links(), status="default"), []),
        (document(links(), parameters=(PARAMETER, {"name": "organisation", "in": "path"})), []),
        (document({}), []),
    ],
)
def test_a_life_is_promised_by_links_to_one_and_the_same_path(described: dict[str, Any], names: list[str]) -> None:
    """An answer that made something leads to its reading and its removal, and fills the whole path in both."""
    operations = operations_of(described)
    assert [life.name for life in lifecycles_of(operations)] == names
    assert len(unpromised_ends(operations)) == 1 - len(names)


def sent(number: int = 0, **more: Any) -> Sent:
    """Return a POST that made something."""
    common: dict[str, Any] = {
        "operation": "POST /items", "mode": "positive", "method": "POST", "url": "http://h/items", "identity": "u",
        "request_headers": [], "body": b"", "at_s": 1.0, "status": 201,
    }  # fmt: skip
    return Sent(number=number, **{**common, **more})


def answering(made: Any) -> Value:
    """Return what finds this in an answer, where the link says that the id is."""
    return lambda expression: made if expression == ID["id"] else None


def test_what_was_made_is_remembered_until_it_is_removed() -> None:
    """The newest comes first; what was not made, says not where it is, or was removed by the fuzzer, does not come."""
    resources = Resources([LIFE], "http://h/")
    made: tuple[Any, ...] = ("one", "t w/o", 3, None, "", {}, "gone")
    for number, name in enumerate(made):
        resources.learn(sent(number), answering(name))
    for other in (
        sent(8, status=422),
        sent(9, status=200),
        sent(10, method="TRACE"),
        sent(11, operation="POST /other"),
    ):
        resources.learn(other, answering("nothing"))
    resources.learn(sent(12, method="DELETE", status=409, url="http://h/items/one"), answering(None))
    resources.learn(sent(13, method="DELETE", status=204, url="http://h/items/gone"), answering(None))
    kept = [(resource.number, resource.url) for resource in resources.newest(LIFE)]
    assert kept == [(2, "http://h/items/3"), (1, "http://h/items/t%20w%2Fo"), (0, "http://h/items/one")]


def walked(*statuses: int, resources: int = 1, until_s: float = NEVER) -> list[Message]:
    """Return what a walk tells when these are the answers, 429 being the limiter's."""
    answers: Iterator[tuple[int, int]] = enumerate(statuses, start=100)

    def send(resource: Resource, operation: Operation) -> Sent:
        number, status = next(answers)
        return sent(
            number, operation=operation.label, method=operation.method, url=resource.url, status=status, chained=True
        )

    walk = Walk(send, {429}, TITLE, until_s)
    told = list(walk.along(LIFE, [Resource(n, "u", f"http://h/items/{n}") for n in range(resources)]))
    assert not list(answers), "it asked for less than was expected"
    return told


def outcome(told: list[Message]) -> tuple[Outcome, str]:
    """Return how the check ends that the walk is for, where the engine read what it made."""
    read = sent(operation="GET /items/{id}", method="GET", status=200, chained=True)
    heard = Heard(
        sent=[read, *(each for each in told if isinstance(each, Sent))],
        repeated=[each for each in told if isinstance(each, Repeated)],
        lived=[each for each in told if isinstance(each, Lived)],
        fatal="",
    )
    results = judge(PROMISED, heard, limited={429}, limited_percent=10).results
    (result,) = [each for each in results if each.check == f"contract.{LIFECYCLE}"]
    return result.outcome, result.reason


DECIDED = {
    "gone": ((200, 204, 404), Outcome.PASSED),
    "gone for good": ((200, 204, 410), Outcome.PASSED),
    "served, and served again": ((200, 204, 200, 200), Outcome.FAILED),
    "served for a moment": ((200, 204, 200, 404), Outcome.PASSED),
    "served, and then hidden by the limiter": ((200, 204, 200, 429), Outcome.INCONCLUSIVE),
    "served, and then no answer": ((200, 204, 200, 0), Outcome.INCONCLUSIVE),
}


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look a second time at once."""
    monkeypatch.setattr("seatrial.fuzz._lifecycle.PAUSE_S", 0)


@pytest.mark.parametrize(("statuses", "expected"), DECIDED.values(), ids=DECIDED.keys())
def test_a_life_that_was_seen_to_its_end_decides(statuses: tuple[int, ...], expected: Outcome) -> None:
    """What is served after its removal is a defect once it was seen twice; what is not is gone."""
    told = walked(*statuses, resources=9)
    assert told[-1] == Lived(lifecycle=NAME)
    assert outcome(told)[0] is expected


UNDECIDED = {
    "never read": ((404,), "GET /items/{id} answered 404"),
    "reading limited": ((429,), "GET /items/{id} answered 429"),
    "not removed": ((200, 409), "DELETE /items/{id} answered 409"),
    "removal limited": ((200, 429), "DELETE /items/{id} answered 429"),
    "no answer": ((200, 0), "DELETE /items/{id} answered nothing"),
    "limited after the removal": ((200, 204, 429), "GET /items/{id} answered 429 after the removal"),
    "broken after the removal": ((200, 204, 500), "GET /items/{id} answered 500 after the removal"),
    "not let in after the removal": ((200, 204, 401), "GET /items/{id} answered 401 after the removal"),
}


@pytest.mark.parametrize(("statuses", "missing"), UNDECIDED.values(), ids=UNDECIDED.keys())
def test_a_life_that_was_not_seen_to_its_end_passes_nothing(statuses: tuple[int, ...], missing: str) -> None:
    """What kept it from being seen is named, three resources are tried, and a later one may decide."""
    told = walked(*statuses * 3, resources=9)
    assert told[-1] == Lived(lifecycle=NAME, missing=missing)
    assert outcome(told) == (Outcome.NOT_TESTED, f"nothing was looked for after its removal: {NAME} ({missing})")
    assert outcome(walked(*statuses, 200, 204, 404, resources=9))[0] is Outcome.PASSED


def test_a_life_that_nobody_came_to_passes_nothing() -> None:
    """Chained requests of the engine, however good, are no removal that was looked at, and nor is a silent engine."""
    assert outcome(walked(resources=0))[0] is Outcome.NOT_TESTED
    assert outcome(walked(until_s=0))[1].endswith(f"{NAME} (no time was left)")
    assert outcome([])[1].endswith(f"{NAME} (nobody came to it)")


def test_what_is_still_served_is_shown_from_its_making() -> None:
    """The finding is Schemathesis's own, and its requests are those that made, removed and read the resource."""
    *_, after, _again, repeated, _lived = walked(200, 204, 200, 200)
    assert isinstance(after, Sent)
    (verdict,) = after.verdicts
    assert (verdict.name, verdict.title, verdict.chain) == (CHECK, TITLE, [0, 101, 102])
    assert repeated == Repeated(number=102, name=CHECK, title=TITLE, same=True)


@pytest.mark.parametrize(("used", "most", "waits"), [(6, 10, False), (7, 10, True), (0, 2, False), (1, 2, True)])
def test_who_may_not_send_a_whole_life_has_to_wait(used: int, most: int, *, waits: bool) -> None:
    """Somebody near his quota comes later than others: his requests would wait for a window."""
    somebody = {"Authorization": "somebody"}
    order = Order(
        document=document({}), base_url="http://h", seed=1, examples=1, identities=[("somebody", somebody)],
        addresses=[], by_address="http://h", uses=1, most=most, window_s=60, limited=[429], budget_s=1,
    )  # fmt: skip
    turns = Turns(order, until_s=0)
    sender = turns.sender_of(somebody)
    assert sender
    sender.by_pace.take(0.0, used)
    assert (turns.wait_s(somebody, STEPS) > 0) is waits
    assert turns.wait_s({}, STEPS) == 0


def test_the_check_is_one_of_schemathesis() -> None:
    """Its findings and those of the walk are decided by one promise."""
    load_all_checks()
    assert CHECKS.get_one(CHECK).__name__ == CHECK
    assert DECIDES[CHECK][0] == LIFECYCLE
