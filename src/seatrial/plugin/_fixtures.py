"""What suites ask for by name. Session-wide things belong to this process, the rest to one item."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from seatrial.campaign import Entered, allowance, filled_in
from seatrial.config import (
    AuthSettings,
    ContractSettings,
    CorsSettings,
    CoverageSettings,
    ErrorSettings,
    HealthSettings,
    JobSettings,
    LimitSettings,
    LogSettings,
    MetricsSettings,
    PostureSettings,
    SecuritySettings,
    Settings,
    TokenSettings,
    TracingSettings,
)
from seatrial.core import CheckResult, Identity, Outcome, Target
from seatrial.http import IdentityPool, SigningKey, open_client
from seatrial.plugin._allowance import Allowance
from seatrial.plugin._checks import check_of
from seatrial.plugin._defects import Defects
from seatrial.plugin._hooks import CONTEXT, DECIDED, DEFECTS, ENTERED, EXCHANGES
from seatrial.plugin._outcomes import Promise, adopt, not_applicable, not_tested
from seatrial.record import AnyEvent, ExchangeRecorded, Secrets, Sink
from seatrial.stack import Stack


class WatchedSink:
    """Hand events on, and remember the exchanges of one item."""

    def __init__(self, sink: Sink, exchanges: list[object]) -> None:
        self._sink = sink
        self._exchanges = exchanges
        self.secrets: Secrets = sink.secrets

    def emit(self, event: AnyEvent) -> None:
        """Hand an event on."""
        if isinstance(event, ExchangeRecorded):
            self._exchanges.append(event.exchange)
        self._sink.emit(event)

    def register_secret(self, name: str, value: str) -> None:
        """Hand a secret on."""
        self._sink.register_secret(name, value)


@pytest.fixture(scope="session")
def settings(pytestconfig: pytest.Config) -> Settings:
    """Return the project's settings."""
    return pytestconfig.stash[CONTEXT].settings


@pytest.fixture(scope="session")
def profile(pytestconfig: pytest.Config) -> str:
    """Return the profile that the stack runs with."""
    return pytestconfig.stash[CONTEXT].options.profile


@pytest.fixture(scope="session")
def disturbs(pytestconfig: pytest.Config) -> bool:
    """Return whether services may be stopped though that was not asked for: of a proof, `--deep` asks for it."""
    options = pytestconfig.stash[CONTEXT].options
    return options.disturbs or options.deep


@pytest.fixture(scope="session")
def identities(pytestconfig: pytest.Config) -> IdentityPool:
    """Return the users of this run; each lease gives ones that nobody used before."""
    return pytestconfig.stash[CONTEXT].identities


@pytest.fixture
def entered(request: pytest.FixtureRequest) -> Entered:
    """Return what the suite runs on."""
    entered = request.node.stash[ENTERED]
    request.config.stash[CONTEXT].identities.visit(entered.url)
    return entered  # type: ignore[no-any-return]  # a stash is typed by its key


@pytest.fixture
def stack(request: pytest.FixtureRequest, entered: Entered) -> Stack:
    """Return the stack, for its logs and control verbs; a check that uses one names it in `needs`."""
    return request.config.stash[CONTEXT].stack(entered)


@pytest.fixture
def defects(request: pytest.FixtureRequest) -> Defects:
    """Return where a check notes each defect that it sees."""
    return request.node.stash[DEFECTS]  # type: ignore[no-any-return]  # a stash is typed by its key


@pytest.fixture
def client_as(request: pytest.FixtureRequest, entered: Entered) -> Iterator[Callable[[Identity | None], httpx.Client]]:
    """Return a function that opens a recording client for an identity (None: nobody)."""
    clients: list[httpx.Client] = []
    sink = WatchedSink(request.config.stash[CONTEXT].sink, request.node.stash[EXCHANGES])

    def open_as(identity: Identity | None = None) -> httpx.Client:
        target = Target(url=entered.url, variant=entered.variant, by_address=entered.by_address)
        clients.append(open_client(target, identity=identity, sink=sink, suite=entered.suite))
        return clients[-1]

    yield open_as
    for client in clients:
        client.close()


@pytest.fixture
def bounded(
    request: pytest.FixtureRequest,
    settings: Settings,
    entered: Entered,
    client_as: Callable[[Identity | None], httpx.Client],
) -> Callable[[Identity | None], httpx.Client]:
    """Return `client_as` for a check of a rate limit: it sends no more than it has of the limit's budget."""
    most = allowance(settings, entered.variables, check_of(request.node).slug.partition(".")[2])
    spend = Allowance(most, request.node.stash[DEFECTS]).spend

    def open_as(identity: Identity | None = None) -> httpx.Client:
        client = client_as(identity)
        client.event_hooks = {"request": [spend]}
        return client

    return open_as


@pytest.fixture
def client(client_as: Callable[[Identity | None], httpx.Client]) -> httpx.Client:
    """Return a client that is nobody."""
    return client_as(None)


