"""A walk through the lives of resources: what was made is read, removed, and looked for once more.

The engine does that too, but by chance, and its check is content with any reading. What it made is used here; how far
each life could be followed is told, so that nothing passes that was not looked at.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import msgspec

from seatrial.fuzz._messages import Lived, Message, Repeated, Sent, Verdict
from seatrial.openapi import Lifecycle, Operation, Places

CHECK = "use_after_free"
"""Schemathesis's name of what is looked for, so that its findings and these are one."""

SUCCESS = range(200, 300)
GONE = frozenset(range(400, 500)) - {401}
"""Statuses that say of a resource which was read before that it is there no longer; 401 says that of the reader."""

TRIES = 3
"""How many resources are tried for each life."""

STEPS = 4
"""How many requests a life takes at most: read, remove, look for it, look again."""

PAUSE_S = 1.0
"""How long what was removed may still be served."""

Value = Callable[[str], Any]
"""Evaluates an expression of a link for an answer; None where there is no such value."""


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that request `number` made, for an identity."""

    number: int
    identity: str
    url: str


Send = Callable[[Resource, Operation], Sent]
"""Asks an operation for a resource, as who made it."""


class Resources:
    """Remember what was made and not removed."""

    def __init__(self, lifecycles: Sequence[Lifecycle], base_url: str) -> None:
        self._lifecycles = lifecycles
        self._base_url = base_url.rstrip("/")
        self._made: dict[str, dict[str, Resource]] = defaultdict(dict)

    def learn(self, sent: Sent, value: Value) -> None:
        """Take in an answer."""
        if sent.status not in SUCCESS:
            return
        if sent.method == "DELETE":
            for made in self._made.values():
                made.pop(sent.url, None)
        for lifecycle in self._lifecycles:
            places = _places(lifecycle, sent)
            url = self._url(lifecycle.read.path, places, value) if places else ""
            if url:
                self._made[lifecycle.name][url] = Resource(sent.number, sent.identity, url)

    def _url(self, path: str, places: Places, value: Value) -> str:
        """Return where a resource is, or nothing where the answer does not say so."""
        values = {name: value(expression) for name, expression in places.items()}
        if any(isinstance(each, (dict, list)) or each in (None, "") for each in values.values()):
            return ""
        return self._base_url + re.sub(r"{([^{}]+)}", lambda name: quote(str(values[name[1]]), safe=""), path)

    def newest(self, lifecycle: Lifecycle) -> list[Resource]:
        """Return what there is, the newest first."""
        return list(self._made[lifecycle.name].values())[::-1]


def _places(lifecycle: Lifecycle, sent: Sent) -> Places | None:
    maker = lifecycle.maker
    if (sent.operation, sent.method) != (maker.label, maker.method):
        return None
    return lifecycle.places.get(maker.documented_as(sent.status))


@dataclass(frozen=True, slots=True)
class Walk:
    """Follow lives until a moment; `title` is what is said of a resource that is still served."""

    send: Send
    limited: Collection[int]
    title: str
    until_s: float

    def along(self, lifecycle: Lifecycle, resources: Sequence[Resource]) -> Iterator[Message]:
        """Try one resource after the other until one was seen after its removal."""
        missing = "nothing is left of what it made"
        for resource in resources[:TRIES]:
            missing = yield from self._live(lifecycle, resource)
            if not missing:
                break
        yield Lived(lifecycle=lifecycle.name, missing=missing)

    def _live(self, lifecycle: Lifecycle, resource: Resource) -> Generator[Message, None, str]:
        """Read, remove and look for a resource; return what kept that from being done, or nothing."""
        for operation in (lifecycle.read, lifecycle.remove):
            if time.monotonic() > self.until_s:
                return "no time was left"
            step = self.send(resource, operation)
            yield step
            if not self._served(step):
                return _said(step)
        after = self.send(resource, lifecycle.read)
        served = self._served(after)
        if not served and (after.status not in GONE or after.status in self.limited):
            yield after
            return f"{_said(after)} after the removal"
        chain = [resource.number, step.number, after.number]
        verdict = Verdict(name=CHECK, title=self.title, message=f"{_said(step)}, and then {_said(after)}", chain=chain)
        yield msgspec.structs.replace(after, verdicts=[verdict if served else Verdict(name=CHECK)])
        if served:
            yield from self._again(lifecycle, resource, after)
        return ""

    def _again(self, lifecycle: Lifecycle, resource: Resource, after: Sent) -> Iterator[Message]:
        """Look at what is still served a second time: a removal may take a moment."""
        time.sleep(PAUSE_S)
        again = self.send(resource, lifecycle.read)
        yield again
        if again.status and again.status not in self.limited:
            yield Repeated(number=after.number, name=CHECK, title=self.title, same=self._served(again))

    def _served(self, sent: Sent) -> bool:
        return sent.status in SUCCESS and sent.status not in self.limited


def _said(sent: Sent) -> str:
    return f"{sent.operation} answered {sent.status or 'nothing'}"
