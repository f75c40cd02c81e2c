"""`discover` on real servers: each algorithm, each defect, each awkward target, by itself and no other."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from proving import People, ended, process, run, told

from seatrial.config import load_settings
from seatrial.core import Outcome, Target

SERVER = Path(__file__).parents[1] / "support" / "algorithms.py"
QUOTA, WINDOW_S = 8, 2.0
POOL = ("--address-pool", "127.31.0.0/16")
BUDGET = 12 * QUOTA + 200


@contextmanager
def serving(algorithm: str = "fixed-window", *traits: str, **settings: object) -> Iterator[str]:
    """Run a limiter in a process of its own, and return the URL of its endpoint."""
    chosen = {"quota": QUOTA, "window_s": WINDOW_S, "headers": "epoch", "algorithm": algorithm, "traits": traits}
    with process(SERVER, {**chosen, **settings}) as (target, _):
        yield f"{target.url}/items/7"


def discover(url: str, *arguments: str, max_s: int = 40) -> tuple[int, dict[str, Any]]:
    """Run the product, and return its exit code and the one object that it prints."""
    command = [sys.executable, "-m", "seatrial", "limits", "discover", url, "--json", "--max-seconds", str(max_s)]
    began_s = time.monotonic()
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=120, check=False)
    assert time.monotonic() - began_s < max_s + 15, "it went on for longer than it was allowed to"
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout)


LONG = pytest.mark.long
ALGORITHMS = [
    ("fixed-window", "fixed-window", "first-request"),
    ("clock", "fixed-window", "clock"),
    ("per-key", "fixed-window", "per-key"),
    ("sliding-log", "sliding-log", None),
    pytest.param("sliding-counter", "sliding-counter", "clock", marks=LONG),
    ("token-bucket", "token-bucket", None),
]


@pytest.mark.parametrize(
    "headers", ["epoch", "none", pytest.param("delta", marks=LONG), pytest.param("draft", marks=LONG)]
)
@pytest.mark.parametrize(("served", "algorithm", "anchor"), ALGORITHMS)
def test_algorithm_is_found(served: str, algorithm: str, anchor: str | None, headers: str) -> None:
    """Algorithm, quota and window are found whether headers tell or not, and no defect that is not there.

    A sliding counter's Retry-After is the rest of the window here: it is true of a fixed window only.
    """
    with serving(served, "retry-none", headers=headers) as url:
        _, found = discover(url, *POOL)
    assert (found["algorithm"], found["anchor"]) == (algorithm, anchor), found
    assert (found["quota"], found["window_s"]) == (QUOTA, pytest.approx(WINDOW_S, rel=0.15)), found
    assert (found["defects"], found["scope"], found["replicas"], found["status"]) == ([], "address", 1, 429), found
    assert found["refill_per_s"] == (pytest.approx(QUOTA / WINDOW_S, rel=0.15) if served == "token-bucket" else None)


def test_budget_where_headers_tell_the_quota() -> None:
    """Within 2.2 windows and 12 N + 200 requests, at a window that is long beside this machine's hiccups."""
    with serving(window_s=6.0) as url:
        code, found = discover(url, *POOL)
    assert code == 0, found
    assert found["requests"] <= BUDGET
    print(f"{found['requests']} requests, {found['seconds'] / 6.0:.2f} windows")  # noqa: T201 - a figure
    shown = {name: known["requests"] for name, known in found["confidence"].items()}
    assert [one["status"] for one in shown["quota"]] == [200, 200, 429]
    assert {one["client"] for one in shown["scope"]} > {shown["quota"][0]["client"]}
    assert all(shown[name] for name, known in found["confidence"].items() if known["how"] != "open"), shown
    assert all(one["sent"] <= one["received"] for one in shown["window_s"])


