"""The one writer of `events.ndjson`, and the socket by which other processes hand it whole lines."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import msgspec

from seatrial.core import EnvironmentFailure
from seatrial.record._blobs import Blobs
from seatrial.record._events import AnyEvent, ExchangeRecorded
from seatrial.record._redaction import Secrets
from seatrial.record._texts import LONGEST, bounded, spelled

EVENTS = "events.ndjson"
BATCH = 2**20
Listener = Callable[[AnyEvent], None]
_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(AnyEvent)


class Sink(Protocol):
    """Where events and secrets go: the recorder itself, or a connection to it from another process."""

    secrets: Secrets

    def emit(self, event: AnyEvent) -> None:
        """Append an event."""

    def register_secret(self, name: str, value: str) -> None:
        """Keep a value out of the record, from now on."""


class Recorder:
    """Append events to a run directory: redacted, one line each, flushed at once.

    Raises EnvironmentFailure when the directory cannot be written.
    """

    def __init__(self, directory: Path, *, started_s: float | None = None) -> None:
        self.directory = directory
        self.secrets = Secrets()
        self._blobs = Blobs(directory, self.secrets.redact)
        self._started_s = time.monotonic() if started_s is None else started_s
        self._listeners: list[Listener] = []
        self._lock = threading.RLock()
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._file = (directory / EVENTS).open("ab", buffering=0)
        except OSError as error:
            raise _unwritable(directory, error) from error

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` with every event from now on."""
        self._listeners.append(listener)

    def register_secret(self, name: str, value: str) -> None:
        """Keep a value out of the record, from now on."""
        self.secrets.register(name, value)

    def emit(self, event: AnyEvent) -> None:
        """Append one event and tell the listeners."""
        try:
            line = self._line(event)
        except OSError as error:
            raise _unwritable(self.directory, error) from error
        with self._lock:
            self._append(line.encode() + b"\n")
            for listener in self._listeners:
                listener(_decoder.decode(line))

    def adopt(self, lines: Iterable[bytes]) -> None:
        """Append whole lines of other records as they are, which hold no secrets any more; listeners are not told."""
        batch = bytearray()
        for line in lines:
            batch += line
            if len(batch) >= BATCH:
                self._append(bytes(batch))
                batch.clear()
        self._append(bytes(batch))

    def _line(self, event: AnyEvent) -> str:
        """Return an event as it is written down."""
        try:
            prepared, line = self._encoded(event)
        except UnicodeEncodeError:
            prepared, line = self._encoded(spelled(event))
        if len(line) > LONGEST:
            line = _encode(bounded(prepared, self.secrets.redact))
        return self.secrets.redact(line.decode())

    def _encoded(self, event: AnyEvent) -> tuple[AnyEvent, bytes]:
        prepared = self._prepare(event)
        return prepared, _encode(prepared)

    def _prepare(self, event: AnyEvent) -> AnyEvent:
        """Return what is written of an event: stamped, and without long bodies."""
        if isinstance(event, ExchangeRecorded):
            event = msgspec.structs.replace(event, exchange=self._blobs.shorten(event.exchange))
        return msgspec.structs.replace(event, at_s=round(time.monotonic() - self._started_s, 6))

    def _append(self, line: bytes) -> None:
        """Write a whole line or nothing: a disk that is full takes the beginning of one."""
        before, problem = self._file.seek(0, os.SEEK_END), OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        try:
            if self._file.write(line) == len(line):
                return
        except OSError as error:
            problem = error
        with contextlib.suppress(OSError):  # a reader leaves a last line without an end out
            self._file.truncate(before)
        raise _unwritable(self.directory, problem) from problem

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


def _unwritable(directory: Path, error: OSError) -> EnvironmentFailure:
    return EnvironmentFailure(
        f"cannot write the run's record: {error.strerror}",
        slug="record-unwritable",
        where=str(directory),
        remedy="free disk space or choose another directory with --out DIR",
    )


class Message(msgspec.Struct, frozen=True):
    """What goes over the socket: an event, or a secret (which is never written)."""

    event: AnyEvent | None = None
    secret: tuple[str, str] | None = None


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What comes back: nothing when all went well, else what the recorder failed at."""

    what: str = ""
    slug: str = ""
    where: str = ""
    remedy: str = ""


_messages = msgspec.json.Decoder(Message)
_answers = msgspec.json.Decoder(Answer)


class RecorderServer:
    """Take lines from other processes of the run over a Unix socket and answer each when it is written.

    The answer makes `register_secret` safe: a value is known here before its first use there.
    """

    def __init__(self, recorder: Recorder, path: Path) -> None:
        self.path = path
        self._recorder = recorder
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(path))
        path.chmod(0o600)
        self._socket.listen(16)
        threading.Thread(target=self._accept, name="recorder", daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rwb") as stream:
            for line in stream:
                if not line.endswith(b"\n"):  # its writer died in the middle of it
                    return
                stream.write(_encode(self._take(line)) + b"\n")
                stream.flush()

    def _take(self, line: bytes) -> Answer:
        """Write down what a line holds, and return what its sender has to know."""
        message = _messages.decode(line)
        try:
            if message.secret:
                self._recorder.register_secret(*message.secret)
            if message.event:
                self._recorder.emit(message.event)
        except EnvironmentFailure as error:
            return Answer(what=error.what, slug=error.slug, where=error.where, remedy=error.remedy)
        return Answer()

    def close(self) -> None:
        """Stop listening and remove the socket."""
        self._socket.close()
        self.path.unlink(missing_ok=True)


class RemoteRecorder:
    """A connection to the recorder from another process, for example an xdist worker."""

    def __init__(self, path: Path) -> None:
        self.secrets = Secrets()
        self._lock = threading.Lock()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(str(path))
        self._stream = self._socket.makefile("rwb")

    def _send(self, message: bytes) -> None:
        with self._lock:
            line = self._exchange(message + b"\n")
        if not line:
            raise EnvironmentFailure("the recorder of this run is gone", slug="recorder-gone")
        answer = _answers.decode(line)
        if answer.what:
            raise EnvironmentFailure(answer.what, slug=answer.slug, where=answer.where, remedy=answer.remedy)

    def _exchange(self, line: bytes) -> bytes:
        """Send a line and return its answer, empty when nobody is there any more."""
        try:
            self._stream.write(line)
            self._stream.flush()
            return self._stream.readline()
        except OSError:
            return b""

    def emit(self, event: AnyEvent) -> None:
        """Hand over one event and wait until it is written."""
        try:
            line = _encode(Message(event=event))
        except UnicodeEncodeError:
            line = _encode(Message(event=spelled(event)))
        self._send(line)

    def register_secret(self, name: str, value: str) -> None:
        """Keep a value out of the record; returns once the recorder knows it."""
        self.secrets.register(name, value)
        self._send(_encode(Message(secret=(name, value))))

    def close(self) -> None:
        """Hang up."""
        with contextlib.suppress(OSError):  # what could not be sent was said when it was
            self._stream.close()
        self._socket.close()
