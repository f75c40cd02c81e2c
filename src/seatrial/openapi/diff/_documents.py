"""Two documents in step, operation by operation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from seatrial.openapi.diff._law import Change, Side
from seatrial.openapi.diff._places import At, expanded, written
from seatrial.openapi.diff._schemas import Comparison, Known
from seatrial.openapi.diff._views import Message, Requirement, Value, View, views

TOLD = ("summary", "description", "tags", "operationId", "externalDocs", "example", "examples")
ABOUT = ("info", "tags", "externalDocs")
SUCCESS = ("1", "2", "3")


def diff(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """Return every change between two documents that are whole (see `fetch_document`), one for each operation."""
    found = list(_operations(views(old), views(new), Known(old, new)))
    found += _callbacks(At(old, old).get("webhooks", {}), At(new, new).get("webhooks", {}), "webhook")
    if any(old.get(key) != new.get(key) for key in ABOUT):
        found.append(Change(kind="documentation-changed", place="info", old=("info",), new=("info",)))
    return found


def _operations(olds: Mapping[str, View], news: Mapping[str, View], known: Known) -> Iterator[Change]:
    for key in dict.fromkeys([*olds, *news]):
        if key not in news:
            gone = olds[key]
            kind = "deprecated-operation-removed" if gone.at.value.get("deprecated") else "operation-removed"
            yield Change(kind=kind, operation=gone.label, old=gone.at.steps)
        elif key not in olds:
            yield Change(kind="operation-added", operation=news[key].label, new=news[key].at.steps)
        else:
            pair = _Pair(olds[key], news[key], known)
            yield from (replace(change, operation=news[key].label) for change in pair.changes())


@dataclass(frozen=True, slots=True)
class _Pair:
    """An operation in both documents."""

    old: View
    new: View
    known: Known

    def changes(self) -> Iterator[Change]:
        """Yield what differs."""
        yield from _documentation(self.old.at, self.new.at, "")
        if self.new.at.value.get("deprecated") and not self.old.at.value.get("deprecated"):
            yield _change("operation-deprecated", self.old.at, self.new.at, "")
        yield from _security(self.old, self.new)
        request, response = Comparison(Side.REQUEST, self.known), Comparison(Side.RESPONSE, self.known)
        yield from _parameters(self.old.parameters, self.new.parameters, request, (self.old.at, self.new.at))
        yield from _body(self, request)
        yield from _answers(self, response)
        yield from _callbacks(self.old.at.get("callbacks", {}), self.new.at.get("callbacks", {}), "callback")


def _change(kind: str, old: At, new: At, place: str, before: Any = None, after: Any = None) -> Change:  # noqa: PLR0913, PLR0917 - one line each
    return Change(kind=kind, place=place, old=old.shown, new=new.shown, before=before, after=after)


def _documentation(old: At, new: At, place: str) -> Iterator[Change]:
    if any(old.value.get(key) != new.value.get(key) for key in TOLD):
        yield _change("documentation-changed", old, new, place)


def _security(old: View, new: View) -> Iterator[Change]:
    """Yield what callers need now: each that had enough before has to have enough still."""
    before, after = _told(old.security), _told(new.security)
    if any(not any(_meets(one, other) for other in new.security) for one in old.security):
        yield _change("security-narrowed", old.at, new.at, "security", before, after)
    elif any(not any(_meets(other, one) for one in old.security) for other in new.security):
        yield _change("security-widened", old.at, new.at, "security", before, after)


def _meets(carried: Requirement, wanted: Requirement) -> bool:
    """Return whether a request that carries what one requirement wants has what another one wants."""
    return all(scheme in carried and scopes <= carried[scheme] for scheme, scopes in wanted.items())


def _told(requirements: Sequence[Requirement]) -> list[dict[str, list[str]]]:
    return [{scheme: sorted(scopes) for scheme, scopes in each.items()} for each in requirements]


def _parameters(
    olds: Mapping[tuple[str, str], Value],
    news: Mapping[tuple[str, str], Value],
    comparison: Comparison,
    owners: tuple[At, At],
) -> Iterator[Change]:
    for key in dict.fromkeys([*olds, *news]):
        old, new = olds.get(key), news.get(key)
        named = new or old
        assert named is not None  # noqa: S101 - a key of one of them
        place = f"{named.place} {named.name}"
        if new is None:
            yield _change("request-parameter-removed", named.at, owners[1], place)
        elif old is None:
            kind = "request-required-parameter-added" if new.required else "request-parameter-added"
            yield _change(kind, owners[0], new.at, place)
        else:
            yield from _value(old, new, place, comparison, "request-parameter")


def _value(old: Value, new: Value, place: str, comparison: Comparison, what: str) -> Iterator[Change]:
    yield from _documentation(old.at, new.at, place)
    if old.required != new.required:
        yield _change(f"{what}-{'required' if new.required else 'optional'}", old.at, new.at, place)
    if old.way != new.way and comparison.side is Side.REQUEST:
        yield _change("request-serialisation-changed", old.at, new.at, place, old.way, new.way)
    yield from comparison.changes(old.schema, new.schema, place)


def _body(pair: _Pair, comparison: Comparison) -> Iterator[Change]:
    old, new = pair.old.body, pair.new.body
    if old is None or new is None:
        if new is not None:
            kind = "request-required-body-added" if new.required else "request-body-added"
            yield _change(kind, pair.old.at, new.at, "body")
        elif old is not None:
            yield _change("request-body-removed", old.at, pair.new.at, "body")
        return
    yield from _documentation(old.at, new.at, "body")
    if old.required != new.required:
        yield _change(f"request-body-{'required' if new.required else 'optional'}", old.at, new.at, "body")
    if old.encodings != new.encodings:
        yield _change("request-serialisation-changed", old.at, new.at, "body")
    yield from _media(old, new, "body", comparison)


def _media(old: Message, new: Message, place: str, comparison: Comparison) -> Iterator[Change]:
    """Yield what differs in content; a media type that is spelt out is also one of a range (`application/*`)."""
    what = f"{comparison.side}-media-type"
    for name, schema in old.media.items():
        there = _of_range(name, new.media)
        if there is None:
            yield _change(f"{what}-removed", old.at, new.at, place, name)
        else:
            shown = place if len(old.media) == 1 else f"{place} {name}"
            yield from comparison.changes(schema, there, shown)
    for name in new.media:
        if _of_range(name, old.media) is None:
            yield _change(f"{what}-added", old.at, new.at, place, None, name)


def _of_range(name: str, media: Mapping[str, At]) -> At | None:
    kind = name.partition("/")[0]
    return next((media[each] for each in (name, f"{kind}/*", "*/*") if each in media), None)


def _answers(pair: _Pair, comparison: Comparison) -> Iterator[Change]:
    olds, news = pair.old.answers, pair.new.answers
    for status, old in olds.items():
        new = _covering(status, news)
        if new is None:
            kind = "success" if status.startswith(SUCCESS) else "error"
            yield _change(f"response-{kind}-removed", old.at, pair.new.at, status)
        else:
            yield from _answer(old, new, status, comparison)
    for status in [status for status in news if status not in olds]:
        covered = _covering(status, olds)
        if covered is None:
            kind = "success" if status.startswith(SUCCESS) else "error"
            yield _change(f"response-{kind}-added", pair.old.at, news[status].at, status)
        else:
            yield from _answer(covered, news[status], status, comparison)


def _covering(status: str, answers: Mapping[str, Message]) -> Message | None:
    """Return what a status is documented as: by itself, as one of its class, or, for an error, by default."""
    keys = (status, f"{status[0]}XX", *(() if status.startswith(SUCCESS) else ("default",)))
    return next((answers[key] for key in keys if key in answers), None)


def _answer(old: Message, new: Message, status: str, comparison: Comparison) -> Iterator[Change]:
    yield from _documentation(old.at, new.at, status)
    if bool(old.media) != bool(new.media):
        kind = "response-body-added" if new.media else "response-body-removed"
        yield _change(kind, old.at, new.at, status)
    else:
        yield from _media(old, new, status, comparison)
    for name in dict.fromkeys([*old.headers, *new.headers]):
        yield from _header(old, new, name, status, comparison)
    yield from _links(old.at.get("links", {}), new.at.get("links", {}), status)


def _header(old: Message, new: Message, name: str, status: str, comparison: Comparison) -> Iterator[Change]:
    before, after = old.headers.get(name), new.headers.get(name)
    named = after or before
    place = f"{status} header {named.name if named else name}"
    if before is not None and after is not None:
        yield from _value(before, after, place, comparison, "response-header")
    elif before is not None:
        kind = "response-header-removed" if before.required else "response-optional-header-removed"
        yield _change(kind, before.at, new.at, place)
    elif after is not None:
        yield _change("response-header-added", old.at, after.at, place)


def _links(old: At, new: At, status: str) -> Iterator[Change]:
    yield from _by_name(old, new, lambda name: f"{status} link {name}", "link")


def _callbacks(old: At, new: At, what: str) -> Iterator[Change]:
    """Yield what differs in the requests that the service sends: whoever receives them keeps to the document too."""
    yield from _by_name(old, new, lambda name: f"{what} {name}", "callback")


def _by_name(old: At, new: At, place: Callable[[str], str], kind: str) -> Iterator[Change]:
    for name in dict.fromkeys([*old.value, *new.value]):
        if name not in new.value:
            yield _change(f"{kind}-removed", old.get(name), new, place(name))
        elif name not in old.value:
            yield _change(f"{kind}-added", old, new.get(name), place(name))
        elif written(expanded(old.get(name))) != written(expanded(new.get(name))):
            yield _change(f"{kind}-unclear", old.get(name), new.get(name), place(name))
