"""Data of other tools, read into lines: coverage.py's `.coverage`, Cobertura XML and LCOV."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from coverage import CoverageData
from coverage.exceptions import CoverageException
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

SQLITE = b"SQLite format 3\0"


@dataclass(slots=True)
class Told:
    """What data says of one file: lines that `ran`, and all that it calls executable (None: it does not say)."""

    ran: set[int] = field(default_factory=set)
    listed: set[int] | None = None

    def count(self, line: int, hits: int) -> None:
        """Take in how often a line ran."""
        self.listed = self.listed or set()
        self.listed.add(line)
        if hits > 0:
            self.ran.add(line)


def both(one: Told, other: Told) -> Told:
    """Return what two records of one file say together."""
    listed = None if one.listed is None or other.listed is None else one.listed | other.listed
    return Told(ran=one.ran | other.ran, listed=listed)


Names = tuple[str, ...]
"""The paths by which data may mean one file, the likeliest first: Cobertura has roots apart from names."""


def read_told(path: Path) -> Mapping[Names, Told]:
    """Return what a file of any of the three formats says, by the paths it has; raises ValueError with the reason."""
    try:
        content = path.read_bytes()
        if content.startswith(SQLITE):
            return _read_coverage(path)
        text = content.decode("utf-8")
        return _read_cobertura(text) if text.lstrip("\ufeff \r\n\t").startswith("<") else _read_lcov(text)
    except (OSError, sqlite3.Error, CoverageException, ParseError, DefusedXmlException) as error:
        raise ValueError(str(error)) from error


def _read_coverage(path: Path) -> Mapping[Names, Told]:
    with closing(CoverageData(str(path))) as data:
        data.read()
        return {(name,): Told(ran=set(data.lines(name) or ())) for name in data.measured_files()}


def _read_cobertura(text: str) -> Mapping[Names, Told]:
    root: Element = fromstring(text)
    if root.tag != "coverage":
        raise ValueError(f"its root is <{root.tag}>, and that of Cobertura XML is <coverage>")
    sources = [source.text.strip() for source in root.iterfind("sources/source") if source.text]
    found: defaultdict[Names, Told] = defaultdict(Told)
    for part in root.iter("class"):
        name = part.get("filename", "")
        told = found[(*(f"{source.rstrip('/')}/{name}" for source in sources if not name.startswith("/")), name)]
        for line in part.iterfind("lines/line"):
            told.count(int(line.get("number", "")), int(line.get("hits", "")))
    return found


def _read_lcov(text: str) -> Mapping[Names, Told]:
    found: defaultdict[Names, Told] = defaultdict(Told)
    told: Told | None = None
    for line in text.splitlines():
        kind, _, rest = line.strip().partition(":")
        if kind == "SF":
            told = found[rest,]
        elif kind == "DA" and told is not None:
            number, hits, *_ = rest.split(",")
            told.count(int(number), int(hits))
    if not found:
        raise ValueError("it is no .coverage file, no Cobertura XML and no LCOV (which has lines that begin with SF:)")
    return found
