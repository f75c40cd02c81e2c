"""The claims about a limiter, judged on answers: what is proved, and what clocks leave open."""

import asyncio
import http.server
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.config import LimitSettings
from seatrial.core import UsageError
from seatrial.throttle import Answer, Policy, Wire, plan_proof
from seatrial.throttle._claims import judge_headers, judge_quota, judge_retry_after, judge_status
from seatrial.throttle._window import end_of_window, inside, reset_is_true
from seatrial.throttle._wire import IDLE_S

LIMIT = LimitSettings(quota=3, window_s=10, algorithm="fixed-window", path="/a", quota_variable="Q")
POLICY = Policy.declared(LIMIT, {})
BEGAN = 1000.2


def answer(number: int, status: int = 200, *, sent_s: float | None = None, **headers: str) -> Answer:
    """Return the answer to a client's request number N, with true headers unless others are given."""
    at = BEGAN + number * 0.01 if sent_s is None else sent_s
    true = {"limit": "3", "remaining": str(max(0, 3 - number)), "reset": "1011"}
    pairs = tuple((f"x-ratelimit-{name}", value) for name, value in (true | headers).items() if value != "absent")
    return Answer(method="GET", path="/a", status=status, headers=pairs, sent_s=at, received_s=at + 0.005, client="u")


RAMP = [answer(1), answer(2), answer(3), answer(4, 429), answer(5, 429)]


def causes(defects: list[object]) -> list[str]:
    """Return the words for what is wrong."""
    return [defect.cause for defect in defects]  # type: ignore[attr-defined]  # defects of ours


def test_true_limiter_has_no_defect() -> None:
    """Exactly the quota, the declared status and true headers are right."""
    edge = end_of_window(POLICY, RAMP)
    assert judge_quota(POLICY, RAMP, how="") == []
    assert judge_status(POLICY, RAMP) == []
    assert judge_headers(POLICY, RAMP, edge) == []


@pytest.mark.parametrize(("admitted", "cause"), [(4, "too-many-admitted"), (2, "too-few-admitted")])
def test_one_request_off_is_seen(admitted: int, cause: str) -> None:
    """One request more or less than the quota is a defect."""
    answers = [answer(n, 200 if n <= admitted else 429) for n in range(1, 6)]
    assert causes([*judge_quota(POLICY, answers, how="")]) == [cause]


def test_wrong_status_still_counts_as_rejection() -> None:
    """A limiter that answers 503 keeps its quota; only its status is wrong."""
    answers = [answer(n, 200 if n <= 3 else 503) for n in range(1, 6)]
    assert judge_quota(POLICY, answers, how="") == []
    assert causes([*judge_status(POLICY, answers)]) == ["status-503"]


@pytest.mark.parametrize(
    ("headers", "cause"),
    [
        ({"remaining": "3"}, "remaining-untrue"),
        ({"remaining": "absent"}, "remaining-missing"),
        ({"remaining": "-1"}, "remaining-no-whole-number"),
        ({"limit": "4"}, "limit-untrue"),
        ({"reset": "1013"}, "reset-untrue"),
        ({"reset": "1010.2"}, "reset-no-whole-number"),
    ],
)
def test_untrue_headers_are_seen(headers: dict[str, str], cause: str) -> None:
    """Each header that is missing, malformed or untrue is named."""
    answers = [answer(1, **headers)]  # type: ignore[arg-type]  # only names of headers are in it
    assert causes([*judge_headers(POLICY, answers, end_of_window(POLICY, answers))]) == [cause]


@given(st.floats(min_value=0, max_value=0.5), st.floats(min_value=0, max_value=0.5))
def test_edge_holds_the_truth(before: float, after: float) -> None:
    """Whenever the server acted between sending and receipt, the true end lies in the interval, however rounded."""
    acted = 1000.0 + before
    first = Answer(method="GET", path="/", status=200, headers=(), sent_s=1000.0, received_s=acted + after, client="u")
    edge = end_of_window(POLICY, [first])
    end = acted + POLICY.window_s
    assert edge.earliest_s <= end <= edge.latest_s
    assert all(reset_is_true(POLICY, edge, first, value) for value in (int(end), int(end) + (end > int(end))))


def test_answers_over_the_edge_prove_nothing() -> None:
    """An answer that came when the window may have been over is not inside it."""
    edge = end_of_window(POLICY, RAMP)
    assert inside(edge, RAMP)
    assert not inside(edge, [*RAMP, answer(6, sent_s=edge.earliest_s - 0.001)])


@pytest.mark.parametrize(
    ("value", "cause"),
    [("1", []), ("10", []), ("12", ["retry-after-too-long"]), ("0.5", ["retry-after-no-whole-number"])],
)
def test_retry_after_is_bounded_by_the_window(value: str, cause: list[str]) -> None:
    """Retry-After is whole seconds and not longer than the window lasts."""
    rejection = Answer(
        method="GET",
        path="/a",
        status=429,
        headers=(("Retry-After", value),),
        sent_s=BEGAN,
        received_s=BEGAN,
        client="u",
    )
    edge = end_of_window(POLICY, RAMP)
    assert causes([*judge_retry_after(POLICY, rejection, edge)]) == cause


def test_knobs_of_the_profile_count() -> None:
    """The stack's variables turn the declared quota; one that limits nothing is refused."""
    assert Policy.declared(LIMIT, {"Q": "9"}).quota == 9
    with pytest.raises(UsageError):
        Policy.declared(LIMIT, {"Q": "0"})


class HangsUp(http.server.BaseHTTPRequestHandler):
    """Answer, and hang up on a connection that is idle for half as long as we trust one."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_S / 2

    def do_GET(self) -> None:
        """Answer one request."""
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


def test_idle_connection_is_opened_anew() -> None:
    """A server that hangs up on idle connections, as all do, costs the proof no answer."""

    async def talk(port: int) -> list[int]:
        wire = Wire(f"http://127.0.0.1:{port}", name="u", headers={})
        statuses = [(await wire.send("GET", "/")).status]
        await asyncio.sleep(IDLE_S * 1.1)
        statuses.append((await wire.send("GET", "/")).status)
        await wire.close()
        return statuses

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), HangsUp) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert asyncio.run(talk(server.server_port)) == [200, 200]
        server.shutdown()


def test_plan_says_what_cannot_be_proved() -> None:
    """A window that does not fit, a single address and another algorithm each leave claims open, with a reason."""
    assert plan_proof(POLICY, budget_s=20, addresses=2).no_window == ""
    assert "does not fit" in plan_proof(POLICY, budget_s=12, addresses=2).no_window
    assert plan_proof(POLICY, budget_s=20, addresses=0).no_addresses
    sliding = Policy.declared(LIMIT.model_copy(update={"algorithm": "token-bucket"}), {})
    assert "token-bucket" in plan_proof(sliding, budget_s=20, addresses=2).no_edges
