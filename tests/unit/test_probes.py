"""Checks of ours on a small real service: each mistake in it is found, and one without is not accused."""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from shelf import Answer, Book, Headers, Shelf, document, sent_before, serving

from seatrial.config import ContractSettings
from seatrial.core import CheckResult, FindingStatus, Identity, Outcome, Target
from seatrial.fuzz._authentication import Stranger
from seatrial.fuzz._evidence import Judgement
from seatrial.fuzz._messages import Sent
from seatrial.fuzz.probes import Asker, Besides, Ground, probe
from seatrial.fuzz.probes._ask import Unclear
from seatrial.fuzz.probes._found import confirmed
from seatrial.openapi import operations_of

TITLES = ("one", "two", "three")
ASKING = ("tenants-apart", "pages-complete", "created-readable", "idempotent", "methods-agree")
NEW = itertools.count(1)
READ, PUT, PATCH, DELETE = (f"{method} /books/{{book}}" for method in ("GET", "PUT", "PATCH", "DELETE"))


CARRIED: dict[str, Callable[[str], Identity]] = {
    "header": lambda name: Identity(name=name, organisation=name, headers={"Authorization": f"Bearer {name}"}),
    "scheme": lambda name: Identity(name=name, organisation=name, headers={"Authorization": f"Basic {name}"}),
    "cookie": lambda name: Identity(name=name, organisation=name, headers={"Cookie": f"key={name}"}),
    "query": lambda name: Identity(name=name, organisation=name, query={"key": name}),
}
"""Somebody with his secret, by where requests hold that."""


class Users:
    """As many users as anybody wants, each of an organisation of its own; or the same one again and again."""

    def __init__(self, *, alone: bool = False, place: str = "header") -> None:
        self._alone = alone
        self._make = CARRIED[place]

    def lease(self, count: int, **_: Any) -> Sequence[Identity]:
        """Return users."""
        names = ["alone" if self._alone else f"org-{next(NEW)}" for _ in range(count)]
        return [self._make(name) for name in names]


def seen_before(url: str) -> list[Sent]:
    """Return what the fuzzer is taken to have sent: each operation was accepted with three titles, and read."""
    return sent_before(url, TITLES, [("GET /books", "/books"), (READ, "/books/x"), (f"{READ}/notes", "/books/x/notes")])


def looked_at(
    shelf: Shelf,
    *,
    users: Users | None = None,
    settings: ContractSettings | None = None,
    place: str = "header",
    **promised: Any,
) -> tuple[dict[str, CheckResult], Judgement]:
    """Let every check of ours look at a shelf."""
    with serving(shelf) as url:
        somebody = CARRIED[place]("fuzzer")
        known, keys = {"fuzzer": somebody.headers}, {"fuzzer": somebody.query}
        stranger = Stranger([], target=Target(url=url), limited=[429], window_s=0, users=known, queries=keys)
        people: Any = users or Users(place=place)
        ask = Asker(
            stranger.send, users=known, queries=keys, organisations={"fuzzer": "fuzzer"}, identities=people,
            base_url=url, limited=[429],
        )  # fmt: skip
        ground = Ground(
            operations=operations_of(document(paging=shelf.paging, **promised)),
            sent=seen_before(url),
            settings=settings or ContractSettings(),
            besides=Besides(tenants=True),
            limited=[429],
            ask=ask,
        )
        judgement = Judgement()
        probe(ground, judgement, problem="")
    return {result.check.partition(".")[2]: result for result in judgement.results}, judgement


def findings(results: dict[str, CheckResult]) -> dict[str, list[tuple[str, str]]]:
    """Return the confirmed findings by check, as operation and cause."""
    return {
        name: [(each.operation, each.cause) for each in result.findings if each.status is FindingStatus.CONFIRMED]
        for name, result in results.items()
        if result.findings
    }


class ByOffset(Shelf):
    """Pages begin at an offset."""

    paging = "offset"


class ByHeader(Shelf):
    """Each page names the next one in a header."""

    paging = "header"


@pytest.mark.parametrize("links", [True, False], ids=["linked", "by its paths"])
@pytest.mark.parametrize("shelf", [Shelf, ByOffset, ByHeader])
def test_right_service_passes_every_check(shelf: type[Shelf], *, links: bool) -> None:
    """A service without a mistake is accused of nothing, and each check has seen what it is about."""
    results, _ = looked_at(shelf(), links=links)
    assert {name: results[name].outcome for name in ASKING} == dict.fromkeys(ASKING, Outcome.PASSED), results
    assert not findings(results)


