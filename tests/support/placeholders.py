"""Requests of two runs, made comparable: who sent them, and what the service made up, stand as placeholders."""

from __future__ import annotations

import re
import urllib.parse

from seatrial.core.recipes import values_of
from seatrial.fuzz._messages import Sent

WHOLE = re.compile(r"""[^\s/?&;="',{}\[\]]{8,}""")
"""What may be a value as a whole; shorter ones are found in every text."""

MARK = re.compile(r"{{secret:(.*)}}")


class Placeholders:
    """Know what the answers so far have held first, by the number of the request and the place in its answer."""

    def __init__(self) -> None:
        self._made: dict[str, str] = {}
        self._who: dict[str, str] = {}

    def normal(self, sent: Sent) -> tuple[object, ...]:
        """Return a request without what the service, the machine and the run chose, and learn from its answer."""
        target = urllib.parse.urlunsplit(("", "", *urllib.parse.urlsplit(sent.url)[2:]))
        body = sent.body.decode("utf-8", "backslashreplace")
        asked = f"{urllib.parse.unquote_plus(target)} {body}"
        headers = tuple((name, self._header(value)) for name, value in sent.request_headers if name.lower() != "host")
        told = (sent.operation, sent.mode, sent.method, self._put(target), self._put(body), headers, sent.status)
        self._learn(sent, asked)
        return told

    def _header(self, value: str) -> str:
        if marked := MARK.fullmatch(value):
            return self._who.setdefault(marked[1], f"somebody {len(self._who)}")
        return self._put(value)

    def _put(self, text: str) -> str:
        return WHOLE.sub(lambda found: self._made.get(urllib.parse.unquote_plus(found[0]), found[0]), text)

    def _learn(self, sent: Sent, asked: str) -> None:
        headers = {name.lower(): value for name, value in sent.response_headers}
        values = {**values_of(sent.response_body), **headers}
        for place, value in values.items():
            for whole in WHOLE.findall(value):
                if whole not in asked:
                    self._made.setdefault(whole, f"{{{sent.number}{place}}}")


def normal(sent: list[Sent]) -> list[tuple[object, ...]]:
    """Return the requests of a run so that they can be compared with those of another."""
    placeholders = Placeholders()
    return [placeholders.normal(each) for each in sent]
