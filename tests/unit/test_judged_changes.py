"""How bad changes are for a project: decisions about kinds, waivers until a date, and what the page says of kinds."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
from changes import body, integer, string, whole
from documents import OK

from seatrial.cli._diffing import does_fail, lines
from seatrial.config import ContractSettings, ContractWaiverSettings
from seatrial.core import UsageError
from seatrial.openapi.diff import KINDS, Judged, Level, check_kinds, counting, diff, judge_changes
from seatrial.openapi.diff._law import NAMED

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "compare-contracts.md").read_text(encoding="utf-8")
TODAY = dt.date(2026, 12, 31)
NAME = {"$ref": "#/components/schemas/Name"}
TITLE = "request-length-narrowed"


def posting(*paths: str, least: int = 1) -> dict[str, Any]:
    """Return a document with operations that all take a name of some length."""
    operation = {"post": {**body(NAME, required=True), "responses": {"200": OK}}}
    found = whole(dict.fromkeys(paths, operation))
    schemas = {**found["components"]["schemas"], "Name": string(minLength=least)}
    return {**found, "components": {**found["components"], "schemas": schemas}}


def waiver(**more: str) -> ContractWaiverSettings:
    """Return a waiver of what `judged` finds."""
    return ContractWaiverSettings(**{"kind": TITLE, "reason": "r", "owner": "o", "expires": "2026-12-31", **more})


def judged(today: dt.date = TODAY, **settings: Any) -> list[Judged]:
    """Return what a longer name does to two operations."""
    changes = diff(posting("/a", "/b"), posting("/a", "/b", least=2))
    return judge_changes(changes, ContractSettings(**settings), today=today)


def test_a_schema_that_many_use_is_told_once() -> None:
    """One change of a component is one line, with the operations that it concerns."""
    found = judged()
    assert [each.operations for each in found] == [("POST /a", "POST /b")]
    assert list(lines(found)) == [
        "breaking  POST /a: body: request-length-narrowed: minLength 1 -> minLength 2 (in 2 operations)",
        "          at #/components/schemas/Name",
        "changes: 1 breaking, 0 risky, 0 safe",
    ]


def test_a_project_decides_about_kinds() -> None:
    """A decision goes before the law, in both directions."""
    assert [each.level for each in judged(severity={TITLE: "safe"})] == [Level.SAFE]
    back = diff(posting("/a", least=2), posting("/a"))
    settings = ContractSettings(severity={"request-length-widened": "breaking"})
    assert [each.level for each in judge_changes(back, settings, today=TODAY)] == [Level.BREAKING]


@pytest.mark.parametrize(
    ("place", "left"),
    [
        ("", []),
        ("POST /*", []),
        ("#/components/schemas/Name", []),
        ("POST /a", ["POST /b"]),
        ("POST /a: body", ["POST /b"]),
        ("POST /a: query*", ["POST /a", "POST /b"]),
        ("GET /a", ["POST /a", "POST /b"]),
    ],
)
def test_a_waiver_is_for_a_place(place: str, left: list[str]) -> None:
    """What is waived in one place counts in another."""
    found = judged(waivers=(waiver(place=place),))
    assert [name for each in counting(found, Level.BREAKING) for name in each.operations] == left
    assert does_fail(found, ContractSettings()) is bool(left)


def test_a_waiver_is_for_a_kind() -> None:
    """What is waived of one kind counts as another."""
    assert counting(judged(waivers=(waiver(kind="request-length-widened"),)), Level.BREAKING)


def test_a_waiver_holds_to_its_last_day() -> None:
    """On the next day the change counts, and it is told why."""
    waivers = (waiver(),)
    assert "          waived until 2026-12-31 by o: r" in lines(judged(waivers=waivers))
    late = judged(TODAY + dt.timedelta(days=1), waivers=waivers)
    assert does_fail(late, ContractSettings())
    assert "          its waiver is over; it held until 2026-12-31 by o: r" in lines(late)


@pytest.mark.parametrize(
    "settings",
    [
        ContractSettings(severity={"request-lenght-narrowed": "safe"}),
        ContractSettings(waivers=(waiver(kind="request-lenght-narrowed"),)),
    ],
)
def test_a_kind_that_does_not_exist_is_refused(settings: ContractSettings) -> None:
    """A slip would let something break unseen."""
    with pytest.raises(UsageError, match="did you mean 'request-length-narrowed'"):
        check_kinds(settings)


def test_risky_fails_unless_it_is_noted() -> None:
    """What nobody can be sure of fails, unless the project wants to know only."""
    before, after = (whole({"/a": {"post": {**body(integer(default=n)), "responses": {"200": OK}}}}) for n in (1, 2))
    found = judge_changes(diff(before, after), ContractSettings(), today=TODAY)
    assert [each.level for each in found] == [Level.RISKY]
    assert does_fail(found, ContractSettings())
    assert not does_fail(found, ContractSettings(risky="note"))


def test_words_are_counted_only() -> None:
    """Changes of documentation are not shown one by one."""
    before, after = (whole({"/a": {"get": {"summary": word, "responses": {"200": OK}}}}) for word in "ab")
    found = judge_changes(diff(before, after), ContractSettings(), today=TODAY)
    assert list(lines(found)) == [
        "changes: 0 breaking, 0 risky, 1 safe (1 of them changed words only and are not shown)"
    ]


def test_the_page_lists_the_kinds() -> None:
    """Each kind with a name of its own stands there with its true level."""
    listed = dict(re.findall(r"^\| `([a-z-]+)` \| (\w+) \|$", PAGE, re.MULTILINE))
    assert listed == {kind: str(KINDS[kind][2]) for kind in NAMED}