@pytest.mark.parametrize("place", CARRIED)
def test_requests_have_one_key_wherever_it_stands(place: str) -> None:
    """Whoever asks is let in by his own key, and its mark stands in the record where the key stood."""
    shelf = Keyed(place)
    results, _ = looked_at(shelf, place=place)
    assert {name: results[name].outcome for name in ASKING} == dict.fromkeys(ASKING, Outcome.PASSED), results
    assert shelf.keys <= {"fuzzer", *(f"org-{number}" for number in range(next(NEW)))}
    broken = admitting("GET")
    _, judgement = looked_at(type("Open", (Keyed, broken), {})(place), place=place)
    told = [exchange.request for exchange in judgement.exchanges.values() if exchange.identity]
    assert told
    for asked in told:
        shown = [asked.url, *(value for name, value in asked.headers if name.lower() in {"authorization", "cookie"})]
        assert "".join(shown).count("{{secret:") == 1, shown
        assert "org-" not in re.sub(r"{{secret:[^}]*}}", "", "".join(shown))


class Wrapped(Shelf):
    """What was made is in a field of the answer; `at` says in which."""

    at = "data"

    def make(self, organisation: str, given: Any) -> Answer:
        """Make a book."""
        status, book, headers = super().make(organisation, given)
        return status, {self.at: book}, headers


def test_what_was_made_may_stand_in_data() -> None:
    """Many APIs wrap what they answer; where its name is anywhere else, that is said."""
    results, _ = looked_at(Wrapped(), links=False)
    assert {name: results[name].outcome for name in ASKING} == dict.fromkeys(ASKING, Outcome.PASSED), results
    results, _ = looked_at(type("Elsewhere", (Wrapped,), {"at": "book"})(), links=False)
    assert results["created-readable"].outcome is Outcome.NOT_TESTED
    assert "the answer of POST /books does not say where that is" in results["created-readable"].reason


def admitting(*methods: str, notes: bool = False) -> type[Shelf]:
    """Return a service that forgets whose a book is for some methods."""

    class Admitting(Shelf):
        def admits(self, method: str, book: Book, organisation: str, *, notes: bool) -> bool:
            """Return whether somebody may reach a book."""
            return (method in methods and notes is notes_too) or book["of"] == organisation

    notes_too = notes
    return Admitting


class Keyed(Shelf):
    """Who asks is told by a key at one place, and by nothing else."""

    def __init__(self, place: str) -> None:
        super().__init__()
        self._place = place
        self.keys: set[str] = set()

    def who(self, query: Headers, headers: Mapping[str, list[str]]) -> str:
        """Return whose key a request has."""
        keys = {"query": [query.get("key", "")], "cookie": headers["cookie"]}.get(self._place, headers["authorization"])
        who = ", ".join(keys).removeprefix("Bearer ").removeprefix("Basic ").removeprefix("key=")
        self.keys.add(who)
        return who


class Skipping(Shelf):
    """The first of each later page is left out."""

    def page(self, mine: list[Book], start: int, size: int) -> list[Book]:
        """Return what stands on a page."""
        return mine[start + bool(start) : start + size]


class Repeating(Shelf):
    """The last of each page is on the next one too."""

    def page(self, mine: list[Book], start: int, size: int) -> list[Book]:
        """Return what stands on a page."""
        return mine[max(0, start - 1) : start + size]


class Circling(Shelf):
    """The second page leads back to itself."""

    def listed(self, organisation: str, query: Headers) -> Answer:
        """List an organisation's books."""
        status, body, headers = super().listed(organisation, query)
        return status, {**body, "next": "2" if "limit" in query else None}, headers


class Forgetting(Shelf):
    """What was made is there only when it was looked for once."""

    def __init__(self) -> None:
        super().__init__()
        self.looked: set[str] = set()

    def get(self, book: Book, given: Any) -> Answer:
        """Read a book."""
        if book["id"] in self.looked:
            return super().get(book, given)
        self.looked.add(book["id"])
        return self.missing()


