"""The profile smoke, from outside: over TLS to a service that remembers what it was asked, clean and with defects."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from authority import Authority, modern, over_tls
from servers import in_thread
from smoke_service import DOCUMENT, QUOTA, SETTINGS, service

from seatrial.campaign import Options
from seatrial.cli._session import _refuse_beside_smoke, collect_checks
from seatrial.config import Settings
from seatrial.core import EnvironmentFailure, UsageError
from seatrial.core.fence import SAFE, SIGN_IN, Fence, put_up, take_down
from seatrial.signin._means import Login, Means, obtain

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "verify-a-deployment.md").read_text(encoding="utf-8")
MOST = 120
LIMIT = f"""
limit = true
[[limits]]
quota = {QUOTA}
window_s = 60
anonymous_by = "address"
retry_after = true
path = "/limited"
"""
"""What the example does not have: `[smoke]` stands last in it."""

Seen = list[tuple[str, str]]
OF_TLS = {f"security.tls-{claim}" for claim in ("certificate", "expiry", "versions", "remembered", "redirected")}
UNSAFE = """
import http.client
import httpx
from seatrial.plugin import check

@check("extra.writes", title="it writes", severity="low", safe=True)
def test_writes(client: httpx.Client) -> None:
    \"""It calls itself safe, and is not.\"""
    client.post("/things", json={})

@check("extra.goes-past", title="it goes past", severity="low", safe=True)
def test_goes_past(client: httpx.Client) -> None:
    \"""It opens a connection of its own.\"""
    http.client.HTTPConnection(client.base_url.host, client.base_url.port).request("GET", "/past")

@check("extra.asks-on", title="it asks on", severity="low", safe=True)
def test_asks_on(client: httpx.Client) -> None:
    \"""It asks more often than the budget allows.\"""
    for _ in range(1000):
        client.get("/health")

@check("extra.unmarked", title="it does not say that it is safe", severity="low")
def test_unmarked(client: httpx.Client) -> None:
    \"""It is not run.\"""
    client.get("/unmarked")
"""


class Ended(NamedTuple):
    """How a smoke run ended."""

    code: int
    output: str
    verdict: dict[str, Any]

    def checks(self, outcome: str) -> set[str]:
        """Return the checks that ended so."""
        return {one["check"] for one in self.verdict["outcomes"] if one["outcome"] == outcome}

    @property
    def sent(self) -> float:
        """Return how many requests it says that it sent."""
        return next(float(one["value"]) for one in self.verdict["measurements"] if one["name"] == "smoke.sent")


def lay(folder: Path, more: str) -> Path:
    """Lay out a project with what was published, and return its settings."""
    (folder / "published.json").write_text(json.dumps(DOCUMENT), encoding="utf-8")
    config = folder / "seatrial.toml"
    config.write_text(SETTINGS + more, encoding="utf-8")
    return config


def example(kind: str, port: int) -> str:
    """Return what the page shows (`sh`: its first command), about a service on this machine, and faster."""
    found = re.findall(
        rf"```{kind}\n(.*?)```" if kind == "toml" else r"^    (seatrial run .*\n)", PAGE, re.DOTALL | re.MULTILINE
    )
    text = str(found[0]).replace("shop.example:443", f"localhost:{port}").replace("shop.example", f"localhost:{port}")
    return text.replace("plain_port = 80", "plain_port = 1").replace("rate_per_s = 20", "rate_per_s = 500")


