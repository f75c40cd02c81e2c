"""How much of an answer the fuzzer reads, and for how long; one that is as it should be is read as requests does."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import httpx
import pytest
import requests
from documents import document

from seatrial.core import Target
from seatrial.fuzz._bounds import LARGEST, may_be_endless, read_answer, was_cut
from seatrial.fuzz._messages import Order
from seatrial.fuzz._turns import Turns
from seatrial.http import _bounds, open_client

MB = 1024 * 1024
HEAD = b"HTTP/1.1 200 OK\r\n"


@contextmanager
def sending(parts: Iterable[bytes], sent: list[int] | None = None) -> Iterator[str]:
    """Answer one request with these parts, and count what could be sent."""

    def answer(server: socket.socket) -> None:
        client, _ = server.accept()
        with client:
            client.recv(65_536)
            for part in parts:
                try:
                    client.sendall(part)
                except OSError:
                    return
                if sent is not None:
                    sent.append(len(part))

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer, args=(server,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        thread.join(5)


def read(url: str, seconds: float = 5.0) -> requests.Response:
    """Return an answer that was read within bounds."""
    with requests.Session() as session:
        session.trust_env = False
        response = session.get(url, stream=True, timeout=5)
        read_answer(response, time.monotonic() + seconds)
        return response


WHOLE: dict[str, tuple[list[bytes], bytes]] = {
    "a length": ([HEAD + b"Content-Length: 5\r\n\r\nhello"], b"hello"),
    "no length": ([HEAD + b"Connection: close\r\n\r\n", b"hel", b"lo"], b"hello"),
    "chunks": ([HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"3\r\nhel\r\n", b"2\r\nlo\r\n0\r\n\r\n"], b"hello"),
    "no body": ([HEAD + b"Content-Length: 0\r\n\r\n"], b""),
    "packed": ([HEAD + b"Connection: close\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"hello")], b"hello"),
}


@pytest.mark.parametrize(("parts", "body"), WHOLE.values(), ids=WHOLE.keys())
def test_usual_answers_are_read_whole(parts: list[bytes], body: bytes) -> None:
    """Whatever says where it ends, and however it is packed."""
    with sending(parts) as url:
        response = read(url)
    assert response.content == body
    assert not was_cut(response.request)


def test_large_answer_is_cut() -> None:
    """Of 100 MB little more is taken from the service than is kept."""
    sent: list[int] = []
    with sending([HEAD + b"Connection: close\r\n\r\n", *[b" " * MB] * 100], sent) as url:
        response = read(url)
    assert len(response.content) == LARGEST
    assert was_cut(response.request)
    assert sum(sent) < 3 * LARGEST


def test_answer_that_unpacks_to_much_is_cut() -> None:
    """What counts is what it takes here, not on the way."""
    packed = gzip.compress(b" " * 100 * MB)
    with sending([HEAD + b"Connection: close\r\nContent-Encoding: gzip\r\n\r\n" + packed]) as url:
        response = read(url)
    assert len(packed) < MB
    assert len(response.content) == LARGEST
    assert was_cut(response.request)


def drops(kind: bytes = b"application/json") -> Iterator[bytes]:
    """Yield an answer that never ends, drop by drop."""
    yield HEAD + b"Content-Length: 100000\r\nContent-Type: " + kind + b"\r\n\r\n"
    for _ in range(400):
        time.sleep(0.02)
        yield b" "


def test_answer_that_drips_is_given_up() -> None:
    """Each byte comes in time, and the answer does not."""
    began_s = time.monotonic()
    with pytest.raises(requests.ReadTimeout, match="read timeout=10"), sending(drops()) as url:
        read(url, seconds=0.3)
    assert time.monotonic() - began_s < 5


BROKEN: dict[str, tuple[list[bytes], type[Exception]]] = {
    "too short": ([HEAD + b"Content-Length: 9\r\n\r\nhello"], requests.exceptions.ChunkedEncodingError),
    "no packing": (
        [HEAD + b"Connection: close\r\nContent-Encoding: gzip\r\n\r\nhello"],
        requests.exceptions.ContentDecodingError,
    ),
}


@pytest.mark.parametrize(("parts", "error"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_answers_are_errors_as_ever(parts: list[bytes], error: type[Exception]) -> None:
    """What requests raises for them is what its users wait for."""
    with pytest.raises(error), sending(parts) as url:
        read(url)


def test_checks_do_not_wait_for_answers_that_drip(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client of checks gives up an answer that takes too long in all."""
    monkeypatch.setattr(_bounds, "LONGEST_S", 0.3)
    with sending(drops()) as url, open_client(Target(url=url)) as client:
        began_s = time.monotonic()
        with pytest.raises(httpx.ReadTimeout, match=r"no end after 0\.3 s"):
            client.get("/")
    assert time.monotonic() - began_s < 5


def test_checks_do_not_take_answers_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor one that is too large; what is smaller is read as ever."""
    monkeypatch.setattr(_bounds, "LARGEST", MB)
    for size, fits in ((MB, True), (2 * MB, False)):
        with sending([HEAD + b"Connection: close\r\n\r\n", b" " * size]) as url, open_client(Target(url=url)) as client:
            if fits:
                assert len(client.get("/").content) == size
            else:
                with pytest.raises(httpx.ReadError, match="more than 1 MB"):
                    client.get("/")


def test_stream_of_events_is_left_to_who_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither its end nor what somebody made in it is waited for."""
    monkeypatch.setattr(requests.Session, "send", requests.Session.send)  # what is installed ends with the test
    with sending(drops(b"text/event-stream")) as url, requests.Session() as session:
        order = Order(
            document=document({}), base_url=url, seed=1, examples=1, identities=[("somebody", {"X-Key": "a"})],
            addresses=[], by_address=url, uses=9, most=9, window_s=60, limited=[429], budget_s=1,
        )  # fmt: skip
        Turns(order, until_s=0).install()
        began_s = time.monotonic()
        response = session.get(url, stream=True, timeout=5, headers={"X-Key": "a"})
        assert response.raw.read1(1) == b" "
        response.close()
    assert time.monotonic() - began_s < 5


@pytest.mark.parametrize(
    ("kind", "endless"), [("text/event-stream; charset=utf-8", True), ("application/json", False), ("", False)]
)
def test_stream_of_events_may_be_endless(kind: str, endless: bool, made: Callable[[str], requests.Response]) -> None:
    """Only what is one by its media type."""
    assert may_be_endless(made(kind)) is endless


@pytest.fixture
def made() -> Callable[[str], requests.Response]:
    """Return what makes an answer of a media type."""

    def make(kind: str) -> requests.Response:
        response = requests.Response()
        response.headers["Content-Type"] = kind
        return response

    return make