class Undoing(Shelf):
    """A second removal brings back what the first one removed."""

    def __init__(self) -> None:
        super().__init__()
        self.removed: dict[str, Book] = {}

    def answer(self, method: str, path: str, query: Headers, organisation: str, given: Any) -> Answer:
        """Answer a request."""
        name = path.strip("/").split("/")[-1]
        if method == "DELETE" and name in self.removed:
            self.books[name] = self.removed.pop(name)
            return 204, None, {}
        if method == "DELETE" and name in self.books and self.books[name]["of"] == organisation:
            self.removed[name] = self.books[name]
        return super().answer(method, path, query, organisation, given)


class Appending(Shelf):
    """Each PUT adds to a title."""

    def put(self, book: Book, given: Any) -> Answer:
        """Write a book anew."""
        return super().put(book, {"title": book["title"] + given["title"]})

    patch = Shelf.put


class Revising(Shelf):
    """Each PUT is remembered in a list of its own."""

    def put(self, book: Book, given: Any) -> Answer:
        """Write a book anew."""
        book["pages"].append(1)
        return super().put(book, given)

    patch = Shelf.put


class Neighbours(Shelf):
    """Each book tells the one before it."""

    def make(self, organisation: str, given: Any) -> Answer:
        """Make a book."""
        earlier = next(reversed(self.books), "")
        status, book, headers = super().make(organisation, given)
        book["after"] = earlier
        return status, book, headers


class Conditional(Shelf):
    """A second PUT is refused, and changes nothing."""

    def put(self, book: Book, given: Any) -> Answer:
        """Write a book anew."""
        book["puts"] = book.get("puts", 0) + 1
        return super().put(book, given) if book["puts"] == 1 else (422, {"error": "once"}, {})

    patch = Shelf.put


class Naming(Shelf):
    """Who writes a title is told another one, with the name of the book."""

    def put(self, book: Book, given: Any) -> Answer:
        """Write a book anew."""
        return super().put(book, {"title": f"{given['title']} of {book['id']}"})

    def make(self, organisation: str, given: Any) -> Answer:
        """Make a book."""
        status, book, headers = super().make(organisation, given)
        return status, {"id": book["id"]}, headers

    patch = Shelf.put


def test_what_the_service_decides_for_each_is_no_second_change() -> None:
    """Two that were made alike may differ in what nobody wrote."""
    results, _ = looked_at(Naming())
    assert not findings(results)


@pytest.mark.parametrize("shelf", [Revising, Neighbours])
def test_what_goes_on_beside_is_no_mistake(shelf: type[Shelf]) -> None:
    """A history of revisions (RFC 9110, 9.2.2) and a name in another's item are nobody's fault."""
    results, _ = looked_at(shelf())
    assert {name: results[name].outcome for name in ASKING} == dict.fromkeys(ASKING, Outcome.PASSED), results


def test_second_put_that_is_refused_is_unclear() -> None:
    """Where it leaves all as it was, it may be about a state that is no more."""
    results, _ = looked_at(Conditional())
    assert results["idempotent"].outcome is Outcome.NOT_TESTED
    assert f"{PUT} (the second time, PUT of it answered 422)" in results["idempotent"].reason
    assert not findings(results)


def raising() -> None:
    """Show nothing."""
    raise Unclear


@pytest.mark.parametrize(
    ("again", "status"),
    [
        (lambda: "found", FindingStatus.CONFIRMED),
        (lambda: None, FindingStatus.FLAKY),
        (raising, FindingStatus.UNCONFIRMED),
    ],
)
def test_second_look_that_shows_nothing_leaves_a_finding_open(
    again: Callable[[], object], status: FindingStatus
) -> None:
    """What was found once is kept, whatever the second look comes to."""
    assert confirmed(again) is status


def test_recorded_request_that_cannot_be_sent_ends_nothing() -> None:
    """Header values are sent as the bytes that they were; an address that is none has no answer."""
    shelf = Keyed("header")
    with serving(shelf) as url:
        stranger = Stranger([], target=Target(url=url), limited=[], window_s=0, users={"fuzzer": {}})
        sample = msgspec.structs.replace(seen_before(url)[-1], request_headers=[("X-Any", "caf\xe9")])
        asked = [msgspec.structs.replace(sample, url=f"{url}/books{end}") for end in ("", "\x01")]
        answers = [stranger.send(each, "user") for each in asked]
    assert [answer and answer.status for answer in answers] == [200, 0]


