"""Locust's web page beside a load: it shows what is sent, and whoever touches it leaves nothing proved."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from loading import RUN, Bench, Server, outcomes, patiently

from seatrial.core import EnvironmentFailure
from seatrial.swarm import NoPage, Page
from seatrial.swarm._plan import Plan

USUAL_PORT = 8089


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    """Serve a page, where Locust's own port is taken."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            stack.enter_context(socket.create_server(("127.0.0.1", USUAL_PORT)))
        yield stack.enter_context(Page(run=RUN, cwd=tmp_path, log=tmp_path / "page.log"))


TOUCHES = {
    "stopped it": ("/stop", {}),
    "asked for 7 users": ("/swarm", {"user_count": 7, "spawn_rate": 1}),
    "reset its statistics": ("/stats/reset", {}),
}


def test_whoever_touches_it_leaves_nothing_proved(page: Page, bench: Bench, server: Server) -> None:
    """Each control ends the load, and is the reason why it proves nothing; what was to follow is not sent either."""
    assert page.url.startswith("http://127.0.0.1:")
    assert not page.url.endswith(f":{USUAL_PORT}/")
    with httpx.Client(base_url=page.url, trust_env=False) as client:
        for how, (path, form) in TOUCHES.items():
            page.touched, ended = "", threading.Event()
            page.begin(plan(server), ended.set)
            assert client.post(path, data=form).status_code == 200
            assert ended.wait(30)
            assert page.touched == f"somebody {how} on Locust's web page"
            page.end()
        page.touched = ""
        stopping = threading.Thread(target=stop_when_seen, args=[client])
        stopping.start()
        rules: dict[str, Any] = {"objectives": {"error_ratio": "<= 1"}}
        evidence = bench.run(server.target, paths=("/a", "/fail"), seconds=3600.0, page=page, **rules)
        stopping.join()
    assert outcomes(evidence)[:2] == ("inconclusive", "inconclusive")
    assert {one.reason.rpartition(": ")[2] for one in evidence.results[:2]} == {page.touched}
    assert not evidence.measurements
    sent = len(server.seen)
    assert 0 < bench.ledger()["due"] < 3600 * 50
    assert bench.ledger()["started"] == len(bench.rows())
    evidence = bench.run(server.target, paths=("/a",), page=page)
    assert (outcomes(evidence)[0], evidence.results[0].reason) == ("inconclusive", page.touched)
    assert len(server.seen) == sent


def stop_when_seen(client: httpx.Client) -> None:
    """Stop a load once its answers, failures and latencies are to be seen."""

    def shown() -> bool:
        told = client.get("/stats/requests").json()
        entries = {(one["method"], one["name"]): one for one in told["stats"]}
        good, bad = entries.get(("GET", "/a")), entries.get(("GET", "/fail"))
        if told["state"] != "running" or not good or not bad:
            return False
        assert (good["num_failures"], bad["num_failures"]) == (0, bad["num_requests"])
        assert 0 < good["median_response_time"] <= good["max_response_time"] + 1  # which it rounds
        assert good["avg_content_length"] == len('{"id": "a1"}')
        assert {(one["name"], one["error"]) for one in told["errors"]} == {("/fail", "HTTP 500")}
        return True

    assert patiently(shown)
    client.post("/stop")


def plan(server: Server) -> Plan:
    """Return a load that a page may show."""
    return Plan(
        name="s", url=server.target.url, file="", user="", paths=(), rate_per_s=1, duration_s=1, deadline_s=1,
        spacing="constant", seed=1,
    )  # fmt: skip


class Touched(NoPage):
    """A page that is touched in the first burst of a search."""

    def begin(self, plan: Plan, end: Callable[[], object]) -> None:
        """Touch it."""
        del plan
        self.touched = "somebody stopped it"
        end()


def test_a_search_that_is_touched_finds_nothing(bench: Bench, server: Server) -> None:
    """Not even up to the last rate that held before."""
    asked: dict[str, Any] = {
        "search": {"times": 4, "within": 1},
        "objectives": {"p99": "<= 900 ms", "breakpoint": ">= 1/s"},
    }
    evidence = bench.run(server.target, paths=("/a",), seconds=3600.0, page=Touched(), **asked)
    assert outcomes(evidence)[:2] == ("inconclusive", "inconclusive")
    assert evidence.results[1].reason == "somebody stopped it"
    assert not evidence.measurements


def test_a_page_that_cannot_be_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message has the last line of its log."""
    monkeypatch.setattr("seatrial.swarm._page.COMMAND", ("python3", "-c", "raise OSError('no page')"))
    with pytest.raises(EnvironmentFailure, match="cannot be served") as caught:
        Page(run=RUN, cwd=tmp_path, log=tmp_path / "page.log")
    assert (caught.value.slug, caught.value.details) == ("load-page", "OSError: no page")