DEFECTS = [
    ("trusts-forwarded-for", "x-forwarded-for"),
    ("trusts-real-ip", "sibling-header:x-real-ip"),
    ("keys-by-agent", "client-trait"),
    ("spelling-escapes", "path-spelling"),
    ("query-in-key", "query-in-key"),
    ("method-in-key", "method"),
    ("path-in-key", "path-parameter-in-key"),
    ("same-tick", "same-tick-over-reject"),
    ("race", "race"),
    ("resets-connection", "connection-reset"),
    ("status-200", "status-200"),
    ("status-403", "status-403"),
    ("status-503", "status-503"),
    ("retry-soon", "retry-after-malformed"),
    ("retry-negative", "retry-after-malformed"),
    ("retry-huge", "retry-after-untrue"),
    ("retry-zero", "retry-after-untrue"),
    ("retry-twice", "retry-after-malformed"),
    ("limit-untrue", "limit-untrue"),
    ("reset-soon", "reset-malformed"),
]


@pytest.mark.parametrize(("trait", "defect"), DEFECTS)
def test_defect_is_found_and_no_other(trait: str, defect: str) -> None:
    """A seeded defect is named by its own word, and nothing else is."""
    with serving("fixed-window", trait) as url:
        code, found = discover(url, *POOL, "--path-template", "/items/{i}", "--race")
    assert found["defects"] == [defect], found
    assert code == 1
    assert found["algorithm"] == "fixed-window", found
    assert found["quota"] == QUOTA, found


def test_race_that_is_not_seen_is_bounded() -> None:
    """No overrun in five trials is no proof that there is none."""
    with serving() as url:
        code, found = discover(url, *POOL, "--race")
    assert (code, found["defects"]) == (0, []), found
    assert "less than 60%" in found["inconclusive"]["race"]


@LONG
def test_race_beyond_what_is_asked_for_at_once() -> None:
    """Of a quota of hundreds most is used up first."""
    with serving("fixed-window", "race", quota=250, window_s=30.0) as url:
        _, found = discover(url, *POOL, "--race", max_s=60)
    assert "race" in found["defects"], found


@pytest.mark.parametrize("algorithm", ["fixed-window", "clock", "sliding-log", "token-bucket"])
def test_block_is_proved(tmp_path: Path, algorithm: str) -> None:
    """What is printed and saved refutes nothing of the service that it was printed for."""
    command = [sys.executable, "-m", "seatrial", "limits", "discover"]
    with serving(algorithm) as url:
        done = subprocess.run([*command, url, *POOL], capture_output=True, text=True, check=False)
        file = tmp_path / "seatrial.toml"
        file.write_text(done.stdout.partition("\n\n")[0], encoding="utf-8")
        (declared,) = load_settings(file).limits
        evidence = run(Target(url=url.removesuffix("/items/7")), declared, people=People(users=False))
    assert ended(evidence, Outcome.PASSED) >= {"anonymous-by-address", "headers-truthful"}, told(evidence)
    assert ended(evidence, Outcome.FAILED) == set(), told(evidence)


@LONG
@pytest.mark.parametrize("algorithm", ["sliding-log", "sliding-counter"])
def test_limiter_that_counts_refusals_is_never_called_another(algorithm: str) -> None:
    """Which of the two it is may stay open; that refusals do not count is never claimed, nor a third algorithm."""
    with serving(algorithm, "refused-count", "retry-none") as url:
        _, found = discover(url, *POOL)
    assert found["algorithm"] in {algorithm, None}, found
    assert found["rejected_count"] is not False, found
    assert set(found["defects"]) <= {"rejected-count"}, found
    assert found["algorithm"] or "algorithm" in found["inconclusive"], found


def identities() -> list[str]:
    """Return two tokens of one user, a fellow, and strangers."""
    mine = [("ann@a", "t1.ann.a"), ("ann@a", "t2.ann.a"), ("bob@a", "t3.bob.a")]
    others = [(f"u{n}@o{n}", f"x{n}.u{n}.o{n}") for n in range(12)]
    return [
        word for user, token in (*mine, *others) for word in ("--identity", f"{user}=Authorization: Bearer {token}")
    ]


@pytest.mark.parametrize("scope", ["token", "user", "organisation"])
def test_scope_is_found(scope: str) -> None:
    """Tokens, users and organisations are told apart by two of one."""
    with serving(key=scope) as url:
        code, found = discover(url, *identities())
    assert (found["scope"], found["confidence"]["scope"]["how"], code) == (scope, "proved", 0), found


def test_addresses_are_found_where_tokens_do_not_matter() -> None:
    """People who share an address share its bucket: by address."""
    with serving(key="address") as url:
        _, found = discover(url, *identities(), *POOL)
    assert found["scope"] == "address", found


