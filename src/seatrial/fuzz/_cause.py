"""What a failure is about, in words that are the same in every run: two defects of one operation differ in them."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from seatrial.core.recipes import values_of

TELLING = ("header_name", "missing_headers", "content_type", "status_code")
"""What failures of Schemathesis know about themselves, the most telling first."""

MOST_CAUSES = 5
"""In how many ways failures of one title and operation may differ: what tells more of them apart is no cause."""

WORDS = 8
SHORTEST = 3
"""Shorter values of a request are not looked for in an answer: they would be found in every word."""

TAG = re.compile(r"<[^<>]*>")
QUOTED = re.compile(r"""(['"`]).*?\1""")
WORD = re.compile(r"(?<![^\s.,:;!?()])[^\W\d_]{2,}(?![^\s.,:;!?()])")


def detail_of(failure: Any, *, status: int, said: str) -> str:
    """Return what tells a failure apart from others of its kind: the status, the part of a schema, what was said."""
    if path := getattr(failure, "schema_path", None):
        return f"{status}/{'/'.join(map(str, path))}"
    if said:
        return f"{status}/{said}"
    if hasattr(failure, "method"):  # one for each method that is not documented: they are one defect
        return ""
    value = next((getattr(failure, name) for name in TELLING if hasattr(failure, name)), "")
    return ",".join(value) if isinstance(value, list) else str(value)


def said_in(answer: str, sent: Collection[str]) -> str:
    """Return the words of an error's body, without numbers, ids, quotes and what the request had held."""
    text = " ".join(values_of(answer).values()) or " ".join(TAG.sub(" ", answer).strip().splitlines()[-1:])
    for value in sorted(filter(_long, sent), key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", " ", text)
    return "-".join(WORD.findall(QUOTED.sub(" ", text).lower())[:WORDS])


def _long(value: str) -> bool:
    return len(value) >= SHORTEST


def held_by(url: str, body: bytes) -> set[str]:
    """Return the values that a request holds."""
    parts = urlsplit(url)
    query = [value for _, value in parse_qsl(parts.query, keep_blank_values=True)]
    return {*query, *parts.path.split("/"), *values_of(body.decode("utf-8", "replace")).values()}


def cause_of(title: str, detail: str) -> str:
    """Return the cause as it stands in waivers."""
    word = re.sub(r"\W+", "-", title.lower()).strip("-")
    return f"{word}/{detail}" if detail else word