@pytest.fixture
def user(
    settings: Settings, entered: Entered, client_as: Callable[..., httpx.Client], identities: IdentityPool
) -> httpx.Client:
    """Return a client that is a user whom nobody saw before, or one that is declared where none can be made."""
    _declared(settings.auth, "auth")
    if entered.unsigned:
        not_tested(entered.unsigned)
    return client_as(identities.lease(1)[0])


class Instrument:
    """What the instrument of this item's suite decided about its check."""

    def __init__(self, entered: Entered, slug: str, stash: pytest.Stash) -> None:
        self._entered = entered
        self._slug = slug
        self._stash = stash

    def confirms(self) -> bool:
        """Return True for a pass; otherwise end the item as the instrument did."""
        missing = CheckResult(
            check=self._slug, outcome=Outcome.INCONCLUSIVE, reason="the instrument said nothing about this check"
        )
        result = self._entered.results.get(self._slug, missing)
        adopt(result)
        self._stash[DECIDED] = result  # a pass may carry what did not come again
        return True


@pytest.fixture
def instrument(request: pytest.FixtureRequest, entered: Entered) -> Instrument:
    """Return what the instrument decided about this check."""
    return Instrument(entered, check_of(request.node).slug, request.node.stash)


def _declared(promise: Promise | None, table: str) -> Promise:
    if promise is None:
        not_applicable(f"[{table}] is not declared in seatrial.toml")
    return promise


@pytest.fixture
def health(settings: Settings) -> HealthSettings:
    """Return the declared health endpoints."""
    return _declared(settings.health, "health")


@pytest.fixture
def tracing(settings: Settings) -> TracingSettings:
    """Return the declared trace header."""
    return _declared(settings.tracing, "tracing")


@pytest.fixture
def log_lines(settings: Settings) -> LogSettings:
    """Return the declared log format."""
    return _declared(settings.logs, "logs")


@pytest.fixture
def metrics(settings: Settings) -> MetricsSettings:
    """Return the declared metrics."""
    return _declared(settings.metrics, "metrics")


@pytest.fixture
def auth(settings: Settings, entered: Entered) -> AuthSettings:
    """Return how users authenticate; ends the item where they cannot be made."""
    declared = _declared(settings.auth, "auth")
    if entered.unminted:
        not_tested(entered.unminted)
    return declared


@pytest.fixture
def previous_key(auth: AuthSettings, entered: Entered) -> SigningKey:
    """Return the key before a rotation, whose public half the stack has."""
    if not auth.previous_public_key_variable:
        not_applicable("[auth] previous_public_key_variable is not declared")
    if not entered.previous_key:
        not_tested("this run did not start the stack, and has no key from before a rotation")
    return SigningKey(entered.previous_key)


@pytest.fixture
def tokens(settings: Settings) -> TokenSettings:
    """Return where the service hands out tokens."""
    return _declared(settings.tokens, "tokens")


@pytest.fixture
def credentials(tokens: TokenSettings, entered: Entered) -> dict[str, str]:
    """Return what somebody signs in with; ends the item where a value of it is not known."""
    filled = {name: filled_in(text, entered.variables) for name, text in tokens.credentials.items()}
    if not entered.variables:
        not_tested("this run did not start the stack, and does not know the credentials")
    return filled


@pytest.fixture
def cors(settings: Settings) -> CorsSettings:
    """Return which web pages may read answers."""
    return _declared(settings.cors, "cors")


@pytest.fixture
def security(settings: Settings) -> SecuritySettings:
    """Return what the edge of the service promises."""
    return _declared(settings.security, "security")


@pytest.fixture
def errors(settings: Settings) -> ErrorSettings:
    """Return the form of an error."""
    return _declared(settings.errors, "errors")


@pytest.fixture
def contract(settings: Settings) -> ContractSettings:
    """Return where the OpenAPI document is."""
    return _declared(settings.contract, "contract")


@pytest.fixture
def coverage(settings: Settings) -> CoverageSettings:
    """Return what is measured from inside."""
    return _declared(settings.coverage, "coverage")


@pytest.fixture
def limits(settings: Settings) -> tuple[LimitSettings, ...]:
    """Return the declared rate limits."""
    return _declared(settings.limits or None, "[limits]")


@pytest.fixture
def scenario(request: pytest.FixtureRequest) -> str:
    """Return the load scenario that this item is about."""
    if not request.param:
        not_applicable("[load] declares no scenario")
    return str(request.param)


@pytest.fixture
def posture(settings: Settings) -> PostureSettings:
    """Return what the files promise to an operator."""
    return _declared(settings.posture, "posture")


@pytest.fixture
def jobs(settings: Settings) -> JobSettings:
    """Return how work is submitted."""
    return _declared(settings.jobs, "jobs")


@pytest.fixture
def signing_key(identities: IdentityPool) -> SigningKey:
    """Return the key that signs this run's tokens."""
    return identities.key


@pytest.fixture
def tree(entered: Entered) -> Path:
    """Return the folder with the stack's files."""
    return Path(entered.tree)
