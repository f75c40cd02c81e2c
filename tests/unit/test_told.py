"""Reports of a run with many exchanges: only what is shown is kept, and they say the same."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.core import (
    CheckResult,
    Documented,
    Exchange,
    Finding,
    Outcome,
    Request,
    Response,
    Severity,
    Tally,
    Verdict,
)
from seatrial.openapi import filled
from seatrial.record import (
    AnyEvent,
    CheckFinished,
    ContractRead,
    ExchangeRecorded,
    ExchangesCounted,
    RunFinished,
    RunStarted,
    read_record,
    read_told,
)
from seatrial.reporting import REPORTERS, verdict_of, write_reports

STARTED = RunStarted(run="r", version="1", started="now", stack="local", why_stack="w", profile="quick", seed=7)
DOCUMENTED = Documented(operation="GET /a", answers=(("200", "text/plain"), ("404", "")))
FINISHED = RunFinished(verdict=Verdict.PASS, reason="r", duration_s=1.0)


def recorded(number: int, status: int | None, content_type: str = "text/plain") -> ExchangeRecorded:
    """Return an exchange; one without a status was not answered."""
    response = None if status is None else Response(status=status, headers=(("Content-Type", content_type),), body="b")
    exchange = Exchange(
        id=f"x-{number}", operation="GET /a", identity="", request=Request(method="GET", url="/a"), response=response,
        sent_s=0.0, received_s=1.0,
    )  # fmt: skip
    return ExchangeRecorded(exchange=exchange)


def showing(*ids: str) -> CheckFinished:
    """Return a failure that shows these exchanges."""
    finding = Finding(check="a.b", severity=Severity.LOW, title="t", cause="c", evidence=ids)
    return CheckFinished(result=CheckResult(check="a.b", outcome=Outcome.FAILED, reason="r", findings=(finding,)))


def write(folder: Path, *events: AnyEvent) -> None:
    """Write events as the recorder does."""
    folder.joinpath("events.ndjson").write_bytes(b"".join(msgspec.json.encode(event) + b"\n" for event in events))


statuses = st.lists(st.sampled_from([200, 404, 500, None]), max_size=12)
numbers = st.sets(st.integers(0, 13))


@given(statuses=statuses, shown=numbers, counted=numbers)
def test_what_is_not_kept_still_counts(
    tmp_path_factory: pytest.TempPathFactory, statuses: list[int | None], shown: set[int], counted: set[int]
) -> None:
    """Whichever exchanges are shown or were counted elsewhere, the matrix is the same and the shown ones are there."""
    folder = tmp_path_factory.mktemp("run")
    exchanges = [recorded(n, s, f"text/plain; n={n % 2}") for n, s in enumerate(statuses)]
    tallies = (Tally(operation="GET /a", status=200, media="text/plain", count=3),)
    elsewhere = ExchangesCounted(tallies=tallies, shown=tuple(f"x-{n}" for n in counted))
    write(
        folder,
        STARTED,
        ContractRead(operations=(DOCUMENTED,)),
        *exchanges,
        elsewhere,
        showing(*(f"x-{n}" for n in shown)),
    )
    whole, told = read_record(folder), read_told(folder)
    assert filled(told) == filled(whole)
    assert set(told.exchanges) == {f"x-{n}" for n in shown if n < len(statuses)}
    assert all(told.exchanges[id_] == whole.exchanges[id_] for id_ in told.exchanges)
    assert verdict_of(told) == verdict_of(whole)


def test_reports_are_the_same(tmp_path: Path) -> None:
    """Byte for byte what the whole record says."""
    write(
        tmp_path,
        STARTED,
        ContractRead(operations=(DOCUMENTED,)),
        recorded(1, 200),
        recorded(2, 404),
        showing("x-2"),
        FINISHED,
    )
    write_reports(tmp_path)
    for name, reporter in REPORTERS.items():
        with (tmp_path / "whole").open("w", encoding="utf-8") as stream:
            reporter(read_record(tmp_path), stream)
        assert (tmp_path / name).read_bytes() == (tmp_path / "whole").read_bytes()


@pytest.mark.parametrize("damage", [b'{"type":"ExchangeRecorded","exchange":{"id":7}}\n', b"garbage\n", b"\xff\n"])
def test_what_stands_behind_damage_is_not_believed(tmp_path: Path, damage: bytes) -> None:
    """A line in the middle that nobody can read ends both passes: what came before is told, and there is no verdict."""
    write(tmp_path, STARTED, recorded(1, 200), showing("x-1", "x-2"))
    with (tmp_path / "events.ndjson").open("ab") as file:
        file.write(damage + msgspec.json.encode(recorded(2, 200)) + b"\n" + msgspec.json.encode(FINISHED) + b"\n")
    record = read_told(tmp_path)
    assert "record is damaged" in record.damage
    assert record.finished is None
    assert set(record.exchanges) == {"x-1"}


@pytest.mark.parametrize(
    ("sent", "damage"), [(b'"body":"b"', b'"body":"\xff"'), (b'"method":"GET"', b'"method":7')], ids=["body", "method"]
)
def test_damage_that_only_a_whole_reading_finds(tmp_path: Path, sent: bytes, damage: bytes) -> None:
    """What counting skips of an exchange that is shown may be damaged: it is told as `read_record` tells it."""
    write(tmp_path, STARTED, recorded(1, 200), recorded(2, 200), showing("x-1", "x-2"), FINISHED)
    events = tmp_path / "events.ndjson"
    lines = events.read_bytes().splitlines(keepends=True)
    assert sent in lines[2]
    lines[2] = lines[2].replace(sent, damage)
    events.write_bytes(b"".join(lines))
    whole, told = read_record(tmp_path), write_reports(tmp_path)
    assert "record is damaged" in told.damage
    assert f"{events}:3" in told.damage
    assert told.damage == whole.damage
    assert verdict_of(told) == verdict_of(whole)
    assert verdict_of(told)["verdict"] == "inconclusive"


def test_a_torn_last_exchange_is_left_out(tmp_path: Path) -> None:
    """A writer that was killed in the middle of a line left nothing to count."""
    write(tmp_path, STARTED, recorded(1, 200))
    with (tmp_path / "events.ndjson").open("ab") as file:
        file.write(msgspec.json.encode(recorded(2, 200))[:-9])
    record = read_told(tmp_path)
    assert (record.damage, sum(record.answers.values())) == ("", 1)