class Once(Shelf):
    """A second PUT breaks the service."""

    def put(self, book: Book, given: Any) -> Answer:
        """Write a book anew."""
        book["puts"] = book.get("puts", 0) + 1
        return super().put(book, given) if book["puts"] == 1 else (500, {"error": "again?"}, {})


def heading(status: int, body: Any, headers: Headers | None = None) -> type[Shelf]:
    """Return a service that answers HEAD, in its own way."""

    class Heading(Shelf):
        def not_allowed(self, method: str, depth: int) -> Answer:
            """Refuse a method."""
            listed = method == "HEAD" and depth == 1
            return (status, body, headers or {}) if listed else super().not_allowed(method, depth)

    return Heading


class OneRoute(Shelf):
    """Allow of the list names one method alone."""

    def not_allowed(self, method: str, depth: int) -> Answer:
        """Refuse a method."""
        status, body, headers = super().not_allowed(method, depth)
        return status, body, {"Allow": headers["Allow"].partition(",")[0]} if depth == 1 else headers


EMPTY: dict[str, Any] = {"items": [], "next": None}
MISTAKES: dict[str, tuple[type[Shelf], str, list[tuple[str, str]]]] = {
    "a stranger reads": (admitting("GET"), "tenants-apart", [(READ, "read-across")]),
    "a stranger reads notes": (
        admitting("GET", notes=True), "tenants-apart", [("GET /books/{book}/notes", "read-across")],
    ),
    "a stranger writes anew": (admitting("PUT"), "tenants-apart", [(PUT, "change-across")]),
    "a stranger changes": (admitting("PATCH"), "tenants-apart", [(PATCH, "change-across")]),
    "a stranger removes": (admitting("DELETE"), "tenants-apart", [(DELETE, "remove-across")]),
    "pages skip": (Skipping, "pages-complete", [("GET /books", "skips")]),
    "pages repeat": (Repeating, "pages-complete", [("GET /books", "repeats")]),
    "pages never end": (Circling, "pages-complete", [("GET /books", "endless")]),
    "late": (Forgetting, "created-readable", [(READ, "late")]),
    "removed twice": (Undoing, "idempotent", [(DELETE, "a-second-delete-brings-back-what-the-first-removed")]),
    "written twice": (Appending, "idempotent", [(PUT, "a-second-put-of-the-same-changes-more")]),
    "not written twice": (Once, "idempotent", [(PUT, "a-second-put-of-the-same-is-answered-with-500")]),
    "HEAD breaks": (heading(500, EMPTY), "methods-agree", [("GET /books", "status")]),
    "HEAD lies about length": (heading(200, [0]), "methods-agree", [("GET /books", "length")]),
    "HEAD lies about its type": (
        heading(200, EMPTY, {"Content-Type": "text/html"}), "methods-agree", [("GET /books", "media-type")],
    ),
    "Allow forgets": (OneRoute, "methods-agree", [("GET /books", "allow")]),
}  # fmt: skip


@pytest.mark.parametrize("links", [True, False], ids=["linked", "by its paths"])
@pytest.mark.parametrize(("shelf", "check", "found"), MISTAKES.values(), ids=MISTAKES)
def test_mistake_is_found_by_its_check(
    shelf: type[Shelf], check: str, found: list[tuple[str, str]], *, links: bool
) -> None:
    """Each mistake is a confirmed finding of one check at one operation, which fails, and of no other."""
    results, judgement = looked_at(shelf(), links=links)
    assert findings(results) == {check: found}
    assert results[check].outcome is Outcome.FAILED
    for finding in results[check].findings:
        assert set(finding.steps) <= judgement.exchanges.keys()
        assert "Bearer org-" not in finding.replay
        assert finding.replay.count("curl ") == len(finding.steps)


class Cached(Shelf):
    """What an organisation read is answered again, until it writes there itself."""

    forgets = True

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], Answer] = {}

    def answer(self, method: str, path: str, query: Headers, organisation: str, given: Any) -> Answer:
        """Answer a request."""
        place = (organisation, path)
        if method == "GET" and path.count("/") > 1:
            if place not in self.kept:
                self.kept[place] = copy.deepcopy(super().answer(method, path, query, organisation, given))
            return self.kept[place]
        if self.forgets:
            self.kept.pop(place, None)
        return super().answer(method, path, query, organisation, given)


