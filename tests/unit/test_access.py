"""Who asked for what: told by the marks in a record, counted by operation, and shown as a table."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from seatrial.core import BROKEN, NOBODY, USERS, Documented, Exchange, Request, Response, Tally, caller_of
from seatrial.core.callers import BOGUS
from seatrial.core.marks import mark_of
from seatrial.openapi import filled
from seatrial.record import (
    ContractRead,
    ExchangeRecorded,
    ExchangesCounted,
    Recorder,
    RunStarted,
    read_record,
    read_told,
)
from seatrial.reporting import write_reports
from seatrial.reporting._access import NAMED, access_of

STARTED = RunStarted(run="r", version="1", started="now", stack="local", why_stack="w", profile="quick", seed=7)


@pytest.mark.parametrize(
    ("headers", "url", "caller"),
    [
        ([], "http://h/a", NOBODY),
        ([("Accept", "*/*"), ("Idempotency-Key", "k")], "http://h/a", NOBODY),
        ([("Authorization", mark_of("alice"))], "", "alice"),
        ([("authorization", f"Basic {mark_of('alice@127.1.2.3')}")], "", "alice"),
        ([("Cookie", f"sid={mark_of('alice (another token)')}")], "", "alice"),
        ([("X-Own-Header", mark_of("alice"))], "", "alice"),
        ([], f"http://h/a?key={mark_of('alice')}", "alice"),
        ([("Authorization", mark_of("user-6747c437-1081"))], "", USERS),
        ([("Authorization", mark_of("client@127.0.0.9"))], "", USERS),
        ([("Authorization", mark_of("user-6747c437-65 (forged)@127.1.2.3"))], "", BROKEN),
        ([("Authorization", mark_of(""))], "", BROKEN),
        ([("Authorization", "Bearer not.a.token")], "", BROKEN),
        ([("X-API-Key", "0")], "", BROKEN),
        ([("X-Own-Header", BOGUS)], "", BROKEN),
        ([], f"http://h/a?key={BOGUS}", BROKEN),
    ],
)
def test_a_record_shows_who_asked(headers: list[tuple[str, str]], url: str, caller: str) -> None:
    """Marks name whose credentials a request held; others are no known user's; without any it was nobody."""
    assert caller_of(headers, url) == caller


def exchange(number: int, status: int | None, *headers: tuple[str, str]) -> ExchangeRecorded:
    """Return a recorded request for one resource, and its answer."""
    return ExchangeRecorded(
        exchange=Exchange(
            id=f"x-{number}", operation="GET /a/7", identity="", sent_s=0.0, received_s=1.0,
            request=Request(method="GET", url="http://h/a/7", headers=headers),
            response=None if status is None else Response(status=status),
        )
    )  # fmt: skip


def write(folder: Path, *more: Documented) -> None:
    """Write a run in which a few asked, and an instrument counted the same and more; of `more` nobody asked."""
    alice = ("Authorization", mark_of("alice"))
    tallies = (
        Tally(operation="GET /a/{id}", status=200, count=5, caller="alice"),
        Tally(operation="GET /a/{id}", status=503, count=2),
    )
    with Recorder(folder) as recorder:
        for event in (
            STARTED,
            ContractRead(operations=(Documented(operation="GET /a/{id}", answers=(("200", ""),), secured=True), *more)),
            exchange(1, 401),
            exchange(2, 200, ("Authorization", "Bearer bad")),
            exchange(3, 404, alice),
            exchange(4, 200, alice),
            exchange(5, None),
            ExchangesCounted(tallies=tallies, shown=("x-4",)),
        ):
            recorder.emit(event)


def test_answers_are_counted_by_who_asked(tmp_path: Path) -> None:
    """Recorded and counted requests are added up, none twice; those without an answer are none, whoever reads it."""
    write(tmp_path)
    expected = {("alice", 200): 5, ("alice", 404): 1, (NOBODY, 401): 1, (BROKEN, 200): 1, ("", 503): 2}
    for read in (read_record, read_told):
        (row,) = filled(read(tmp_path))
        assert row.callers == expected


