"""The record: secrets in no form, whole lines whoever writes, long bodies in files, and disks that are full."""

from __future__ import annotations

import base64
import html
import json
import re
import subprocess
import sys
import urllib.parse
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import markupsafe
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from seatrial.core import (
    BODY_SHOWN,
    CheckResult,
    EnvironmentFailure,
    Exchange,
    Finding,
    Outcome,
    Request,
    Response,
    Severity,
    curl_for,
)
from seatrial.record import (
    EVENTS,
    CheckFinished,
    ExchangeRecorded,
    LimitationNoted,
    Recorder,
    RecorderServer,
    RemoteRecorder,
    Secrets,
    read_events,
    read_record,
)
from seatrial.record._blobs import LARGEST, Blobs
from seatrial.record._texts import LONGEST, SEAM

MARK = "{{secret:name}}"
CHARACTERS = st.characters(exclude_categories=["Cs"])
VALUES = st.text(CHARACTERS, min_size=6, max_size=40)
AROUND = st.text(CHARACTERS, max_size=8)
SHELL_QUOTE = "'\"'\"'"
ENCODERS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "base64": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
    "token": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "path": urllib.parse.quote,
    "form": urllib.parse.quote_plus,
    "lower": lambda text: re.sub("%..", lambda match: match[0].lower(), urllib.parse.quote(text, safe="")),
    "json": lambda text: json.dumps(text)[1:-1],
    "utf-8 json": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "json in json": lambda text: json.dumps(json.dumps({"log": text})),
    "url in url": lambda text: urllib.parse.quote(urllib.parse.quote(text, safe=""), safe=""),
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    "html": html.escape,
    "template": lambda text: str(markupsafe.escape(text)),
    "python": lambda text: repr(text)[1:-1],
    "bytes": lambda text: repr(text.encode())[2:-1],
    "shell": lambda text: text.replace("'", SHELL_QUOTE),
    "url in json": lambda text: json.dumps({"url": urllib.parse.quote(text)}),
}


@pytest.mark.parametrize("form", ENCODERS)
@given(value=VALUES, before=AROUND, after=AROUND)
def test_no_form_of_a_secret_survives(form: str, value: str, before: str, after: str) -> None:
    """Whatever stands around a value and however both are written, a mark takes the place of the value alone."""
    assume(value not in MARK)
    secrets = Secrets()
    secrets.register("name", value)
    redacted = secrets.redact(ENCODERS[form](before + value + after))
    assert MARK in redacted
    rest = redacted.replace(MARK, "")
    assert not any(encode(value) in rest for encode in ENCODERS.values())
    longest = len(ENCODERS[form](before + after)) + 8  # in base64 the characters at the seams stay
    assert len(rest) <= longest


@given(value=VALUES, others=st.lists(VALUES, max_size=3))
def test_no_event_holds_a_secret(tmp_path_factory: pytest.TempPathFactory, value: str, others: list[str]) -> None:
    """Also with several secrets, some of which hold others, what a run writes holds none of them."""
    values = [value, *others, value + "".join(others)]
    assume(not any(value in "note type LimitationNoted at_s {{secret:0123456789}}" for value in values))
    folder = tmp_path_factory.mktemp("run")
    with Recorder(folder) as recorder:
        for number, secret in enumerate(values):
            recorder.register_secret(str(number), secret)
        recorder.emit(LimitationNoted(note=" ".join(values)))
    (event,) = read_events(folder)
    assert isinstance(event, LimitationNoted)
    assert re.sub(r"\{\{secret:\d\}\}", "", event.note).strip() == ""


def test_short_values_and_tokens(tmp_path: Path) -> None:
    """A value of five characters is ordinary text; a token needs no registration."""
    with Recorder(tmp_path) as recorder:
        recorder.register_secret("short", "alpha")
        recorder.emit(LimitationNoted(note="alpha eyJhbGciOiJ9.eyJzdWIiOiJ9.c2lnbmF0dXJl"))
    (event,) = read_events(tmp_path)
    assert event == LimitationNoted(note="alpha {{secret:token}}", at_s=event.at_s)


WRITER = """
import sys
from pathlib import Path
from seatrial.record import LimitationNoted, RemoteRecorder
recorder = RemoteRecorder(Path(sys.argv[1]))
name = sys.argv[2]
recorder.register_secret(name, f"s3cr3t-of-{name}")
for number in range(200):
    recorder.emit(LimitationNoted(note=f"{name} {number} " + "x" * (number * 50) + f" s3cr3t-of-{name}"))
recorder.close()
"""


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    """Open a record."""
    with Recorder(tmp_path / "run") as opened:
        yield opened


@pytest.fixture
def socket_path(recorder: Recorder, tmp_path: Path) -> Iterator[Path]:
    """Take events from other processes."""
    server = RecorderServer(recorder, tmp_path / "socket")
    yield server.path
    server.close()
    assert not server.path.exists()


