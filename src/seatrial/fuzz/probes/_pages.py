"""Whether pages show everything exactly once: some things are made, and listed two at a time."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urljoin, urlsplit

from seatrial.core.recipes import values_of
from seatrial.fuzz._lifecycle import PAUSE_S
from seatrial.fuzz._looked import Gap
from seatrial.fuzz._messages import CUT, Sent
from seatrial.fuzz.probes._ask import Unclear, said
from seatrial.fuzz.probes._found import Seen, confirmed
from seatrial.fuzz.probes._gaps import left_out, look_at_each
from seatrial.fuzz.probes._ground import SUCCESS, Ground
from seatrial.fuzz.probes._kinds import Kind, kinds_of, url_of
from seatrial.fuzz.probes._values import header_of, value_of
from seatrial.openapi import Lead, Operation, leads_of

SIZES = ("limit", "per_page", "page_size", "pageSize", "size", "count", "max_results", "maxResults", "first")
OFFSETS = ("offset", "skip")
SIZE, MADE = 2, 5
"""How many are listed at a time, and how many are made: two full pages and one that is not."""

MOST = 30
"""How many pages are turned, of a list that others have filled too."""

NEXT = re.compile(r"<([^>]*)>\s*;[^,<]*\brel=\"?next\"?", re.IGNORECASE)
NOTHING = "no operation documents how many a page of its list has"


@dataclass(frozen=True, slots=True)
class List:
    """An operation that lists in pages; `size`, `offset` and `further` are how, as far as the document says."""

    operation: Operation
    size: str
    offset: str
    further: Lead | None


@dataclass(frozen=True, slots=True)
class Turned:
    """The pages of a list, in their order; `back` if the last one leads to one that was there before."""

    pages: Sequence[Sent]
    back: bool = False


def pages_complete(ground: Ground) -> tuple[list[Seen], Gap | None]:
    """Make some things for a new user, and turn the pages of each list that shows them."""
    lists = [found for each in ground.operations.values() if (found := list_of(each, ground.operations))]
    seen, unclear = look_at_each(ground, ((paged.operation.label, partial(_tried, paged, ground)) for paged in lists))
    return seen, left_out(unclear, "" if lists else NOTHING)


def list_of(operation: Operation, operations: Mapping[str, Operation]) -> List | None:
    """Return how an operation lists in pages, None where the document says of no such thing."""
    size, offset = (_named(operation, names) for names in (SIZES, OFFSETS))
    if operation.method != "GET" or not size or operation.in_path:
        return None
    own = (lead for lead in leads_of(operation, operations) if lead.target.label == operation.label)
    further = next((lead for lead in own if lead.status.startswith("2") and lead.fills("query")), None)
    return List(operation, size, offset, further)


def _named(operation: Operation, names: Sequence[str]) -> str:
    return next((name for name in names if f"query:{name}" in operation.inputs), "")


def _tried(paged: List, ground: Ground) -> list[Seen]:
    owner = ground.ask.fresh()
    steps = [_one_more(paged, ground, owner, number) for number in range(MADE)]
    mine = [_name_of(sent, paged, ground) for sent in steps]
    if len(set(mine)) < MADE:
        raise Unclear("what is made cannot be told apart")
    place = _listed(mine, paged, ground, owner)
    found = _wrong(mine, place, _turned(paged, ground, owner))
    if found is None:
        return []
    title, cause, pages = found
    status = confirmed(lambda: _wrong(mine, place, _turned(paged, ground, owner)))
    return [Seen(operation=paged.operation.label, title=title, cause=cause, steps=[*steps, *pages], status=status)]


def _one_more(paged: List, ground: Ground, owner: str, number: int) -> Sent:
    """Make something, by turns of the requests that made something before."""
    maker = ground.operations.get(f"POST {paged.operation.path}")
    samples = ground.accepted(maker) if maker else []
    if not (maker and samples):
        raise Unclear("nothing can be made that it lists" if maker is None else f"{maker.label} was never accepted")
    sample = samples[number % len(samples)]
    answer = ground.ask.ask(maker, sample.url, owner, body=sample.body, headers=sample.request_headers)
    if answer.status not in SUCCESS:
        raise Unclear(f"{maker.label}: {said(answer)}")
    return answer


def _name_of(sent: Sent, paged: List, ground: Ground) -> str:
    """Return how the list names something: as its address does, or by its `id`."""
    kind: Kind | None = next((each for each in kinds_of(ground.operations) if each.maker.label == sent.operation), None)
    url = url_of(kind, sent, ground.ask.base_url) if kind else ""
    name = unquote(urlsplit(url).path.rpartition("/")[2]) or values_of(sent.response_body).get("/id", "")
    if not name:
        raise Unclear(f"POST {paged.operation.path} does not say what it made")
    return name


def _listed(mine: Sequence[str], paged: List, ground: Ground, owner: str) -> str:
    """Return where in an item its name stands, by a list of all; raises Unclear where not all is on it a moment later.

    The same text may stand elsewhere in some item: a name is where each one is, and no more often than need be.
    """
    url = ground.ask.base_url + paged.operation.path
    for pause_s in (0.0, PAUSE_S):
        time.sleep(pause_s)
        page = _page(paged, url, ground, owner)
        places = dict.fromkeys(place for item in _items(page) for place in values_of(json.dumps(item)))
        shown = {place: _names_at(place, [page]) for place in places}
        whole = {place: names for place, names in shown.items() if all(names[name] for name in mine)}
        if whole:
            return min(whole, key=lambda place: sum(whole[place][name] for name in mine))
    raise Unclear("not all that was made is listed where no size is asked for")


def _turned(paged: List, ground: Ground, owner: str) -> Turned:
    """Turn pages to the last one."""
    pages, visited = list[Sent](), set[str]()
    url = f"{ground.ask.base_url}{paged.operation.path}?{urlencode({paged.size: SIZE})}"
    while url and len(pages) < MOST:
        if url in visited:
            return Turned(pages, back=True)
        visited.add(url)
        pages.append(_page(paged, url, ground, owner))
        url = _following(paged, pages, ground)
    if url:
        raise Unclear(f"it has more than {MOST} pages")
    return Turned(pages)


def _page(paged: List, url: str, ground: Ground, owner: str) -> Sent:
    answer = ground.ask.ask(paged.operation, url, owner)
    if answer.status not in SUCCESS:
        raise Unclear(said(answer))
    if CUT.search(answer.response_body):
        raise Unclear("its answers are too long to be kept")
    return answer


def _following(paged: List, pages: Sequence[Sent], ground: Ground) -> str:
    """Return where the page after the last one is: by a link of the document or of the answer, or by an offset."""
    last = pages[-1]
    if paged.further:
        filled = paged.further.fills("query")
        values = {name: value_of(expression, last, paged.operation.path) for name, expression in filled.items()}
        return _with(last.url, values) if all(values.values()) else ""
    if found := NEXT.search(header_of(last, "link")):
        parts = urlsplit(urljoin(last.url, found[1]))
        return f"{ground.ask.base_url}{parts.path}?{parts.query}"
    if len(pages) > 1 and NEXT.search(header_of(pages[-2], "link")):
        return ""
    if not paged.offset:
        raise Unclear("nothing says how to go on")
    shown = sum(len(_items(page)) for page in pages)
    return _with(last.url, {paged.offset: str(shown)}) if _items(last) else ""


def _with(url: str, values: Mapping[str, str]) -> str:
    parts = urlsplit(url)
    return parts._replace(query=urlencode({**dict(parse_qsl(parts.query)), **values})).geturl()


def _items(page: Sent) -> list[Any]:
    """Return what a page lists: its body, or the first list in that."""
    try:
        body = json.loads(page.response_body)
    except ValueError:
        return []
    parts = [body, *(body.values() if isinstance(body, dict) else ())]
    return next((part for part in parts if isinstance(part, list)), [])


def _names_at(place: str, pages: Sequence[Sent]) -> Counter[str]:
    """Return in how many items each text stands at a place."""
    return Counter(values_of(json.dumps(item)).get(place, "") for page in pages for item in _items(page))


def _wrong(mine: Sequence[str], place: str, turned: Turned) -> tuple[str, str, Sequence[Sent]] | None:
    """Return what is wrong with pages, in words and as a cause, with the pages that show it."""
    if (first := len(_items(turned.pages[0]))) != SIZE:  # the parameter is about something else, or not looked at
        raise Unclear(f"a page of {SIZE} has {first}")
    shown = _names_at(place, turned.pages)
    twice, never = ([name for name in mine if test(shown[name])] for test in (lambda n: n > 1, lambda n: not n))
    if turned.back:
        return "a page leads back to one before it", "endless", turned.pages
    if never:
        return f"{len(never)} of {len(mine)} are on no page", "skips", turned.pages
    return (f"{len(twice)} of {len(mine)} are on two pages", "repeats", turned.pages) if twice else None
