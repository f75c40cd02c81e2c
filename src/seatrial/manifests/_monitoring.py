"""Which metrics alert rules and dashboards name: by the expressions in PromQL that stand in them.

https://prometheus.io/docs/prometheus/latest/querying/basics/ and .../instrumenting/exposition_formats/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from seatrial.manifests._read import Document, Place
from seatrial.manifests.platforms import Said

BY_LABEL = re.compile(r"""\{[^{}]*?__name__\s*=\s*(["'])(?P<name>[^"']+)\1""")
NO_METRIC = re.compile(
    r"""
    "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | `[^`]*`                             # texts
    | \#[^\n]*                                                                  # comments
    | \$\{[^}]*\} | \$\w+                                                       # variables of a dashboard
    | \b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)          # lists of labels
    """,
    re.VERBOSE,
)
SELECTORS = re.compile(r"\{[^{}]*\}|\[[^\[\]]*\]")
NAME = re.compile(r"(?<![\w:.])[A-Za-z_:][\w:]*(?!\s*\(|[\w:])")
WORDS = frozenset(
    "and or unless bool offset atan2 inf nan start end by without on ignoring group_left group_right".split()  # noqa: SIM905 - words
)
PARTS = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("_sum", "_count"), "counter": ("_total",)}
NO_PROMQL = frozenset({"loki"})
"""Sources of a dashboard whose expressions are in another language."""

SAMPLE = re.compile(r"[A-Za-z_:][\w:]*")


def metrics_named(document: Document, place: Place = ()) -> Iterator[Said]:
    """Yield the metrics in every `expr` of a document, of rules as of panels."""
    value = document.at(*place) if place else document.value
    if place and place[-1] == "expr" and isinstance(value, str) and source_of(document, place) not in NO_PROMQL:
        yield from (Said(name, document.line(*place)) for name in sorted(names_in(value)))
    for step in steps(value):
        yield from metrics_named(document, (*place, step))


def source_of(document: Document, place: Place) -> str:
    """Return the kind of source that a dashboard's expression is for: its own, or its panel's; empty for none."""
    kinds = (document.at(*place[:length], "datasource", "type") for length in range(len(place) - 1, -1, -1))
    return str(next(filter(None, kinds), ""))


def recorded(value: Any) -> set[str]:
    """Return the metrics that the rules of a document make."""
    own = {value["record"]} if isinstance(value, dict) and isinstance(value.get("record"), str) else set()
    return own.union(*(recorded(value[step]) for step in steps(value)))


def steps(value: Any) -> Iterator[str | int]:
    """Yield the keys of a mapping, or the indices of a list."""
    if isinstance(value, dict):
        yield from value
    elif isinstance(value, list):
        yield from range(len(value))


def names_in(expression: str) -> set[str]:
    """Return the metrics in an expression: what is no text, label, function, number or word of the language."""
    found = {match["name"] for match in BY_LABEL.finditer(expression)}
    bare = SELECTORS.sub(" ", NO_METRIC.sub(" ", expression))
    return found | {name for name in NAME.findall(bare) if name.lower() not in WORDS}


def metrics_exposed(text: str) -> set[str]:
    """Return the metrics in an answer: samples, and what is announced and has none yet, with all its parts."""
    names = set()
    for line in text.splitlines():
        words = line.split()
        if words[:2] == ["#", "TYPE"] and len(words) > 3:  # noqa: PLR2004 - # TYPE name type
            names |= {words[2], *(words[2].removesuffix(part) + part for part in PARTS.get(words[3], ()))}
        elif not line.startswith("#") and (sample := SAMPLE.match(line)):
            names.add(sample[0])
    return names
