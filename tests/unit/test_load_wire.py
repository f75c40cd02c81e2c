"""The lean client's HTTP: every way in which an answer can end, connections that are gone, and what is no request."""

import contextlib
import select
import socket
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from geventhttpclient.response import HTTPParseError

from seatrial.swarm._inside._wire import Wire

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CLOSING = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"


@dataclass(slots=True)
class Script:
    """A server: each connection answers so many requests as it has answers, and is closed then."""

    connections: Sequence[Sequence[bytes]]
    port: int = 0
    heard: list[bytes] = field(default_factory=list)

    def wire(self) -> contextlib.closing[Wire]:
        """Return a client of it, to be closed."""
        return contextlib.closing(Wire(f"http://127.0.0.1:{self.port}", context=None, connect_s=5.0))

    def serve(self, listening: socket.socket) -> None:
        """Play the script."""
        for answers in self.connections:
            connection, _ = listening.accept()
            with connection:
                for answer in answers:
                    self.heard.append(connection.recv(65536))
                    connection.sendall(answer)


@contextlib.contextmanager
def playing(*connections: Sequence[bytes]) -> Iterator[Script]:
    """Serve in a thread until the script has been played."""
    script = Script(connections)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        script.port = listening.getsockname()[1]
        thread = threading.Thread(target=script.serve, args=(listening,), daemon=True)
        thread.start()
        yield script
        thread.join(10)
        assert not thread.is_alive()


@pytest.mark.parametrize(
    ("method", "answer", "status", "body"),
    [
        ("GET", PLAIN, 200, b"hello"),
        (
            "GET",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
            200,
            b"hello",
        ),
        ("GET", b"HTTP/1.1 200 OK\r\n\r\nuntil the end", 200, b"until the end"),
        ("GET", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + PLAIN, 200, b"hello"),
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 200, b""),
        ("DELETE", b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, b""),
        ("POST", b"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\nno", 503, b"no"),
    ],
)
def test_an_answer_is_read_to_its_end(method: str, answer: bytes, status: int, body: bytes) -> None:
    """However it is framed, status and body are those of the final answer."""
    with playing([answer]) as server, server.wire() as wire:
        got = wire.exchange(method, "/a", {}, b"")
    assert (got.get_code(), got.body) == (status, body)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        b"HTTP/1.1 200 OK\r\nContent-",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"no HTTP at all\r\n\r\n",
        b"",
    ],
)
def test_half_an_answer_is_none(answer: bytes) -> None:
    """A connection that ends too early, or says something else, is an error, and not asked again."""
    with playing([answer]) as server, server.wire() as wire, pytest.raises(HTTPParseError):
        wire.exchange("GET", "/a", {}, b"")
    assert len(server.heard) == 1


def test_a_connection_is_kept() -> None:
    """Requests one after the other take the same one, with their headers, and a length where there is a body."""
    with playing([PLAIN, PLAIN]) as server, server.wire() as wire:
        wire.exchange("GET", "/a?b=c", {"X-A": "1"}, b"")
        wire.exchange("POST", "/d", {}, b"body")
    first, second = server.heard
    assert first == f"GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nX-A: 1\r\n\r\n".encode()
    assert second.endswith(b"Content-Length: 4\r\n\r\nbody")


def test_a_closing_answer_ends_its_connection() -> None:
    """What the server is about to close is not used again."""
    with playing([CLOSING], [PLAIN]) as server, server.wire() as wire:
        assert [wire.exchange("POST", "/a", {}, b"x").body for _ in range(2)] == [b"hello"] * 2


def test_a_connection_that_ends_with_a_request() -> None:
    """A GET goes over another one; a POST, which may have been taken, is an error."""
    with playing([PLAIN, b""], [PLAIN, b""], [PLAIN]) as server, server.wire() as wire:
        for _ in range(2):
            assert wire.exchange("GET", "/a", {}, b"").body == b"hello"
        with pytest.raises(HTTPParseError):
            wire.exchange("POST", "/a", {}, b"x")
        assert wire.exchange("GET", "/a", {}, b"").body == b"hello"


def test_a_connection_that_was_closed_meanwhile_is_not_used() -> None:
    """A POST that nobody can have taken goes over another one: servers close what is idle, and that is no error."""
    with playing([PLAIN], [PLAIN]) as server, server.wire() as wire:
        assert wire.exchange("GET", "/a", {}, b"").body == b"hello"
        (idle,) = wire._idle  # noqa: SLF001 - its end has to have arrived
        assert select.select([idle], [], [], 10)[0]
        assert wire.exchange("POST", "/a", {}, b"x").body == b"hello"
    assert [request[:4] for request in server.heard] == [b"GET ", b"POST"]


@pytest.mark.parametrize(
    ("method", "target", "headers"),
    [
        ("GET /x", "/a", {}),
        ("GET", "/a b", {}),
        ("GET", "/a\r\nX: y", {}),
        ("GET", "a", {}),
        ("GET", "/a", {"X": "y\r\nZ: 1"}),
        ("GET", "/a", {"X: y": "1"}),
    ],
)
def test_what_is_no_request_is_not_sent(method: str, target: str, headers: dict[str, str]) -> None:
    """Nothing in a method, path or header makes a second line, or a second request."""
    with pytest.raises(ValueError, match="no "):
        Wire("http://127.0.0.1:9", context=None, connect_s=1.0).exchange(method, target, headers, b"")