def test_the_page_shows_who_was_let_in(tmp_path: Path) -> None:
    """The table has a column of each, says what came, and marks who was served where credentials are wanted."""
    write(tmp_path)
    write_reports(tmp_path)
    section = re.findall(r'aria-labelledby="access".*?</section>', (tmp_path / "report.html").read_text(), re.DOTALL)[0]
    plain = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", section))
    assert "operation document nobody broken alice sender not noted" in plain
    assert "GET /a/{id} secured 401 (1) 2xx (1) served 2xx (5) 4xx (1) 5xx (2)" in plain


def test_only_where_credentials_are_wanted_it_stands_out_that_nobody_tried(tmp_path: Path) -> None:
    """Who asked for what anybody may ask for is told, and is nothing that a reader has to look at."""
    write(tmp_path, *(Documented(operation=f"GET /{name}", secured=name == "shut") for name in ("shut", "free")))
    write_reports(tmp_path)
    page = (tmp_path / "report.html").read_text()
    rows = {name: re.findall(rf"GET /{name}</th>.*?</tr>", page, re.DOTALL)[0] for name in ("shut", "free")}
    assert {name: (row.count('class="heat-0"'), row.count("not tested")) for name, row in rows.items()} == {
        "shut": (3, 3),
        "free": (0, 3),
    }


def row(callers: dict[str, int], *, secured: bool = True) -> dict[str, Any]:
    """Return an operation as matrix.json has it: callers with a status each."""
    asked = [{"caller": name, "status": status, "requests": 1} for name, status in callers.items()]
    return {"operation": "GET /a", "secured": secured, "callers": asked}


def cells(table: dict[str, Any]) -> list[list[str]]:
    """Return what stands in each cell of a table."""
    return [[" ".join(kind for kind, _ in cell["answers"]) for cell in each["cells"]] for each in table["rows"]]


def test_what_nobody_asked_is_shown_as_such() -> None:
    """Nobody and broken credentials have a column whether they asked or not; what was not asked is counted."""
    rows = [row({NOBODY: 403, USERS: 200}), row({"alice": 204}), row({"alice": 500}, secured=False)]
    table = access_of({"operations": rows})
    assert table is not None
    assert table["columns"] == [NOBODY, BROKEN, "alice", USERS]
    assert cells(table) == [["403", "", "", "2xx"], ["", "", "2xx", ""], ["", "", "5xx", ""]]
    assert table["untested"] == 1
    assert [each["first"] for each in table["rows"]] == [True, True, False]


@pytest.mark.parametrize(
    ("caller", "status", "secured", "served"),
    [("nobody", 200, True, True), ("broken", 204, True, True), ("nobody", 200, False, False),
     ("nobody", 302, True, False), ("alice", 200, True, False)],
)  # fmt: skip
def test_who_was_served_without_credentials_is_marked(caller: str, status: int, *, secured: bool, served: bool) -> None:
    """That is 2xx to nobody in particular, where the document wants credentials."""
    table = access_of({"operations": [row({caller: status}, secured=secured)]})
    assert table is not None
    assert any(cell["served"] for cell in table["rows"][0]["cells"]) is served


def test_there_are_so_many_columns_at_most() -> None:
    """Users beyond the first ones stand with those that were made for the run."""
    users = {f"user{number}": 200 for number in range(NAMED + 2)}
    table = access_of({"operations": [row(users)]})
    assert table is not None
    assert len(table["columns"]) == NAMED + 3
    assert table["rows"][0]["cells"][-1]["answers"] == [("2xx", 2)]


def test_a_run_that_notes_no_sender_has_no_table() -> None:
    """What an earlier version recorded says of nobody who asked."""
    assert access_of({"operations": [row({"": 200})]}) is None
