"""The relay by which clients keep their addresses on compose: both ends as processes here, and real connections."""

from __future__ import annotations

import random
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from seatrial.stack._inside import passage
from seatrial.stack._ports import pick_ports

PATIENCE_S = 20.0
BODY = random.Random(1).randbytes(3_000_000)  # noqa: S311 - the same in every run
NO_LINGER = struct.pack("ii", 1, 0)
Handle = Callable[[socket.socket, str], None]
Serve = Callable[[Handle], int]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Return a function that starts a server, which hands each connection to a handler, and returns its port."""
    with ExitStack() as opened:

        def start(handle: Handle) -> int:
            listening = opened.enter_context(socket.create_server(("127.0.0.1", 0), backlog=512))
            opened.callback(listening.shutdown, socket.SHUT_RDWR)  # closing alone does not end an accept
            threading.Thread(target=accept, args=(listening, handle), daemon=True).start()
            port: int = listening.getsockname()[1]
            return port

        yield start


def accept(listening: socket.socket, handle: Handle) -> None:
    """Serve every connection in a thread of its own, until the server is closed."""
    while True:
        try:
            connection, (address, _) = listening.accept()
        except OSError:
            return
        connection.settimeout(PATIENCE_S)
        threading.Thread(target=handle, args=(connection, address), daemon=True).start()


@pytest.fixture
def passages() -> Iterator[Callable[[int], tuple[int, int]]]:
    """Return a function that starts both ends before a port, and returns where the near and the far one listen."""
    with ExitStack() as running:

        def start(port: int) -> tuple[int, int]:
            (far,) = pick_ports(1)
            running.enter_context(end("far", far, port))
            await_listener(far)
            near = running.enter_context(end("near", far))
            assert near.stdout is not None
            return int(near.stdout.readline()), far

        yield start


class end(subprocess.Popen[bytes]):  # noqa: N801 - used as a function
    """One end, killed when the test is over."""

    def __init__(self, kind: str, *ports: int) -> None:
        command = [sys.executable, "-I", "-W", "error", passage.__file__, kind, *map(str, ports)]
        super().__init__(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __exit__(self, *error: object) -> None:
        """Kill it."""
        self.kill()
        self.communicate()


def await_listener(port: int) -> None:
    """Return when something listens."""
    for _ in range(1000):
        with socket.socket() as probe:
            probe.settimeout(PATIENCE_S)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        threading.Event().wait(0.02)
    raise AssertionError(port)


def connect(port: int, address: str = "127.0.0.1") -> socket.socket:
    """Connect from an address."""
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S, source_address=(address, 0))


def read_all(connection: socket.socket) -> bytes:
    """Return everything up to the end."""
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


def tell(connection: socket.socket, address: str) -> None:
    """Answer with the address that a client is seen at."""
    with connection:
        connection.sendall(address.encode())


def test_each_client_is_seen_at_its_address(serve: Serve, passages: Callable[[int], tuple[int, int]]) -> None:
    """Two hundred clients at once, each from an address of its own."""
    near, _ = passages(serve(tell))
    addresses = [f"127.{n}.{n // 2}.{255 - n}" for n in range(1, 201)]
    with ExitStack() as opened:
        clients = [opened.enter_context(connect(near, address)) for address in addresses]
        assert [read_all(client).decode() for client in clients] == addresses


def test_every_byte_arrives_both_ways(serve: Serve, passages: Callable[[int], tuple[int, int]]) -> None:
    """An answer that begins after the request has ended: each direction ends by itself, and nothing is lost."""

    def answer_afterwards(connection: socket.socket, _address: str) -> None:
        with connection:
            connection.sendall(read_all(connection)[::-1])

    near, _ = passages(serve(answer_afterwards))
    with connect(near) as client:
        client.sendall(BODY)
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == BODY[::-1]


def test_who_does_not_read_is_waited_for(serve: Serve, passages: Callable[[int], tuple[int, int]]) -> None:
    """What nobody takes piles up nowhere: whoever sends has to wait."""
    sent = 0

    def pour(connection: socket.socket, _address: str) -> None:
        nonlocal sent
        with connection:
            connection.settimeout(1.0)
            try:
                while True:
                    sent += connection.send(BODY[:65536])
            except TimeoutError:
                return

    near, _ = passages(serve(pour))
    with connect(near) as client:
        threading.Event().wait(3.0)
        assert 0 < len(read_all(client)) == sent < 40_000_000


def test_a_reset_stays_one(serve: Serve, passages: Callable[[int], tuple[int, int]]) -> None:
    """Whichever side breaks the connection off, the other sees it break, not end."""
    seen: list[str] = []
    over = threading.Event()

    def break_off(connection: socket.socket, _address: str) -> None:
        asked = connection.recv(4)
        if asked == b"you":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            connection.close()
            return
        with connection, pytest.raises(ConnectionResetError) as raised:
            connection.recv(4)
        seen.append(raised.typename)
        over.set()

    near, _ = passages(serve(break_off))
    with connect(near) as client:
        client.sendall(b"you")
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    client = connect(near)
    client.sendall(b"me")
    threading.Event().wait(0.3)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
    client.close()
    assert over.wait(PATIENCE_S)
    assert seen == ["ConnectionResetError"]


def test_nobody_behind_it_is_a_reset(passages: Callable[[int], tuple[int, int]]) -> None:
    """A service that takes no connection breaks off those to the relay."""
    near, _ = passages(pick_ports(1)[0])
    for _ in range(2):
        with connect(near) as client, pytest.raises(ConnectionResetError):
            client.recv(1)


@pytest.mark.parametrize(
    "said",
    [b"GET / HTTP/1.1\r\n\r\n", b"PROXY TCP4 192.0.2.1 127.0.0.1 1 2\r\n", b"PROXY TCP4 x\r\n", b"x" * 200],
    ids=["no-preamble", "not-bindable", "too-few-words", "too-long"],
)
def test_the_far_end_serves_the_near_one_alone(
    serve: Serve, passages: Callable[[int], tuple[int, int]], said: bytes
) -> None:
    """Whoever does not say whose connection it is, or names an address that nobody has, is broken off."""
    _, far = passages(serve(tell))
    with connect(far) as client:
        client.sendall(said)
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_a_preamble_may_come_in_pieces(serve: Serve, passages: Callable[[int], tuple[int, int]]) -> None:
    """Together with what follows it, or byte by byte."""

    def repeat(connection: socket.socket, address: str) -> None:
        with connection:
            connection.sendall(address.encode() + read_all(connection))

    _, far = passages(serve(repeat))
    whole = b"PROXY TCP4 127.9.9.9 127.0.0.1 1 2\r\nrest"
    for pieces in ([whole], [whole[n : n + 1] for n in range(len(whole))]):
        with connect(far) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for piece in pieces:
                client.sendall(piece)
            client.shutdown(socket.SHUT_WR)
            assert read_all(client) == b"127.9.9.9rest"


def test_the_near_end_goes_with_its_owner(serve: Serve) -> None:
    """It ends when the pipe on its standard input does, whatever ended whoever held that."""
    with end("near", serve(tell)) as near:
        assert near.stdout is not None
        near.stdout.readline()
        assert near.poll() is None
        assert near.stdin is not None
        near.stdin.close()
        near.stdin = None
        assert near.wait(PATIENCE_S) == 0