class Stale(Cached):
    """The same whoever writes."""

    forgets = False


BEHIND: dict[str, tuple[type[Shelf], type[Shelf], str, list[tuple[str, str]]]] = {
    "a stranger writes anew": (Cached, *MISTAKES["a stranger writes anew"]),
    "a stranger changes": (Cached, *MISTAKES["a stranger changes"]),
    "a stranger removes": (Cached, *MISTAKES["a stranger removes"]),
    "removed twice": (Cached, *MISTAKES["removed twice"]),
    "written twice": (Cached, *MISTAKES["written twice"]),
    "a stranger removes, and nothing is forgotten": (Stale, *MISTAKES["a stranger removes"]),
    "removed twice, and nothing is forgotten": (Stale, *MISTAKES["removed twice"]),
    "written twice, and nothing is forgotten": (Stale, *MISTAKES["written twice"]),
}


def test_service_that_caches_reads_passes() -> None:
    """Old answers to whoever read something before are no mistake as long as he sees what he wrote."""
    results, _ = looked_at(Cached())
    assert {name: results[name].outcome for name in ASKING} == dict.fromkeys(ASKING, Outcome.PASSED), results


@pytest.mark.parametrize(("cached", "shelf", "check", "found"), BEHIND.values(), ids=BEHIND)
def test_mistake_behind_a_cache_is_found(
    cached: type[Shelf], shelf: type[Shelf], check: str, found: list[tuple[str, str]]
) -> None:
    """What is read after somebody wrote was not read before: no cache can answer with how it was then."""
    results, _ = looked_at(type("Behind", (cached, shelf), {})())
    assert findings(results)[check] == found


class Closed(Shelf):
    """Nobody may change or remove anything, the owner neither."""

    def methods(self, depth: int) -> tuple[str, ...]:
        """Return which methods a path of so many parts takes."""
        return ("GET", "POST") if depth == 1 else ("GET",)


class Polite(Shelf):
    """Who may not see a book is told so with 200."""

    def missing(self) -> Answer:
        """Say that there is nothing."""
        return 200, {"message": "there is nothing here"}, {}


class Signed(Shelf):
    """Nothing is accepted any more."""

    def answer(self, method: str, path: str, query: Headers, organisation: str, given: Any) -> Answer:
        """Answer a request."""
        del method, path, query, organisation, given
        return 401, {"error": "who are you?"}, {}


class Limited(Shelf):
    """Everybody is over his quota."""

    def answer(self, method: str, path: str, query: Headers, organisation: str, given: Any) -> Answer:
        """Answer a request."""
        del method, path, query, organisation, given
        return 429, {"error": "slow down"}, {}


@pytest.mark.parametrize("shelf", [Signed, Limited])
def test_service_that_lets_nobody_in_passes_nothing(shelf: type[Shelf]) -> None:
    """Where no request gets through, nothing is shown of anybody's resources, pages or removals."""
    results, _ = looked_at(shelf())
    about = ("tenants-apart", "pages-complete", "created-readable", "idempotent", "methods-agree")
    assert {results[name].outcome for name in about} == {Outcome.NOT_TESTED}
    assert not findings(results)


def test_method_that_nobody_may_use_is_no_refusal() -> None:
    """405 to a stranger says nothing of whose the resource is: those operations are not tested, by name."""
    results, _ = looked_at(Closed())
    assert results["tenants-apart"].outcome is Outcome.NOT_TESTED
    for label in (PUT, PATCH, DELETE):
        assert f"{label} (a stranger: {label.partition(' ')[0]} of it answered 405)" in results["tenants-apart"].reason
    assert READ not in results["tenants-apart"].reason
    assert not results["tenants-apart"].findings


def test_answer_that_there_is_nothing_is_no_reading() -> None:
    """A service that says with 200 that there is nothing shows nothing of anybody."""
    results, _ = looked_at(Polite())
    assert not results["tenants-apart"].findings


def test_one_user_alone_is_no_stranger() -> None:
    """Where there are no users of two organisations, nobody can try, and the reason says so."""
    results, _ = looked_at(Shelf(), users=Users(alone=True))
    assert results["tenants-apart"].outcome is Outcome.NOT_TESTED
    assert "there are no users of two organisations" in results["tenants-apart"].reason


