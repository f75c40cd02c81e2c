"""`seatrial limits prove`: its schedule, its words, its exit codes and its one JSON object, on small real limiters."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from promises import PROMISED
from proving import serving

from seatrial.cli._proving import _profile

Product = Callable[..., subprocess.CompletedProcess[str]]
LIMIT = f"""
[[limits]]
{PROMISED}
quota = 8
window_s = 1
algorithm = "fixed-window"
path = "/a"
path_template = "/a/{{i}}"
exempt = ["/health"]
"""
POOL = ("--address-pool", "127.30.0.0/16")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Lay out a project that declares a limit, and suites of its own, which are none of the proof's business."""
    (tmp_path / "seatrial.toml").write_text(f'suites = ["none"]\n[stack]\nready = "/health"\n{LIMIT}')
    return tmp_path


def object_of(done: subprocess.CompletedProcess[str]) -> Any:
    """Return the one object on standard output."""
    assert done.stdout.count("\n") == 1, done.stdout + done.stderr
    return json.loads(done.stdout)


def words(found: Any, verdict: str) -> set[str]:
    """Return the claims that ended so."""
    return {row["claim"] for row in found["claims"] if row["verdict"] == verdict}


def test_a_limiter_is_proved_claim_by_claim(product: Product, project: Path) -> None:
    """All that is promised is proved, exit code 0; what was not tested stands first, each with its reason."""
    with serving() as target:
        done = product("limits", "prove", target.url, *POOL, "--json", cwd=project)
    found = object_of(done)
    assert (done.returncode, found["exit_code"], found["verdict"]) == (0, 0, "pass"), done.stderr
    order = [row["verdict"] for row in found["claims"]]
    assert order == sorted(order, key=["NOT TESTED", "INCONCLUSIVE", "REFUTED", "PROVED"].index)
    assert words(found, "PROVED") >= {"ratelimit.quota-exact", "ratelimit.window-resets", "ratelimit.path-spelling"}
    assert all(row["reason"] for row in found["claims"] if row["verdict"] == "NOT TESTED")
    assert "ratelimit.memory-bounded" in words(found, "NOT TESTED")
    assert found["limits"]["default"]["requests"] > 100
    assert Path(found["directory"], "report.html").is_file()


def test_a_defect_is_refuted(product: Product, project: Path) -> None:
    """Exit code 1, the claim and its reason in words."""
    with serving("off-by-one") as target:
        done = product("limits", "prove", target.url, *POOL, cwd=project)
    assert done.returncode == 1, done.stdout + done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith(("NOT TESTED", "REFUTED", "PROVED"))]
    assert lines[0].startswith("NOT TESTED")
    (refuted,) = [line for line in lines if line.startswith("REFUTED")]
    assert refuted.startswith("REFUTED       ratelimit.quota-exact: ")
    assert "cost:    default: " in done.stdout
    assert "verdict: fail" in done.stdout


def test_a_target_that_does_not_serve_is_inconclusive(product: Product, project: Path) -> None:
    """Exit code 3: nothing was proved, and nothing is claimed."""
    (project / "seatrial.toml").write_text(f'[stack]\nready = "/health"\n{LIMIT.replace("/a", "/nowhere")}')
    with serving() as target:
        done = product("limits", "prove", target.url, *POOL, "--json", cwd=project)
    found = object_of(done)
    assert (done.returncode, found["verdict"]) == (3, "inconclusive"), done.stderr
    assert not words(found, "PROVED") | words(found, "REFUTED")


def test_without_addresses_and_users_nobody_can_be_told_apart(product: Product, project: Path) -> None:
    """Every claim is not tested, and says why."""
    with serving() as target:
        found = object_of(product("limits", "prove", target.url, "--json", cwd=project))
    assert {row["verdict"] for row in found["claims"]} == {"NOT TESTED"}
    assert any("no users to tell apart" in row["reason"] for row in found["claims"])


