"""What a check of ours found is looked for again by that check: it is there until its mistake is mended."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import pytest
from shelf import Answer, Book, Shelf, document, sent_before, serving

from seatrial.config import ContractSettings, ErrorSettings, TracingSettings
from seatrial.core import Exchange, Finding, FindingStatus, Identity, Target
from seatrial.core.scripts import roles
from seatrial.fuzz import Anew, Besides, Replayed, can_judge, replay
from seatrial.fuzz._authentication import Stranger
from seatrial.fuzz._evidence import Judgement
from seatrial.fuzz._messages import Sent
from seatrial.fuzz.probes import BY_ASKING, BY_LOOKING, Asker, Ground, probe
from seatrial.fuzz.probes._anew import NOT_ASKED
from seatrial.openapi import operations_of

BESIDES = Besides(tenants=True, errors=ErrorSettings(fields=("error",)))
NEW = itertools.count(1)
LIMIT_S = 0.5


def somebody(name: str) -> Identity:
    """Return a user of an organisation of his own."""
    return Identity(name=name, organisation=name, headers={"Authorization": f"Bearer {name}"})


class Users:
    """As many users as anybody wants."""

    def lease(self, count: int, **_: Any) -> Sequence[Identity]:
        """Return new ones."""
        return [somebody(f"org-{next(NEW)}") for _ in range(count)]


class Open(Shelf):
    """Everybody reads and removes everybody's books."""

    def admits(self, method: str, book: Book, organisation: str, *, notes: bool) -> bool:
        """Return whether somebody may reach a book."""
        return method in {"GET", "DELETE"} or super().admits(method, book, organisation, notes=notes)


class Skipping(Shelf):
    """The first of each later page is left out."""

    def page(self, mine: list[Book], start: int, size: int) -> list[Book]:
        """Return what stands on a page."""
        return mine[start + bool(start) : start + size]


class Forgetting(Shelf):
    """What was made is there only when it was looked for once."""

    def __init__(self) -> None:
        super().__init__()
        self.looked: set[str] = set()

    def get(self, book: Book, given: Any) -> Answer:
        """Read a book."""
        new = book["id"] not in self.looked
        self.looked.add(book["id"])
        return self.missing() if new else super().get(book, given)


class Appending(Shelf):
    """Each PUT adds to a title."""

    def put(self, book: Book, given: Any) -> Answer:
        """Write a book anew."""
        return super().put(book, {"title": book["title"] + given["title"]})

    patch = Shelf.put


class Telling(Shelf):
    """What is missing is answered with what the service was doing, and in another form."""

    def missing(self) -> Answer:
        """Say that there is nothing."""
        return 404, {"detail": 'Traceback (most recent call last):\n  File "/srv/app/books.py", line 3, in get'}, {}


class OneMethod(Shelf):
    """Allow of the list names one method alone."""

    def not_allowed(self, method: str, depth: int) -> Answer:
        """Refuse a method."""
        status, body, headers = super().not_allowed(method, depth)
        return status, body, {"Allow": "GET"} if depth == 1 else headers


class Slow(Shelf):
    """A list takes its time where somebody asks for that."""

    def listed(self, organisation: str, query: dict[str, str]) -> Answer:
        """List an organisation's books."""
        time.sleep(LIMIT_S * 1.2 if "slowly" in query else 0)
        return super().listed(organisation, query)


class Traced(Shelf):
    """Each answer has a trace id."""

    def answer(self, method: str, path: str, query: dict[str, str], organisation: str, given: Any) -> Answer:
        """Answer a request."""
        status, body, headers = super().answer(method, path, query, organisation, given)
        return status, body, {**headers, **self.trace()}

    def trace(self) -> dict[str, str]:
        """Return the trace id's header."""
        return {"X-Trace": f"trace-{next(NEW)}"}


class Stuck(Traced):
    """It is always the same one."""

    def trace(self) -> dict[str, str]:
        """Return the trace id's header."""
        return {"X-Trace": "trace-0"}


class Odd(Shelf):
    """A new book is answered with another success."""

    def make(self, organisation: str, given: Any) -> Answer:
        """Make a book."""
        return 202, super().make(organisation, given)[1], {}