def smoke(url: str, config: Path, *words: str, **environment: str) -> Ended:
    """Run the profile smoke against a URL."""
    out = config.parent / "run"
    command = [sys.executable, "-m", "seatrial", "run", "--stack", url, "--profile", "smoke", "--out", str(out)]
    done = subprocess.run(
        [*command, "--config", str(config), *words],
        cwd=config.parent, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    output = done.stdout + done.stderr
    assert (out / "verdict.json").is_file(), output
    return Ended(done.returncode, output, json.loads((out / "verdict.json").read_text(encoding="utf-8")))


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Return an authority of this test's own."""
    return Authority(tmp_path)


@pytest.fixture
def plain() -> Iterator[tuple[str, Seen]]:
    """Serve over http, and return the URL with what was asked."""
    seen: Seen = []
    with in_thread(service(seen)) as url:
        yield url, seen


def test_the_page_s_example_passes_reads_alone_and_says_how_often(authority: Authority, tmp_path: Path) -> None:
    """Over TLS what is promised is verified, a refusal too; nothing but safe methods arrives, as often as is told."""
    seen: Seen = []
    with over_tls(service(seen), modern(authority.issue())) as port:
        config = lay(tmp_path, "")
        config.write_text(example("toml", port) + LIMIT, encoding="utf-8")
        words = example("sh", port).splitlines()[0].split()
        assert words[:3] == ["seatrial", "run", "--stack"]
        ended = smoke(words[3], config, *words[4:], SSL_CERT_FILE=str(authority.file))
    assert (ended.code, ended.verdict["verdict"], ended.verdict["profile"]) == (0, "pass", "smoke"), ended.output
    assert ended.checks("passed") >= OF_TLS | {"smoke.limit-refuses", "contract.no-breaking-change"}
    assert set().union(*(ended.checks(each) for each in ("failed", "inconclusive", "blocked", "not-tested"))) == set()
    assert {method for method, _ in seen} == {"GET", "OPTIONS"} <= SAFE
    without_request, to_nobody = 1 + 2 + 3, 1  # to reach it, for its certificate, for versions; to its plain port
    assert len(seen) + without_request + to_nobody == ended.sent <= MOST
    assert [path for _, path in seen].count("/limited") == QUOTA + 1
    (told,) = [note for note in ended.verdict["not_verified"] if "checks are not tested in the profile smoke" in note]
    assert "posture 11" in told
    assert f"the profile smoke sent {ended.sent:g} of at most {MOST} requests" in " ".join(
        ended.verdict["not_verified"]
    )


def test_the_page_names_every_check_of_the_profile() -> None:
    """What is verified is what is marked as safe: no less, and no more."""
    named = set(re.findall(r"`((?:health|security|tracing|contract|smoke)\.[a-z-]+)`", PAGE))
    checks = collect_checks(Settings(root=ROOT), None, Options(profile="smoke"))
    assert named == {check.slug for check in checks}


@pytest.mark.parametrize("code", [0, 1, 2, 3])
def test_the_page_s_step_goes_back_on_every_code_but_0(code: int, tmp_path: Path) -> None:
    """The line of the page calls the rollback, and ends with the code of the run."""
    for name, text in {"seatrial": f"exit {code}", "rollback": "touch went-back"}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    step = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)[0]
    done = subprocess.run(["sh", "-c", step], cwd=tmp_path, env={"PATH": path}, check=False)
    assert done.returncode == code
    assert (tmp_path / "went-back").exists() == (code != 0)


EACH_DEFECT = {
    "no status": {"health.basic-answers"},
    "not alive": {"health.liveness-answers"},
    "dependency unnamed": {"health.dependencies-listed"},
    "not ready": {"health.readiness-answers"},
    "one trace": {"tracing.unique", "tracing.taken-over"},
    "open to all": {"security.token-required"},
    "any origin": {"security.cors-origin-refused"},
    "sniffing allowed": {"security.headers-present"},
    "operation gone": {"contract.no-breaking-change"},
    "forgotten": {"security.tls-remembered"},
    "limiter off": {"smoke.limit-refuses"},
}


def test_each_defect_is_told(authority: Authority, tmp_path: Path) -> None:
    """What a deployment broke fails its check, and no other: the exit code is 1, and a pipeline goes back.

    The certificate is about to expire, and http is answered where it ought to lead to https.
    """
    seen: Seen = []
    defective = service(seen, EACH_DEFECT)
    with (
        over_tls(defective, modern(authority.issue(for_days=3))) as port,
        in_thread(service([])) as plain,
    ):
        more = f"[tls]\nplain_port = {plain.rpartition(':')[2]}\n[smoke]\nlimit = true\nrate_per_s = 500.0"
        ended = smoke(f"https://localhost:{port}", lay(tmp_path, more), SSL_CERT_FILE=str(authority.file))
    assert (ended.code, ended.verdict["verdict"]) == (1, "fail"), ended.output
    of_tls = {"security.tls-expiry", "security.tls-redirected"}
    assert ended.checks("failed") == set().union(of_tls, *EACH_DEFECT.values()), ended.output
    assert ended.checks("inconclusive") == set()
    assert {method for method, _ in seen} <= SAFE