def test_without_the_key_what_goes_by_address_is_proved(product: Product, project: Path) -> None:
    """Nobody can be authenticated at such a URL: that is said of what is about users, and the rest is proved."""
    text = (project / "seatrial.toml").read_text()
    (project / "seatrial.toml").write_text(
        f"{text}[auth]\npublic_key_variable = 'KEY'\n[auth.claims]\nsub = '{{user}}'\n"
    )
    with serving() as target:
        planned = object_of(product("limits", "prove", target.url, *POOL, "--plan", "--json", cwd=project))
        done = product("limits", "prove", target.url, *POOL, "--json", cwd=project)
        alike = object_of(product("limits", "prove", target.url, "--json", cwd=project))
    found = object_of(done)
    assert (done.returncode, found["verdict"]) == (0, "pass"), done.stderr
    assert words(found, "PROVED") >= {"ratelimit.quota-exact", "ratelimit.anonymous-by-address"}
    reasons = {row["claim"]: row["reason"] for row in found["claims"]}
    assert "private_key_file" in reasons["ratelimit.another-token"]
    assert {row["claim"] for row in planned["proof"][0]["not_tested"]} < words(found, "NOT TESTED")
    assert {row["verdict"] for row in alike["claims"]} == {"NOT TESTED"}
    assert any("private_key_file" in row["reason"] for row in alike["claims"])


def test_the_plan_is_what_is_sent(product: Product, project: Path) -> None:
    """`--plan` sends nothing, and of a limiter that keeps its promise the proof sends exactly what it says."""
    with serving() as target:
        planned = object_of(product("limits", "prove", target.url, *POOL, "--plan", "--json", cwd=project))
        assert not (project / ".seatrial").exists()
        found = object_of(product("limits", "prove", target.url, *POOL, "--json", cwd=project))
    (proof,) = planned["proof"]
    assert proof["requests"] == sum(visit["requests"] for visit in proof["visits"])
    cost = found["limits"]["default"]
    assert proof["requests"] == cost["requests"] or cost["repeated"], found
    assert {row["claim"] for row in proof["not_tested"]} < words(found, "NOT TESTED")


def test_the_plan_reads_as_a_table(product: Product, project: Path) -> None:
    """It names time, client, requests and claims, what is not tested before them, and the sum behind them."""
    text = product("limits", "prove", "http://127.0.0.1:9", *POOL, "--plan", "--deep", cwd=project).stdout
    lines = text.splitlines()
    (limit, *_), deep = (
        [n for n, line in enumerate(lines) if line.startswith("limit default: 8 requests in 1 s")],
        lines.index("deep"),
    )
    assert lines[limit + 1].startswith("  not tested  ratelimit.")
    assert any("after the end" in line and "1.1 s" in line and "window-resets" in line for line in lines[:deep])
    assert sum(line.startswith("  in all ") for line in lines) == 2
    assert any("10,000 addresses, a second batch" in line for line in lines[deep:])


@pytest.mark.parametrize(
    ("arguments", "slug"),
    [
        (("http://127.0.0.1:9", "--stack", "local"), "arguments-invalid"),
        (("--stack", "local", "--plan", *POOL), "address-pool-invalid"),
        (("http://192.0.2.1:80", "--plan"), "target-not-allowed"),
        (("http://192.0.2.1:80",), "target-not-allowed"),
        (("--stack", "kubernetes"), "driver-unknown"),
        (("http://127.0.0.1:9", "--address-pool", "nonsense"), "address-pool-invalid"),
        (("--stack", "local", *POOL), "address-pool-invalid"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_sent(
    product: Product, project: Path, arguments: tuple[str, ...], slug: str
) -> None:
    """Two targets, one that is not allowed or unknown, addresses that are none: exit code 2."""
    (project / "seatrial.toml").write_text(f"[stack.local.services.api]\n{LIMIT}")
    done = product("limits", "prove", *arguments, cwd=project)
    assert done.returncode == 2, done.stdout + done.stderr
    assert f"[{slug}]" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_limit_there_is_nothing_to_prove(product: Product, project: Path) -> None:
    """It says how one is declared, or inferred."""
    (project / "seatrial.toml").write_text("")
    done = product("limits", "prove", "http://127.0.0.1:9", cwd=project)
    assert (done.returncode, "[limits-missing]" in done.stderr) == (2, True), done.stderr
    assert "seatrial limits discover" in done.stderr


def test_the_profile_is_that_of_what_is_proved(project: Path) -> None:
    """A URL is proved as it is declared, a stack that is up as it was started, one that is started here quickly."""
    config = str(project / "seatrial.toml")
    state = project / ".seatrial" / "stack.json"
    assert _profile(config, "auto") == "quick"
    assert _profile(config, "http://127.0.0.1:9") == "full"
    state.parent.mkdir()
    state.write_text(json.dumps({"profile": "full"}))
    assert (_profile(config, "up"), _profile(config, "local")) == ("full", "quick")