def before(url: str) -> list[Sent]:
    """Return what the fuzzer is taken to have sent, with traces, and one slow answer."""
    return [
        msgspec.structs.replace(
            each, response_headers=[("X-Trace", f"before-{each.number}")], elapsed_s=0.0 if each.body else 9.0
        )
        for each in sent_before(url, ("one", "two"), [("GET /books", "/books?slowly=1")])
    ]


@dataclass(frozen=True, slots=True)
class Promised:
    """What is promised, by the document and beside it."""

    document: dict[str, Any]
    settings: ContractSettings = field(default_factory=ContractSettings)
    besides: Besides = BESIDES


def by_default() -> dict[str, Any]:
    """Return a document that leaves all that it does not name to `default`."""
    found = document()
    found["paths"]["/books"]["post"]["responses"]["default"] = {}
    return found


USUAL = Promised(document())
TIMED = Promised(document(), ContractSettings(answers_within_s=LIMIT_S))
TRACING = Promised(document(), besides=replace(BESIDES, tracing=TracingSettings(header="X-Trace", accepts=".+")))
NAMED = Promised(by_default())


def found_in(shelf: Shelf, promised: Promised = USUAL) -> tuple[list[Finding], Judgement]:
    """Let every check of ours look at a shelf, and return what they found for sure."""
    judgement, users = Judgement(), Users()
    with serving(shelf) as url:
        known: dict[str, Mapping[str, str]] = {"fuzzer": somebody("fuzzer").headers}
        send = Stranger([], target=Target(url=url), limited=[429], window_s=0, users=known).send
        identities: Any = users
        asker = Asker(
            send, users=known, queries={}, organisations={"fuzzer": "fuzzer"}, identities=identities, base_url=url
        )
        ground = Ground(
            operations=operations_of(promised.document),
            sent=before(url),
            settings=promised.settings,
            besides=promised.besides,
            limited=[429],
            ask=asker,
        )
        probe(ground, judgement, problem="")
    found = [finding for result in judgement.results for finding in result.findings]
    return [finding for finding in found if finding.status is FindingStatus.CONFIRMED], judgement


def replayed(finding: Finding, judgement: Judgement, shelf: Shelf, promised: Promised = USUAL) -> Replayed:
    """Look for a finding once more, on a shelf that stands elsewhere."""
    then = [judgement.exchanges[name] for name in finding.steps]
    with serving(shelf) as url:
        steps = [_moved(step, url) for step in then]
        identities: Any = Users()
        people = {name: identities.lease(1)[0] for name in roles(steps)}
        anew = Anew(settings=promised.settings, besides=promised.besides, identities=identities, url=url)
        return replay(finding, steps, secrets=people, document=lambda: promised.document, anew=anew)


def _moved(step: Exchange, url: str) -> Exchange:
    path = step.request.url.split("/", 3)[3]
    return replace(step, request=replace(step.request, url=f"{url}/{path}"))


@pytest.mark.parametrize(
    ("mistaken", "right", "promised", "checks"),
    [
        (Open, Shelf, USUAL, {"tenants-apart"}),
        (Skipping, Shelf, USUAL, {"pages-complete"}),
        (Forgetting, Shelf, USUAL, {"created-readable"}),
        (Appending, Shelf, USUAL, {"idempotent"}),
        (OneMethod, Shelf, USUAL, {"methods-agree"}),
        (Slow, Shelf, TIMED, {"in-time"}),
        (Telling, Shelf, USUAL, {"errors-discreet", "errors-enveloped"}),
        (Odd, Shelf, NAMED, {"status-named"}),
    ],
)
def test_a_finding_is_there_until_its_mistake_is_mended(
    mistaken: type[Shelf], right: type[Shelf], promised: Promised, checks: set[str]
) -> None:
    """On a service with the mistake the same check finds it anew; on a right one it looked, and saw nothing."""
    found, judgement = found_in(mistaken(), promised)
    assert {finding.check.partition(".")[2] for finding in found} == checks
    for finding in found:
        there, mended = (replayed(finding, judgement, shelf(), promised) for shelf in (mistaken, right))
        assert (there.still, mended.still) == (True, False), (finding.check, there.reason, mended.reason)
        assert there.exchanges
        assert mended.exchanges


