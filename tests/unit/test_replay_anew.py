"""What a check of ours found is looked for again by that check: it is there until its mistake is mended."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from shelf import Answer, Book, Shelf, document, serving

from seatrial.config import ContractSettings, ErrorSettings
from seatrial.core import Exchange, Finding, Identity, Target
from seatrial.core.scripts import roles
from seatrial.fuzz import Anew, Besides, Replayed, can_judge, replay
from seatrial.fuzz._authentication import Stranger
from seatrial.fuzz._evidence import Judgement
from seatrial.fuzz._messages import Sent
from seatrial.fuzz.probes import BY_ASKING, BY_LOOKING, Asker, Ground, probe
from seatrial.openapi import operations_of

BESIDES = Besides(tenants=True, errors=ErrorSettings(fields=("error",)))
NEW = itertools.count(1)


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


def sent_before(url: str) -> list[Sent]:
    """Return what the fuzzer is taken to have sent."""
    asked = [("POST /books", "/books"), ("PUT /books/{book}", "/books/x"), ("PATCH /books/{book}", "/books/x")]
    bodies = [(label, path, f'{{"title": "{title}"}}') for label, path in asked for title in ("one", "two")]
    return [
        Sent(
            number=number,
            operation=label,
            mode="positive",
            method=label.partition(" ")[0],
            url=url + path,
            identity="fuzzer",
            request_headers=[("Content-Type", "application/json"), ("Authorization", "{{secret:fuzzer}}")],
            body=body.encode(),
            at_s=0.0,
            status=200,
            response_body="{}",
        )
        for number, (label, path, body) in enumerate(bodies)
    ]


def found_in(shelf: Shelf) -> tuple[list[Finding], Judgement]:
    """Let every check of ours look at a shelf, and return what they found."""
    judgement, users = Judgement(), Users()
    with serving(shelf) as url:
        known: dict[str, Mapping[str, str]] = {"fuzzer": somebody("fuzzer").headers}
        send = Stranger([], target=Target(url=url), limited=[429], window_s=0, users=known).send
        identities: Any = users
        asker = Asker(
            send, users=known, queries={}, organisations={"fuzzer": "fuzzer"}, identities=identities, base_url=url
        )
        ground = Ground(
            operations=operations_of(document()),
            sent=sent_before(url),
            settings=ContractSettings(),
            besides=BESIDES,
            limited=[429],
            ask=asker,
        )
        probe(ground, judgement, problem="")
    return [finding for result in judgement.results for finding in result.findings], judgement


def replayed(finding: Finding, judgement: Judgement, shelf: Shelf, besides: Besides = BESIDES) -> Replayed:
    """Look for a finding once more, on a shelf that stands elsewhere."""
    then = [judgement.exchanges[name] for name in finding.steps]
    with serving(shelf) as url:
        steps = [_moved(step, url) for step in then]
        identities: Any = Users()
        people = {name: identities.lease(1)[0] for name in roles(steps)}
        anew = Anew(settings=ContractSettings(), besides=besides, identities=identities, url=url)
        return replay(finding, steps, secrets=people, document=document, anew=anew)


def _moved(step: Exchange, url: str) -> Exchange:
    path = step.request.url.split("/", 3)[3]
    return replace(step, request=replace(step.request, url=f"{url}/{path}"))


@pytest.mark.parametrize(
    ("mistaken", "checks"),
    [
        (Open, {"tenants-apart"}),
        (Skipping, {"pages-complete"}),
        (Forgetting, {"created-readable"}),
        (Appending, {"idempotent"}),
        (Telling, {"errors-discreet", "errors-enveloped"}),
    ],
)
def test_a_finding_is_there_until_its_mistake_is_mended(mistaken: type[Shelf], checks: set[str]) -> None:
    """On a service with the mistake the same check finds it anew; on a right one it looked, and saw nothing."""
    found, judgement = found_in(mistaken())
    assert {finding.check.partition(".")[2] for finding in found} == checks
    for finding in found:
        there, mended = (replayed(finding, judgement, shelf()) for shelf in (mistaken, Shelf))
        assert (there.still, mended.still) == (True, False), (finding.check, there.reason, mended.reason)
        assert there.exchanges
        assert mended.exchanges


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
    undeclared = replayed(found[0], judgement, Shelf(), besides=Besides())
    assert (undeclared.still, "nobody says that there are tenants" in undeclared.reason) == (None, True)


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
