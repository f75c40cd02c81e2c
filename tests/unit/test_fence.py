"""The fence of a smoke run: what passes, in which order of time, and that nothing gets round it."""

from __future__ import annotations

import subprocess
import sys
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.core import EnvironmentFailure
from seatrial.core.fence import CONNECTION, KEPT_BACK, SAFE, SIGN_IN, Fence, leaving, patience, put_up, take_down

METHODS = [*SAFE, CONNECTION, SIGN_IN, "POST", "PUT", "PATCH", "DELETE", "TRACE", "get", "PROPFIND"]
URL = "http://127.0.0.1:1/a"


class Clock:
    """A clock that only sleeping moves, and what was let through when."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 1000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now_s)
        monkeypatch.setattr(time, "sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now_s += seconds


@given(
    methods=st.lists(st.sampled_from(METHODS), max_size=60),
    most=st.integers(1, 40),
    per_s=st.floats(0.5, 100),
    signs_in=st.booleans(),
)
def test_nothing_else_and_no_more_passes(methods: list[str], most: int, per_s: float, signs_in: bool) -> None:
    """What is safe passes up to the budget, evenly spaced; all else is refused, told, and costs nothing."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        clock, passed, refused = Clock(monkeypatch), [], []
        fence = Fence(most=most, per_s=per_s, for_s=1e6, each_s=5.0, signs_in=signs_in)
        for method in methods:
            try:
                fence.admit(method, URL)
                passed.append((method, clock.now_s))
            except EnvironmentFailure as error:
                refused.append((error.slug, f"{method} {URL}"))
    allowed = SAFE | {CONNECTION} | ({SIGN_IN} if signs_in else set())
    assert [method for method, _ in passed] == [method for method in methods if method in allowed][:most]
    assert fence.sent.total() == len(passed) <= most
    assert fence.refused == [what for _, what in refused]
    assert {slug for slug, _ in refused} <= KEPT_BACK
    assert len(passed) + len(refused) == len(methods)
    assert all(later - earlier >= (1 / per_s) * 0.999 for (_, earlier), (_, later) in pairwise(passed))


@given(per_s=st.floats(1, 50), for_s=st.floats(0.1, 20))
def test_nothing_leaves_once_the_time_is_over(per_s: float, for_s: float) -> None:
    """The last request leaves before the end, which is counted from the first, and nobody waits beyond it."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        clock = Clock(monkeypatch)
        fence = Fence(most=10_000, per_s=per_s, for_s=for_s, each_s=5.0)
        clock.sleep(3600)  # a stack may take its time to start
        began_s, error = clock.now_s, None
        while error is None:
            try:
                fence.admit("GET", URL)
            except EnvironmentFailure as caught:
                error = caught
            assert clock.now_s <= began_s + for_s
        assert error.slug == "smoke-over"
        assert fence.sent.total() >= 1
        assert fence.patience(60.0) <= min(5.0, for_s * 1.001)


def test_patience_is_what_is_left() -> None:
    """Without a fence one waits as long as one likes; with one, no longer than an answer may take."""
    assert patience(60.0) == 60.0
    fence = Fence(most=1, per_s=1, for_s=100.0, each_s=5.0)
    put_up(fence)
    try:
        assert patience(60.0) == 5.0
        assert patience(1.0) == 1.0
    finally:
        take_down(fence)
        take_down(fence)
    with leaving("DELETE", URL):
        pass


PAST = """
import asyncio, http.client, socket, sys, urllib.request
import httpx
from seatrial.core import EnvironmentFailure
from seatrial.core.fence import Fence, leaving, put_up, take_down

def tried(connect):
    try:
        connect()
    except EnvironmentFailure as error:
        return error.slug
    except OSError:
        return "tried"

async def opened():
    _, writer = await asyncio.open_connection(host, port)
    writer.close()

listening = socket.create_server(("127.0.0.1", 0))
host, port = listening.getsockname()
ways = [
    lambda: socket.create_connection((host, port)).close(),
    lambda: http.client.HTTPConnection(host, port).request("GET", "/"),
    lambda: urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"http://{host}:{port}/", timeout=1),
    lambda: httpx.post(f"http://{host}:{port}/", trust_env=False, timeout=1),
    lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"a", (host, port)),
    lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendmsg([b"a"], [], 0, (host, port)),
    lambda: asyncio.run(opened()),
]
fence = Fence(most=9, per_s=1e6, for_s=60.0, each_s=5.0, strict=True)
ways[0]()
put_up(fence)
print([tried(way) for way in ways])
with leaving("GET", f"http://{host}:{port}/"):
    ways[0]()
print(tried(ways[0]), len(fence.refused), dict(fence.sent))
take_down(fence)
ways[0]()
listening.settimeout(0)
arrived = 0
while True:
    try:
        listening.accept()
    except BlockingIOError:
        break
    arrived += 1
print(arrived)
"""


def test_no_connection_gets_round_a_strict_fence() -> None:
    """Whatever opens it, a connection that nobody counted does not leave the process; what is counted does."""
    done = subprocess.run([sys.executable, "-c", PAST], capture_output=True, text=True, check=False, timeout=60)
    past = "smoke-past"
    assert done.stdout.splitlines() == [
        str([past] * 7),
        f"{past} 8 {{'GET': 1}}",
        "3",
    ], done.stderr