@pytest.mark.parametrize("mistaken", [Shelf, Stuck], ids=["missing", "repeated"])
def test_trace_ids_are_looked_for_in_the_answers_of_today(mistaken: type[Shelf]) -> None:
    """What asks for a thing that was made then gets another answer; what makes one gets the same."""
    found, judgement = found_in(mistaken(), TRACING)
    assert {finding.check for finding in found} == {"contract.trace-ids"}
    (making,) = [finding for finding in found if finding.operation == "POST /books"]
    there, mended = (replayed(making, judgement, shelf(), TRACING) for shelf in (mistaken, Traced))
    assert (there.still, mended.still) == (True, False), (there.reason, mended.reason)


class Silent(Shelf):
    """Nothing can be made any more."""

    def make(self, _organisation: str, _given: Any) -> Answer:
        """Refuse."""
        return 422, {"error": "no"}, {}


def test_what_cannot_be_set_up_is_undecided() -> None:
    """Where the check cannot get as far as it did, or its promise is declared no more, nothing is said."""
    found, judgement = found_in(Open())
    over = replayed(found[0], judgement, Silent())
    assert over.still is None
    assert "not looked at: " in over.reason
    undeclared = replayed(found[0], judgement, Shelf(), Promised(document(), besides=Besides()))
    assert (undeclared.still, "nobody says that there are tenants" in undeclared.reason) == (None, True)


def test_what_a_check_looks_at_no_more_is_undecided() -> None:
    """Whoever declares an operation shared, or gives it more time, has mended nothing: nothing is sent."""
    found, judgement = found_in(Open())
    shared = ContractSettings(shared=tuple({finding.operation for finding in found}))
    for finding in found:
        over = replayed(finding, judgement, Open(), Promised(document(), shared))
        assert (over.still, "any more" in over.reason, over.exchanges) == (None, True, ()), finding.operation
    (late,), judgement = found_in(Slow(), TIMED)
    patient = replayed(late, judgement, Slow(), Promised(document(), ContractSettings(answers_within_s=60)))
    assert (patient.still, NOT_ASKED in patient.reason, patient.exchanges) == (None, True, ())


def test_another_cause_is_another_finding() -> None:
    """What is wrong there in another way may hide what is looked for, and is named."""
    (found,), judgement = found_in(Forgetting())
    assert (found.check, found.cause) == ("contract.created-readable", "late")
    told = replayed(replace(found, cause="never"), judgement, Forgetting())
    assert (told.still, found.title in told.reason, "something else" in told.reason) == (None, True, True)


class Knowing(Forgetting):
    """It keeps a list of those who ask."""

    def __init__(self) -> None:
        super().__init__()
        self.askers: set[str] = set()

    def answer(self, method: str, path: str, query: dict[str, str], organisation: str, given: Any) -> Answer:
        """Answer a request."""
        self.askers.add(organisation)
        return super().answer(method, path, query, organisation, given)


def test_new_users_have_credentials_where_nobody_had_any_then() -> None:
    """Whoever a check makes for itself sends his own, and not a mark, also if nobody of the record needs any."""
    (found,), judgement = found_in(Forgetting())
    nobodys = [replace(judgement.exchanges[name], identity="") for name in found.steps]
    with serving(shelf := Knowing()) as url:
        steps = [_moved(replace(step, request=replace(step.request, headers=())), url) for step in nobodys]
        identities: Any = Users()
        anew = Anew(settings=ContractSettings(), besides=BESIDES, identities=identities, url=url)
        assert replay(found, steps, secrets={}, document=document, anew=anew).still
    assert shelf.askers
    assert all(name.startswith("org-") for name in shelf.askers)


def test_an_answer_that_holds_a_secret_of_its_run_is_undecided() -> None:
    """The record keeps no secret: whether today's answer holds one of then, nobody can tell."""
    found, judgement = found_in(Telling())
    (first, *_) = [finding for finding in found if finding.check == "contract.errors-discreet"]
    told = replayed(replace(first, cause="an-answer-of-404-holds-a-secret"), judgement, Telling())
    assert (told.still, "does not keep the secrets" in told.reason) == (None, True)


def test_every_check_of_ours_can_be_replayed() -> None:
    """Those that ask and those that look."""
    assert len(BY_ASKING) == 6
    assert len(BY_LOOKING) == 4
    assert all(can_judge(check) for check in (*BY_ASKING, *BY_LOOKING))