def test_several_processes_write_whole_lines(recorder: Recorder, socket_path: Path) -> None:
    """Long lines of four processes at once stand whole, each writer's in order, without what each called secret."""
    names = ["ada", "bea", "cyd", "dot"]
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(socket_path), name]) for name in names]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0, 0]
    notes = [event.note.split() for event in read_events(recorder.directory) if isinstance(event, LimitationNoted)]
    for name in names:
        mine = [note for note in notes if note[0] == name]
        assert [int(number) for _, number, *_ in mine] == list(range(200))
        assert {note[-1] for note in mine} == {f"{{{{secret:{name}}}}}"}
    assert len(notes) == 800


def test_only_this_user_may_write(socket_path: Path) -> None:
    """Nobody else may connect to the recorder."""
    assert socket_path.stat().st_mode & 0o777 == 0o600


def test_a_recorder_that_is_gone_is_said_to_be(recorder: Recorder, tmp_path: Path) -> None:
    """Writing into a connection that the recorder closed is an error, not silence."""
    server = RecorderServer(recorder, tmp_path / "socket")
    remote = RemoteRecorder(server.path)
    remote.emit(LimitationNoted(note="still there"))
    remote._socket.shutdown(2)  # noqa: SLF001 - as when the other process dies
    with pytest.raises(EnvironmentFailure, match="recorder-gone"):
        remote.emit(LimitationNoted(note="anybody?"))
    remote.close()
    server.close()


def test_a_torn_last_line_is_left_out(recorder: Recorder) -> None:
    """A writer that was killed in the middle of a line loses that line alone; a damaged one before it is named."""
    for number in range(3):
        recorder.emit(LimitationNoted(note=str(number)))
    path = recorder.directory / EVENTS
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    assert [event.note for event in read_events(recorder.directory) if isinstance(event, LimitationNoted)] == ["0", "1"]
    assert read_record(recorder.directory).damage == ""
    path.write_bytes(whole.replace(b'"note":"1"', b'"note":"1'))
    damaged = read_record(recorder.directory)
    assert damaged.limitations == ["0"]
    assert f"{path}:2" in damaged.damage


LIMITED = """
import resource, signal, sys
from pathlib import Path
from seatrial.core import EnvironmentFailure
from seatrial.record import LimitationNoted, Recorder
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
recorder = Recorder(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
for note in ["x" * 3000] * 3 + ["too long" * 1000, "short"]:
    try:
        recorder.emit(LimitationNoted(note=note))
    except EnvironmentFailure as error:
        print(error.slug, error.where)
"""


