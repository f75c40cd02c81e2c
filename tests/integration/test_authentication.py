"""Each example of docs/how-to/authenticate.md, on a real service that lets in who it says and nobody else."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from contract_doors import basic
from contract_process import contract_service

from seatrial.campaign import declared_people
from seatrial.cli._main import run_command_line
from seatrial.config import Settings, load_settings
from seatrial.core import Evidence, FindingStatus, Outcome, Progress, SeatrialError, Target
from seatrial.fuzz import EngineProcess, run_contract
from seatrial.fuzz._judge import Heard
from seatrial.fuzz._messages import Order
from seatrial.http import AddressPool, IdentityPool, SigningKey
from seatrial.record import Secrets, read_record

KEY = SigningKey.generate()
PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "authenticate.md").read_text(encoding="utf-8")
EXAMPLES: list[str] = re.findall(r"```toml\n(.+?)```", PAGE, re.DOTALL)
SECRET, OTHER = "s3cret-of-ann", "s3cret/of bob"
VALUES = {"ACME_KEY": SECRET, "GLOBEX_KEY": OTHER, "ACME_TOKEN": SECRET, "ANN_PASSWORD": SECRET}
PRINTER = 'printf "  once" >&2; echo "$ACME_TOKEN"\n'
SECURED = ("POST /items", "GET /items/{id}", "DELETE /items/{id}", "GET /bogus")
LOGIN: dict[str, Any] = {"scheme": "Bearer ", "accounts": {"ann": SECRET}}
DOORS: list[dict[str, Any]] = [
    {},
    {"name": "X-API-Key", "keys": {SECRET: "ann"}},
    {"place": "query", "name": "api_key", "keys": {SECRET: "ann"}},
    {"place": "cookie", "name": "session", "keys": {SECRET: "ann"}},
    {"scheme": "Basic ", "keys": {basic("ann", SECRET): "ann"}},
    {"scheme": "Bearer ", "keys": {SECRET: "ann"}},
    {"scheme": "Bearer ", "keys": {SECRET: "ann"}},
    {**LOGIN, "uses": 40},
    {**LOGIN, "expires_in": 1},
    {"name": "X-API-Key", "keys": {SECRET: "ann", OTHER: "bob"}},
]
"""Who lets in whom the example of the same number describes."""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Settings]:
    """Return what reads an example, with its variables set."""
    for name, value in VALUES.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "token.sh").write_text(PRINTER)

    def read(example: str) -> Settings:
        (tmp_path / "seatrial.toml").write_text(f"{example}\n[contract]\n[stack]\nready = '/openapi.json'\n")
        return load_settings(tmp_path / "seatrial.toml")

    return read


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return where somebody can sign in."""
    with contract_service(tmp_path_factory.mktemp("door"), KEY, door=DOORS[7]) as target:
        yield target.url


class Kept(EngineProcess):
    """Keep what the engine told."""

    def listen(self, order: Order, progress: Progress) -> Heard:
        """Hand the order over, and take in what comes."""
        self.heard = super().listen(order, progress)
        return self.heard


def fuzz(
    settings: Settings, target: Target, secrets: Secrets, only: tuple[str, ...] = SECURED, **more: Any
) -> Evidence:
    """Fuzz the service as the campaign would."""
    assert settings.contract
    people = declared_people(settings, secrets.register, url=target.url)
    pool = IdentityPool(
        settings.auth, key=KEY, run="r", seed=1, addresses=AddressPool("none", seed=1), named=settings.identities,
        people=people,
    )  # fmt: skip
    return run_contract(
        settings.contract.model_copy(update={"examples": {"quick": 1}}), target=target, identities=pool,
        environment={}, profile="quick", seed=1, run="authentication", progress=lambda _: None, only=only,
        people=people, **{"limits": [], "budget_s": 60.0, **more},
    )  # fmt: skip


def outcomes(evidence: Evidence) -> dict[str, Outcome]:
    """Return how each check ended, by the name after `contract.`."""
    return {result.check.partition(".")[2]: result.outcome for result in evidence.results}


def reasons(evidence: Evidence) -> str:
    """Return what every check says, for a failing assertion and for what none may hold."""
    return "\n".join(f"{each.check}: {each.outcome}: {each.reason}" for each in evidence.results)


@pytest.mark.parametrize("number", range(1, len(EXAMPLES)), ids=lambda number: f"example-{number}")
def test_each_example_is_let_in_and_nobody_else(
    number: int, settings: Callable[[str], Settings], tmp_path: Path
) -> None:
    """The users reach every operation; who has no key is refused, and who made one up is let in by a defect alone."""
    secrets, door, process = Secrets(), DOORS[number], Kept("authentication")
    with contract_service(tmp_path, KEY, "bogus", door=door) as target:
        evidence = fuzz(settings(EXAMPLES[number]), target, secrets, process=process)
    assert process.heard.learned or "uses" not in door, "a token that was refused is renewed"
    assert outcomes(evidence)["operations-reached"] is Outcome.PASSED, reasons(evidence)
    assert outcomes(evidence)["resource-lifecycle"] is Outcome.PASSED, reasons(evidence)
    (finding,) = [each for result in evidence.results for each in result.findings]
    assert (finding.operation, finding.cause) == ("GET /bogus", "open-to-impostor")
    assert finding.status is FindingStatus.CONFIRMED
    told = msgspec.json.encode(evidence).decode()
    assert told == secrets.redact(told), "nothing is left to be taken out"
    assert "seatrial-bogus" in told or "c2VhdHJpYWw" in told
    assert "X-Seatrial-Identity" not in told


