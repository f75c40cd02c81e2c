"""exchanges.har: what was recorded, for browsers and proxies, bounded, and as true as the record."""

from __future__ import annotations

import io
import json
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec
import pytest
from anything import EXCHANGES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from published import check_har

from seatrial.core import BODY_SHOWN, CheckResult, Exchange, Finding, Outcome, Request, Response, Severity
from seatrial.record import (
    AnyEvent,
    CheckFinished,
    ExchangeRecorded,
    Recorder,
    Room,
    RunStarted,
    choose_exchanges,
    read_told,
)
from seatrial.reporting import REPORTERS, write_reports
from seatrial.swarm.traffic._har import read_recording

STARTED = RunStarted(
    run="r", version="1", started="2026-01-01T12:00:00+00:00", stack="local", why_stack="w", profile="quick", seed=7
)


def sent(id_: str, *, at_s: float = 0.0, sent_s: float = 0.0, **more: Any) -> ExchangeRecorded:
    """Return an exchange that took half a second."""
    request = Request(method="GET", url="http://h/a?b=1", headers=(("Accept", "*/*"),))
    response = Response(status=200, headers=(("Content-Type", "text/plain"),), body="yes")
    facts = {"operation": "GET /a", "identity": "user-1", "request": request, "response": response, **more}
    exchange = Exchange(id=id_, sent_s=sent_s, received_s=sent_s + 0.5, **facts)
    return ExchangeRecorded(at_s=at_s, exchange=exchange)


def showing(*ids: str) -> CheckFinished:
    """Return a failure that shows these exchanges."""
    finding = Finding(check="a.b", severity=Severity.LOW, title="t", cause="c", evidence=ids)
    return CheckFinished(result=CheckResult(check="a.b", outcome=Outcome.FAILED, reason="r", findings=(finding,)))


def write(folder: Path, *events: AnyEvent) -> Path:
    """Write events as they are."""
    folder.joinpath("events.ndjson").write_bytes(b"".join(msgspec.json.encode(event) + b"\n" for event in events))
    return folder


def log_of(folder: Path) -> dict[str, Any]:
    """Return the recording of a run."""
    write_reports(folder)
    text = (folder / "exchanges.har").read_text(encoding="utf-8")
    check_har(text)
    log: dict[str, Any] = json.loads(text)["log"]
    return log


def names(log: dict[str, Any]) -> list[str]:
    """Return the ids of its exchanges."""
    return [entry["comment"].split(", ")[0] for entry in log["entries"]]


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=30)
@given(st.lists(EXCHANGES, max_size=4))
def test_a_recording_keeps_to_its_format(tmp_path_factory: pytest.TempPathFactory, exchanges: list[Exchange]) -> None:
    """Whatever was sent and came back, the schema of HAR 1.2 takes it, and nothing is lost."""
    folder = write(tmp_path_factory.mktemp("run"), STARTED, *(ExchangeRecorded(exchange=each) for each in exchanges))
    stream = io.StringIO()
    REPORTERS["exchanges.har"](read_told(folder), stream)
    check_har(stream.getvalue())
    entries = json.loads(stream.getvalue())["log"]["entries"]
    told = Counter(
        (e["request"]["method"], unquote(e["request"]["url"]), e["response"]["content"].get("text", ""))
        for e in entries
    )
    assert told == Counter(
        (e.request.method, unquote(e.request.url), e.response.body if e.response else "") for e in exchanges
    )


def test_an_exchange_is_told_whole(tmp_path: Path) -> None:
    """Its instant, what it took, its headers, query and bodies, and who sent it."""
    request = Request(method="POST", url="http://h/a?b=1&c=", headers=(("Content-Type", "text/x"),), body="é")
    (entry,) = log_of(write(tmp_path, STARTED, sent("a-1", at_s=2.0, sent_s=7.0, request=request)))["entries"]
    assert entry["startedDateTime"] == "2026-01-01T12:00:01.500000+00:00"
    assert (entry["time"], entry["timings"]["wait"]) == (500, 500)
    assert entry["comment"] == "a-1, GET /a, user-1"
    assert entry["request"]["queryString"] == [{"name": "b", "value": "1"}, {"name": "c", "value": ""}]
    assert entry["request"]["postData"] == {"mimeType": "text/x", "text": "é"}
    assert entry["request"]["bodySize"] == 2
    assert entry["response"]["content"] == {"size": 3, "mimeType": "text/plain", "text": "yes"}
    assert entry["response"]["statusText"] == "OK"