def test_a_refused_certificate_fails_and_blocks_the_rest(authority: Authority, tmp_path: Path) -> None:
    """One that has expired is told once: what could not be asked is blocked by it, and the exit code is 1."""
    expired = authority.issue(for_days=-1, began_days=30)
    with over_tls(service([]), modern(expired)) as port:
        ended = smoke(f"https://localhost:{port}", lay(tmp_path, ""), SSL_CERT_FILE=str(authority.file))
    assert ended.code == 1, ended.output
    assert ended.checks("failed") == {"security.tls-certificate"}
    assert "expired" in ended.output
    assert ended.checks("blocked") >= {
        "health.basic-answers",
        "tracing.present",
        "security.tls-expiry",
        "contract.no-breaking-change",
    }


def test_what_calls_itself_safe_is_held_to_it(plain: tuple[str, Seen], tmp_path: Path) -> None:
    """A POST, a connection past the client and more than the budget do not leave: the run is inconclusive."""
    url, seen = plain
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "test_extra.py").write_text(UNSAFE, encoding="utf-8")
    config = lay(tmp_path, "[smoke]\nmax_requests = 30\nrate_per_s = 500.0")
    config.write_text(f'suites = ["suites"]\n{config.read_text(encoding="utf-8")}', encoding="utf-8")
    ended = smoke(url, config)
    assert (ended.code, ended.verdict["verdict"]) == (3, "inconclusive"), ended.output
    assert ended.checks("inconclusive") == {"extra.writes", "extra.goes-past", "extra.asks-on"}
    assert set(seen) == {("GET", "/health")}
    assert len(seen) + 1 == ended.sent == 30
    for said in ("POST http", "a connection to 127.0.0.1", "30 requests were sent, and no more are allowed"):
        assert said in json.dumps(ended.verdict), said


@pytest.mark.parametrize(
    ("words", "where"), [(["-n", "2"], "-n"), (["--deep"], "--deep"), (["--shard", "1/2"], "--shard")]
)
def test_what_would_not_keep_to_the_budget_is_refused(words: list[str], where: str) -> None:
    """Several processes have no budget in common."""
    given: dict[str, Any] = {"deep": "--deep" in words}
    workers, shard = ("2" if "-n" in words else ""), ("1/2" if "--shard" in words else "")
    with pytest.raises(UsageError) as caught:
        _refuse_beside_smoke(Options(profile="smoke", **given), workers, shard)
    assert (caught.value.slug, caught.value.where) == ("smoke-options", where)


@pytest.mark.parametrize("allowed", [False, True])
def test_a_token_is_asked_for_where_that_is_allowed(allowed: bool, plain: tuple[str, Seen]) -> None:
    """A sign-in is the one POST that may leave, and only where the configuration says so."""
    url, seen = plain
    fence = Fence(most=9, per_s=500.0, for_s=60.0, each_s=5.0, signs_in=allowed, strict=True)
    login = Login(
        url=f"{url}/token", body={}, form=False, token_field="access_token", expires_field="expires_in",  # noqa: S106
        refresh_url="", refresh_body={}, refresh_field="refresh_token",
    )  # fmt: skip
    put_up(fence)
    try:
        with contextlib.nullcontext() if allowed else pytest.raises(EnvironmentFailure, match="not sent"):
            assert obtain(Means(who="somebody", source="[auth.login]", login=login)).value == "of-a-user"
    finally:
        take_down(fence)
    assert seen == ([("POST", "/token")] if allowed else [])
    assert fence.sent == ({SIGN_IN: 1} if allowed else {})