class Numbered(Shelf):
    """No title is taken twice."""

    def make(self, organisation: str, given: Any) -> Answer:
        """Make a book."""
        taken = any(book["title"] == given["title"] for book in self.books.values())
        return (409, {"error": "there is one"}, {}) if taken else super().make(organisation, given)


def test_two_that_are_not_alike_show_nothing() -> None:
    """Where the same is not taken twice, how something was is not told by another one."""
    results, _ = looked_at(Numbered())
    assert results["tenants-apart"].outcome is Outcome.NOT_TESTED
    assert not results["tenants-apart"].findings


class Declared(Users):
    """Two users of one organisation and one of another, by turns."""

    def __init__(self) -> None:
        super().__init__()
        self._turns = itertools.cycle([("ann", "org-a"), ("abe", "org-a"), ("bob", "org-b")])

    def lease(self, count: int, **_: Any) -> Sequence[Identity]:
        """Return users."""
        turns = itertools.islice(self._turns, count)
        return [replace(self._make(organisation), name=name) for name, organisation in turns]


@pytest.mark.parametrize(("shelf", "outcome"), [(Shelf, Outcome.PASSED), (admitting("GET"), Outcome.FAILED)])
def test_a_stranger_is_of_another_organisation(shelf: type[Shelf], outcome: Outcome) -> None:
    """Whichever users come next, who tries is no colleague of who made something."""
    results, _ = looked_at(shelf(), users=Declared())
    assert results["tenants-apart"].outcome is outcome, results["tenants-apart"]


def test_what_is_shared_is_not_private() -> None:
    """Operations that are declared shared are left out; without any other, nobody promised anything."""
    shared = ContractSettings(shared=(READ, f"{READ}/notes"))
    results, _ = looked_at(admitting("GET")(), settings=shared)
    assert results["tenants-apart"].outcome is Outcome.PASSED
    results, _ = looked_at(Shelf(), secured=False)
    assert results["tenants-apart"].outcome is Outcome.NOT_APPLICABLE


class Unpaged(Shelf):
    """The list is no list of pages."""

    paging = "none"


class Endless(Shelf):
    """The size of a page is not looked at."""

    def page(self, mine: list[Book], start: int, size: int) -> list[Book]:
        """Return what stands on a page."""
        del start, size
        return mine


class Filtering(Shelf):
    """What looks like the size of a page is something to look for."""

    def listed(self, organisation: str, query: Headers) -> Answer:
        """List an organisation's books."""
        return (200, {"items": [], "next": None}, {}) if "limit" in query else super().listed(organisation, query)


@pytest.mark.parametrize(
    ("shelf", "outcome"),
    [(Unpaged, Outcome.NOT_APPLICABLE), (Endless, Outcome.NOT_TESTED), (Filtering, Outcome.NOT_TESTED)],
)
def test_list_without_pages_is_not_passed(shelf: type[Shelf], outcome: Outcome) -> None:
    """A document that tells of no pages promises none; a page with everything on it shows nothing of pages."""
    results, _ = looked_at(shelf())
    assert results["pages-complete"].outcome is outcome


class Accepting(Forgetting):
    """What was made is only accepted, and is there later."""

    def make(self, organisation: str, given: Any) -> Answer:
        """Make a book."""
        _, body, headers = super().make(organisation, given)
        return 202, body, headers


def test_what_is_only_accepted_need_not_be_there() -> None:
    """By 202 nothing is promised to be there at once, unless a link says where."""
    results, _ = looked_at(Accepting(), links=False)
    assert results["created-readable"].outcome is Outcome.NOT_TESTED
    assert not findings(results)


class Growing(Shelf):
    """What is read is longer each time."""

    def listed(self, organisation: str, query: Headers) -> Answer:
        """List an organisation's books."""
        self.count += 1
        status, body, headers = super().listed(organisation, query)
        return status, {**body, "asked": "x" * self.count}, headers


class GrowingHead(heading(200, [0])):  # type: ignore[misc]
    """And HEAD announces some length."""

    listed = Growing.listed


def test_length_of_what_always_changes_is_not_compared() -> None:
    """Where two GETs differ in length, HEAD cannot tell it."""
    results, _ = looked_at(GrowingHead())
    assert not findings(results)