def test_a_line_that_does_not_fit_leaves_no_beginning(tmp_path: Path) -> None:
    """Where a line does not fit any more the error says so, and what comes later stands on a line of its own."""
    done = subprocess.run([sys.executable, "-c", LIMITED, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout == f"record-unwritable {tmp_path}\n"
    notes = [event.note for event in read_events(tmp_path) if isinstance(event, LimitationNoted)]
    assert [len(note) for note in notes] == [3000, 3000, 3000, 5]


def test_another_process_is_told_that_the_disk_is_full(recorder: Recorder, socket_path: Path) -> None:
    """What the recorder fails at reaches the process that handed the event over, in the same words."""
    remote = RemoteRecorder(socket_path)
    remote.emit(LimitationNoted(note="fits"))
    recorder._file.close()  # noqa: SLF001 - the next line stands for a disk that takes nothing more
    recorder._file = Path("/dev/full").open("ab", buffering=0)  # noqa: SIM115, SLF001 - same
    with pytest.raises(EnvironmentFailure, match="No space left on device") as told:
        remote.emit(LimitationNoted(note="does not"))
    assert (told.value.slug, told.value.where) == ("record-unwritable", str(recorder.directory))
    assert "--out" in told.value.remedy
    remote.close()


def exchange(*, request: str = "", response: str = "", size: int = 0) -> Exchange:
    """Return an exchange with these bodies."""
    return Exchange(
        id="x-1",
        operation="POST /a",
        identity="",
        request=Request(method="POST", url="http://h/a", body=request),
        response=Response(status=200, body=response, size=size),
        sent_s=0.0,
        received_s=1.0,
    )


def written(recorder: Recorder, sent: Exchange) -> Exchange:
    """Write an exchange down and read it back."""
    recorder.emit(ExchangeRecorded(exchange=sent))
    return read_record(recorder.directory).exchanges[sent.id]


def response_of(exchange: Exchange) -> Response:
    """Return an exchange's response."""
    assert exchange.response is not None
    return exchange.response


def test_short_bodies_stay_in_the_event(recorder: Recorder) -> None:
    """A body up to the limit needs no file."""
    sent = exchange(request="a" * BODY_SHOWN, response="b")
    assert written(recorder, sent) == sent
    assert not (recorder.directory / "blobs").exists()


def test_a_long_body_is_kept_in_a_file(recorder: Recorder) -> None:
    """The event has its beginning, its length and the file, named by its hash, with all of it; equal ones share it."""
    body = "Ä long story. " * 10_000
    kept = written(recorder, exchange(request=body, response=body))
    for message in (kept.request, response_of(kept)):
        assert message.body == body[:BODY_SHOWN]
        assert message.size == len(body.encode())
        assert (recorder.directory / message.blob).read_text() == body
        assert message.blob == f"blobs/{sha256(body.encode()).hexdigest()}"
    assert len(list((recorder.directory / "blobs").iterdir())) == 1
    assert "--data-binary @BODY" in curl_for(kept)
    assert "--data-binary @BODY" in curl_for(exchange(request=body))


@given(place=st.integers(0, 2 * BODY_SHOWN))
def test_no_file_and_no_beginning_holds_half_a_secret(tmp_path_factory: pytest.TempPathFactory, place: int) -> None:
    """Wherever a secret stands in a long body, over the place where the event's part ends too, it is in neither."""
    body = "." * place + "s3cr3t-s3cr3t-s3cr3t" + "." * (3 * BODY_SHOWN)
    with Recorder(tmp_path_factory.mktemp("run")) as recorder:
        recorder.register_secret("name", "s3cr3t-s3cr3t-s3cr3t")
        kept = response_of(written(recorder, exchange(response=body)))
        texts = [kept.body, (recorder.directory / kept.blob).read_text()]
    assert not any(piece in text for text in texts for piece in ("s3cr", "cr3t"))
    assert texts[1].count(MARK) == 1


def test_a_body_that_was_cut_before_loses_its_seam(recorder: Recorder) -> None:
    """Half a secret at the end of a body that the client cut is not written either; the true length is."""
    recorder.register_secret("name", "s3cr3t-s3cr3t-s3cr3t")
    kept = response_of(written(recorder, exchange(response="." * LARGEST + "s3cr3t-s3c", size=5_000_000)))
    text = (recorder.directory / kept.blob).read_text()
    assert (kept.size, len(text), set(text)) == (5_000_000, LARGEST + 10 - SEAM, {"."})


def test_files_are_bounded(tmp_path: Path) -> None:
    """One holds 1 MiB at most; without room for another the event keeps a beginning and says how long the body was."""
    blobs = Blobs(tmp_path, str, total=LARGEST + BODY_SHOWN)
    longest = response_of(blobs.shorten(exchange(response="a" * (2 * LARGEST))))
    assert (tmp_path / longest.blob).stat().st_size == LARGEST
    none_left = response_of(blobs.shorten(exchange(response="b" * (2 * BODY_SHOWN))))
    assert (none_left.blob, none_left.size, none_left.body) == ("", 2 * BODY_SHOWN, "b" * BODY_SHOWN)
    again = response_of(blobs.shorten(exchange(response="a" * (2 * LARGEST))))
    assert again.blob == longest.blob


HALF = json.loads('"half \\ud800"')
"""What a service may say in JSON, and a check repeat: no file can hold it."""


@pytest.mark.parametrize("remote", [False, True])
def test_half_a_character_is_spelled(tmp_path: Path, *, remote: bool) -> None:
    """A finding, and a long body, with a lone surrogate is written down like any other, and keeps its fingerprint."""
    found = Finding(check="a.b", severity=Severity.LOW, title=HALF, cause=HALF, operation=f"GET /{HALF}")
    failed = CheckResult(check="a.b", outcome=Outcome.FAILED, reason=HALF, findings=(found,))
    request = Request(method="POST", url="http://h/", body=HALF * BODY_SHOWN)
    sent = Exchange(id="x-1", operation="POST /", identity="", request=request, response=None, sent_s=0, received_s=0)
    with Recorder(tmp_path) as recorder:
        recorder.register_secret("name", "a secret word")
        server = RecorderServer(recorder, tmp_path / "socket")
        sink = RemoteRecorder(server.path) if remote else recorder
        sink.emit(CheckFinished(result=failed))
        sink.emit(ExchangeRecorded(exchange=sent))
        sink.emit(LimitationNoted(note=f"a secret word {HALF}"))
        if isinstance(sink, RemoteRecorder):
            sink.close()
        server.close()
    record = read_record(tmp_path)
    (finding,) = record.results["a.b"].findings
    assert (finding.title, finding.fingerprint) == ("half \\ud800", found.fingerprint)
    assert record.exchanges["x-1"].request.body.startswith("half \\ud800half")
    assert record.limitations == [f"{MARK} half \\ud800"]


def test_a_text_without_end_is_cut_after_its_secrets_are_gone(tmp_path: Path) -> None:
    """Its beginning stays, with no half of a secret at the end of it; a reader learns how long it was."""
    said = "x" * (LONGEST - 10) + "a secret word" + "x" * 10_000_000
    with Recorder(tmp_path) as recorder:
        recorder.register_secret("name", "a secret word")
        recorder.emit(LimitationNoted(note=said))
        recorder.emit(LimitationNoted(note="x" * LONGEST))
    cut, kept = read_record(tmp_path).limitations
    assert re.fullmatch(rf"x+\.\.\. \(cut: {len(said):,} characters\)", cut)
    assert LONGEST - SEAM <= len(cut) < LONGEST
    assert kept == "x" * LONGEST