def test_all_kinds_have_an_example() -> None:
    """No example is left out above, and the first is that of an API without authentication."""
    assert len(EXAMPLES) == len(DOORS)
    assert 'kind = "none"' in EXAMPLES[0]


def test_nobody_has_to_authenticate(settings: Callable[[str], Settings], tmp_path: Path) -> None:
    """Without authentication every request is nobody's, and nothing is said about credentials."""
    with contract_service(tmp_path, KEY) as target:
        evidence = fuzz(settings(EXAMPLES[0]), target, Secrets(), ("GET /health",))
    assert outcomes(evidence)["operations-reached"] is Outcome.PASSED, reasons(evidence)
    assert outcomes(evidence)["authentication-enforced"] is Outcome.NOT_APPLICABLE


def test_users_come_by_turns(settings: Callable[[str], Settings], tmp_path: Path) -> None:
    """Requests are spread over the users that are declared, whose limits they keep below."""
    read = settings(
        EXAMPLES[-1] + "\n[[limits]]\nquota = 20\nwindow_s = 1\npath = '/items'\nauthenticated_by = ['user']\n"
    )
    process = Kept("authentication")
    with contract_service(tmp_path, KEY, quota=20, window_s=1, door=DOORS[-1]) as target:
        evidence = fuzz(read, target, Secrets(), ("POST /items",), limits=read.limits, process=process)
    assert outcomes(evidence)["not-rate-limited"] is Outcome.PASSED, reasons(evidence)
    assert {sent.identity for sent in process.heard.sent} == {"ann", "bob"}
    assert process.heard.sent_again == 0


@pytest.mark.parametrize("defect", ["timed", "dated", ""])
def test_a_limit_that_nobody_declared_is_given_way_to(
    defect: str, settings: Callable[[str], Settings], tmp_path: Path
) -> None:
    """One user waits for as long as he is told, or longer each time; what was refused is told, and is no case."""
    with contract_service(tmp_path, KEY, *filter(None, [defect]), quota=20, window_s=1, door=DOORS[1]) as target:
        evidence = fuzz(settings(EXAMPLES[1]), target, Secrets(), ("POST /items",))
    assert outcomes(evidence)["not-rate-limited"] is Outcome.PASSED, reasons(evidence)
    assert outcomes(evidence)["operations-reached"] is Outcome.PASSED, reasons(evidence)
    assert [note for note in evidence.notes if re.match(r"\d+ requests that a limiter refused were waited for", note)]


def test_what_is_refused_after_all_is_inconclusive(settings: Callable[[str], Settings], tmp_path: Path) -> None:
    """An operation that is over its limit for good is not waited for again and again, and passes nothing.

    Eight seconds are waited; the rest of the time is for a busy machine.
    """
    with contract_service(tmp_path, KEY, "limited", "timed", window_s=1, door=DOORS[1]) as target:
        evidence = fuzz(settings(EXAMPLES[1]), target, Secrets(), ("GET /limited",), budget_s=30.0)
    assert outcomes(evidence)["not-rate-limited"] is Outcome.INCONCLUSIVE, reasons(evidence)
    assert "more than 10 % of: GET /limited (100 %)" in reasons(evidence)


def test_a_token_that_nothing_renews_leaves_the_rest_open(settings: Callable[[str], Settings], tmp_path: Path) -> None:
    """Where a login is refused after a while, nothing that was not found by then is passed, and it says why."""
    read = settings(EXAMPLES[7])
    with contract_service(tmp_path, KEY, door={**LOGIN, "uses": 20, "logins": 1}) as target:
        evidence = fuzz(read, target, Secrets())
    assert "the token of 'user' ended, and the login of 'user' was answered with 401 [auth-login-refused]" in reasons(
        evidence
    )
    assert Outcome.PASSED not in outcomes(evidence).values()


Case = tuple[str, str, str, int]


def changed(number: int, old: str, new: str) -> str:
    """Return an example with something else in it."""
    assert old in EXAMPLES[number]
    return EXAMPLES[number].replace(old, new)