def test_instances_that_count_for_themselves() -> None:
    """Headers tell how many instances answer; without them, one is never claimed."""
    with serving(replicas=3, traits=()) as url:
        _, told = discover(url, *POOL, max_s=20)
    with serving(replicas=3, headers="none") as url:
        _, silent = discover(url, *POOL, max_s=20)
    assert (told["replicas"], told["quota"]) == (3, QUOTA), told
    assert "replicas" in told["defects"]
    assert silent["replicas"] is None
    assert "replicas" in silent["inconclusive"]


@LONG
def test_one_client_and_a_bucket_for_all_go_one_after_the_other() -> None:
    """It takes longer and says so; what is found is the same."""
    with serving(window_s=1.5) as url:
        _, alone = discover(url)
    with serving(window_s=1.5, key="global") as url:
        _, shared = discover(url, *POOL)
    assert (alone["algorithm"], alone["scope"], alone["defects"]) == ("fixed-window", None, []), alone
    assert "scope" in alone["inconclusive"]
    assert (shared["algorithm"], shared["scope"], shared["defects"]) == ("fixed-window", "global", ["global-bucket"])


@LONG
def test_clients_that_only_a_proxy_tells_apart() -> None:
    """Addresses share one bucket, those that X-Forwarded-For reports do not."""
    with serving("fixed-window", "trusts-forwarded-for", window_s=1.5, key="global") as url:
        _, found = discover(url, *POOL, max_s=60)
    assert found["defects"] == ["proxy-collapse", "x-forwarded-for"], found


@pytest.mark.alone
def test_limits_of_another_kind() -> None:
    """No limit is the finding; a queue and a limit of what runs at once are recognised."""
    with serving("none") as url:
        code, none = discover(url, *POOL, max_s=180)
    with serving("leaky-queue") as url:
        _, queue = discover(url, *POOL)
    with serving("concurrency") as url:
        _, at_once = discover(url, *POOL)
    assert (code, none["algorithm"], none["defects"]) == (1, "none", ["unlimited"])
    assert (none["confidence"]["algorithm"]["how"], none["requests"] <= 5000) == ("fitted", True), none
    assert (queue["algorithm"], queue["refill_per_s"]) == ("leaky-queue", pytest.approx(QUOTA / WINDOW_S, rel=0.2)), (
        queue
    )
    assert (at_once["algorithm"], at_once["quota"]) == ("concurrency", QUOTA), at_once


@pytest.mark.parametrize("key", ["address", "global"])
def test_quota_just_above_what_half_the_budget_finds(key: str) -> None:
    """A fixed window that refuses some of many at once is none of what runs at once."""
    with serving(quota=70, window_s=60.0, key=key) as url:
        code, found = discover(url, *POOL, "--max-requests", "130", max_s=20)
    assert (code, found["algorithm"], found["window_s"]) == (3, None, None), found
    assert found["confidence"]["window_s"]["how"] == "open"
    assert "130 requests" in found["inconclusive"]["algorithm"]


def test_quota_of_over_a_thousand_is_found() -> None:
    """What headers do not tell is asked for until it is met."""
    with serving(quota=1500, window_s=600.0, headers="none") as url:
        code, found = discover(url, *POOL, max_s=30)
    assert (code, found["algorithm"], found["quota"], found["status"]) == (3, None, 1500, 429), found
    assert "unlimited" not in found["defects"]


@pytest.mark.parametrize("headers", ["none", "epoch"])
def test_search_that_the_budget_ends_is_no_finding(headers: str) -> None:
    """A quota above what may be sent looks like none: neither is claimed, and what would tell is said."""
    with serving(quota=4500, window_s=600.0, headers=headers) as url:
        code, found = discover(url, *POOL, "--max-requests", "1500", max_s=60)
    assert (code, found["algorithm"], found["quota"], found["defects"]) == (3, None, None, []), found
    assert ("4501" if headers == "epoch" else "4001") in found["inconclusive"]["algorithm"], found
    assert found["requests"] <= 1500