@pytest.mark.parametrize(
    ("sent_to", "told"),
    [
        ("http://h/a?b=%2f", "http://h/a?b=%2f"),
        ("http://[::1]:8/[a]", "http://[::1]:8/%5Ba%5D"),
        ("http://h/100%/%zz", "http://h/100%25/%25zz"),
        ("http://h/a b#c", "http://h/a%20b%23c"),
        ("http://h?key={{secret:user-1}}", "http://h?key=%7B%7Bsecret:user-1%7D%7D"),
    ],
)
def test_an_address_is_a_url(tmp_path: Path, sent_to: str, told: str) -> None:
    """What a fuzzer sent may be none: the recording has it in letters of a URL, and one that is a URL as it is."""
    (entry,) = log_of(write(tmp_path, STARTED, sent("a-1", request=Request(method="GET", url=sent_to))))["entries"]
    assert entry["request"]["url"] == told


def test_no_answer_is_none(tmp_path: Path) -> None:
    """A request that nobody answered has the status 0, and says why."""
    (entry,) = log_of(write(tmp_path, STARTED, sent("a-1", response=None, error="refused")))["entries"]
    assert entry["response"]["status"] == 0
    assert entry["comment"].endswith("refused")


def test_clocks_of_their_own_are_set_beside_each_other(tmp_path: Path) -> None:
    """Exchanges stand in the order in which they were sent, also where one sender counts from somewhere else."""
    events = (
        sent("load-a-2", at_s=9.0, sent_s=1.0),  # written down together, when the load was over
        sent("load-a-1", at_s=9.0, sent_s=0.0),
        sent("health-7-1", at_s=8.2, sent_s=5008.0 - 0.3),
        sent("health-7-2", at_s=9.9, sent_s=5009.4),
    )
    log = log_of(write(tmp_path, STARTED, *events))
    assert names(log) == ["load-a-1", "health-7-1", "load-a-2", "health-7-2"]
    seconds = [entry["startedDateTime"][17:23] for entry in log["entries"]]
    assert seconds == ["07.500", "07.700", "08.500", "09.400"]


def test_what_is_shown_is_always_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond its bound a recording holds what findings show alone, and says how many are left out."""
    monkeypatch.setattr("seatrial.reporting._har.MOST", 3)
    events = [sent(f"a-{number}", sent_s=number) for number in range(9)]
    log = log_of(write(tmp_path, STARTED, *events, showing("a-8")))
    assert names(log) == ["a-0", "a-1", "a-2", "a-8"]
    assert log["comment"] == "5 more exchanges of this run are in events.ndjson"
    assert "comment" not in log_of(write(tmp_path, STARTED, *events[:3], showing("a-2")))


def test_long_bodies_take_room_too(tmp_path: Path) -> None:
    """A body that is kept in a file counts as much as it is long, so that a recording has a size."""
    with Recorder(tmp_path) as recorder:
        for number in range(5):
            body = str(number) * 2 * BODY_SHOWN
            recorder.emit(sent(f"a-{number}", response=Response(status=200, body=body)))
    chosen = choose_exchanges(read_told(tmp_path), Room(10, 3 * 2 * BODY_SHOWN))
    assert (len(chosen.exchanges), chosen.left) == (2, 3)


def test_a_long_body_is_whole_as_far_as_it_was_kept(tmp_path: Path) -> None:
    """It comes from its file; where that is gone, or the name is none of ours, its beginning is told."""
    body = "é" * 2 * BODY_SHOWN
    with Recorder(tmp_path) as recorder:
        recorder.emit(sent("a-1", response=Response(status=200, body=body)))
    content = log_of(tmp_path)["entries"][0]["response"]["content"]
    assert (content["text"], content["size"]) == (body, len(body.encode()))
    assert content["comment"].startswith(f"the body had {content['size']} bytes")
    (blob,) = (tmp_path / "blobs").iterdir()
    blob.unlink()
    assert log_of(tmp_path)["entries"][0]["response"]["content"]["text"] == body[:BODY_SHOWN]
    (tmp_path / "secret").write_text("not yours")
    foreign = Response(status=200, body="b", size=9, blob="blobs/../secret")
    assert log_of(write(tmp_path, sent("a-1", response=foreign)))["entries"][0]["response"]["content"]["text"] == "b"


def test_damage_is_left_out_and_ends_it(tmp_path: Path) -> None:
    """An exchange that nobody can read is counted; what stands behind a line that is none is not looked at."""
    write(tmp_path, STARTED, sent("a-1"), sent("a-2"), sent("a-3"))
    events = tmp_path / "events.ndjson"
    lines = events.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2].replace(b'"body":"yes"', b'"body":"\xff"')
    events.write_bytes(b"".join([*lines[:3], b"garbage\n", lines[3]]))
    log = log_of(tmp_path)
    assert names(log) == ["a-1"]
    assert log["comment"].startswith("1 more exchanges")


def test_our_own_reader_takes_it(tmp_path: Path) -> None:
    """What a run recorded can be sent again as load."""
    log_of(write(tmp_path, STARTED, sent("a-1"), sent("a-2", response=None, error="refused")))
    recording = read_recording(tmp_path / "exchanges.har")
    assert recording.hosts == {"h": 2}
    assert [entry.response.status for entry in recording.entries if entry.response] == [200, 0]