BAD: dict[str, Case] = {  # what is wrong: the example, what is said of it, with which slug and exit code
    "unset": (changed(1, "ACME_KEY", "NO_SUCH_KEY"), "NO_SUCH_KEY is not set", "auth-variable-unset", 2),
    "no variable": (changed(1, "variable", "# variable"), "which holds the API key?", "auth-incomplete", 2),
    "no password": (changed(4, "password", "# password"), "no user and password_variable", "auth-incomplete", 2),
    "no source": (changed(5, "variable", "# variable"), "[auth] has no token", "auth-incomplete", 2),
    "two sources": (changed(6, "kind", 'variable = "ACME_TOKEN"\nkind'), "than one source", "auth-incomplete", 2),
    "another kind's": (changed(4, "kind", 'place = "query"\nkind'), "place means nothing", "auth-incomplete", 2),
    "one for all": (changed(9, "kind", 'variable = "ACME_KEY"\nkind'), "beside [[identities]]", "auth-incomplete", 2),
    "no user": (changed(7, "user =", "# user ="), "[auth] has no user to sign in with", "auth-incomplete", 2),
    "no word": (changed(7, "password_v", "# password_v"), "no password_variable to sign", "auth-incomplete", 2),
    "jwt without a key": ("[auth]\n", "public_key_variable is missing", "auth-incomplete", 2),
    "no program": (changed(6, '"sh"', '"no-such-program"'), "cannot be run", "auth-command-failed", 3),
    "it fails": (changed(6, "token.sh", "none.sh"), "ended with ", "auth-command-failed", 3),
    "it is silent": (changed(6, '"sh", "token.sh", "ann"', '"true"'), "printed nothing", "auth-command-failed", 3),
    "it chats": (changed(6, '"sh", "token.sh"', '"echo", "a token:"'), "than one word", "auth-command-failed", 3),
    "refused": (changed(7, '"ann"', '"eve"'), "was answered with 401", "auth-login-refused", 3),
    "unanswered": (changed(7, '"/login"', '"http://127.0.0.1:9/"'), "got no answer", "auth-login-unanswered", 3),
    "no token": (changed(7, "url", 'token_field = "jwt"\nurl'), "without 'jwt'", "auth-login-without-token", 3),
}


@pytest.mark.parametrize("case", BAD.values(), ids=BAD.keys())
def test_what_cannot_authenticate_anybody_is_said_before_anything_is_sent(
    case: Case, settings: Callable[[str], Settings], door: str
) -> None:
    """What is missing, in which variable, command or login, without a word of what they hold."""
    example, says, slug, code = case
    with pytest.raises(SeatrialError) as caught:
        declared_people(settings(example), lambda _name, _value: None, url=door)
    assert (caught.value.slug, caught.value.exit_code) == (slug, code), str(caught.value)
    assert says in str(caught.value)
    assert SECRET not in str(caught.value)


def test_no_key_is_in_anything_that_a_run_leaves(
    settings: Callable[[str], Settings],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A whole run with a key in the query writes it nowhere; its finding is replayed, and printed for a shell."""
    settings(EXAMPLES[2])
    product = [sys.executable, "-m", "seatrial"]
    with contract_service(tmp_path, KEY, "schema", door=DOORS[2]) as target:
        words = ["contract", target.url, "--only", "POST /items", "--only", "GET /items/{id}", "--out", "out"]
        done = subprocess.run(
            [*product, *words], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 1, done.stdout + done.stderr
        files = {path: path.read_text("utf-8", "replace") for path in (tmp_path / "out").rglob("*") if path.is_file()}
        assert [path for path, text in files.items() if SECRET in text] == []
        assert SECRET not in done.stdout + done.stderr
        verdict = json.loads((tmp_path / "out" / "verdict.json").read_text())
        (finding,) = verdict["findings"]
        assert "api_key=$SEATRIAL_TOKEN_ORG_A" in finding["replay"]
        monkeypatch.chdir(tmp_path)
        replayed = ["replay", finding["fingerprint"], "--run", "out", "--stack", target.url]
        assert run_command_line(replayed) == 1, str(capsys.readouterr())
        assert run_command_line([*replayed, "--curl"]) == 0
        lines = capsys.readouterr().out.split("undecided")[-1]
        shell = subprocess.run(
            ["sh", "-c", lines[lines.index("SEATRIAL_TOKEN") :]], capture_output=True, text=True, check=False
        )
    assert '"name": 7' in shell.stdout


def test_suites_verify_what_needs_no_other_users(settings: Callable[[str], Settings], tmp_path: Path) -> None:
    """A declared user is let in and nobody else is; what takes tokens of our own making is not tested, and says why."""
    settings(EXAMPLES[1].replace("kind", 'protected = "/media"\nkind'))
    with contract_service(tmp_path, KEY, door=DOORS[1]) as target:
        words = [sys.executable, "-m", "seatrial", "run", "--stack", target.url, "--only", "security", "--out", "out"]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    results = read_record(tmp_path / "out").results
    assert results["security.valid-accepted"].outcome is Outcome.PASSED
    assert results["security.token-required"].outcome is Outcome.PASSED
    forged = results["security.expired-refused"]
    assert forged.outcome is Outcome.NOT_TESTED
    assert forged.reason == "no user can be made: [auth] kind = 'api-key' knows those alone that are declared"