def test_short_window_is_not_what_runs_at_once() -> None:
    """One that ends before the first client meets it refuses much at once, but not again and again."""
    with serving("per-key", quota=60, window_s=2.0, headers="none", traits=("slow",)) as url:
        _, found = discover(url, *POOL, "--max-requests", "500", max_s=60)
    assert found["algorithm"] != "concurrency", found


@pytest.mark.parametrize("trait", ["answers-404", "answers-307", "dies"])
def test_target_that_does_not_work_is_inconclusive(trait: str) -> None:
    """An absent path, a redirect, a target that dies: nothing is claimed, and the reason is given."""
    with serving("fixed-window", trait) as url:
        code, found = discover(url, *POOL, max_s=20)
    assert code == 3, found
    assert found["algorithm"] is None
    assert found["inconclusive"]["algorithm"]
    assert found["defects"] == []


def test_nobody_there_is_inconclusive() -> None:
    """A port where nobody listens."""
    code, found = discover("http://127.0.0.1:9/")
    assert code == 3
    assert "does not answer" in found["inconclusive"]["algorithm"]


def test_window_of_a_day_cannot_be_proved() -> None:
    """What can be told is told; that the window cannot be is said, with what the headers say."""
    with serving(window_s=86400.0) as url:
        code, found = discover(url, *POOL, max_s=6)
    assert (code, found["quota"], found["window_s"]) == (3, QUOTA, None), found
    assert "8640" in found["inconclusive"]["window_s"]
    assert found["headers"] == {"convention": "x-ratelimit-epoch", "truth": None}
    assert "Reset" in found["inconclusive"]["headers"]


def test_clock_that_is_an_hour_off_is_no_defect() -> None:
    """Reset is read by the server's own clock."""
    with serving("fixed-window", "clock-ahead") as url:
        code, found = discover(url, *POOL)
    assert (code, found["defects"], found["algorithm"]) == (0, [], "fixed-window"), found


def test_never_more_requests_than_allowed() -> None:
    """The budget ends the inference, which says so."""
    with serving() as url:
        code, found = discover(url, *POOL, "--max-requests", "40")
    assert found["requests"] <= 40
    assert code == 3
    assert "40 requests" in json.dumps(found["inconclusive"])


def test_another_machine_is_not_asked() -> None:
    """A target that is not this machine needs the configuration and the flag."""
    command = [sys.executable, "-m", "seatrial", "limits", "discover", "http://192.0.2.1/"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "[target-not-allowed]" in done.stderr


def test_block_is_valid_configuration(tmp_path: Path) -> None:
    """What is printed is a whole `seatrial.toml`, by which the service that it was printed for is put to the proof.

    Where something else runs meanwhile, not every claim fits into so short a window: that one is undecided is no error.
    """
    command = [sys.executable, "-m", "seatrial", "limits"]
    file = tmp_path / "seatrial.toml"
    with serving() as url:
        done = subprocess.run([*command, "discover", url, *POOL], capture_output=True, text=True, check=False)
        file.write_text(done.stdout.partition("\n\n")[0], encoding="utf-8")
        base, fresh = url.removesuffix("/items/7"), ("--address-pool", "127.32.0.0/16")
        proof = subprocess.run(
            [*command, "prove", base, *fresh], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
        )
    (limit,) = load_settings(file).limits
    assert (limit.quota, limit.window_s, limit.algorithm) == (QUOTA, WINDOW_S, "fixed-window")
    assert limit.retry_after
    told = re.search(r"^ *(PROVED|INCONCLUSIVE) +ratelimit\.anonymous-by-address", proof.stdout, re.MULTILINE)
    assert told, proof.stdout + proof.stderr
    assert proof.returncode in {0, 3}, proof.stdout + proof.stderr
    assert "REFUTED" not in proof.stdout, proof.stdout


def test_interrupt_ends_it() -> None:
    """Ctrl-C ends an inference with one message."""
    command = [sys.executable, "-m", "seatrial", "limits", "discover"]
    with (
        serving(window_s=60.0) as url,
        subprocess.Popen([*command, url, *POOL], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child,
    ):
        assert child.stderr
        while "admitted" not in child.stderr.readline():
            pass
        child.send_signal(signal.SIGINT)
        output = child.communicate(timeout=30)[1]
    assert child.returncode == 130
    assert "[run-interrupted]" in output
    assert "Traceback" not in output
