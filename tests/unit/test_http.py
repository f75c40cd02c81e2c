"""Identities, addresses, forged tokens, and what of a request is written down."""

import http.server
import ipaddress
from collections.abc import Iterator
from pathlib import Path

import httpx
import jwt
import pytest
from servers import in_thread

from seatrial.config import AuthSettings, IdentitySettings
from seatrial.core import Identity, Target, UsageError
from seatrial.http import FORGERIES, AddressPool, IdentityPool, SigningKey, bad_tokens, curl_for, open_client
from seatrial.record import Recorder, read_record

AUTH = AuthSettings(
    public_key_variable="KEY",
    issuer="https://issuer.example",
    audience="service",
    claims={"sub": "{user}", "org_id": "{organisation}"},
)


@pytest.fixture(scope="module")
def pool() -> IdentityPool:
    """Return a pool with a key of its own."""
    return IdentityPool(AUTH, key=SigningKey.generate(), run="r", seed=1, addresses=AddressPool("loopback", seed=1))


def decode(pool: IdentityPool, token: str) -> dict[str, str]:
    """Verify a token as a careful service would."""
    claims: dict[str, str] = jwt.decode(
        token,
        pool.key.public_pem,
        algorithms=["RS256"],
        issuer=AUTH.issuer,
        audience=AUTH.audience,
        options={"require": ["exp", "sub", "org_id"]},
    )
    return claims


def test_leases_are_fresh_and_valid(pool: IdentityPool) -> None:
    """Each lease gives users that no other has, of one organisation, whose tokens verify."""
    first, second = pool.lease(2), pool.lease(2)
    assert len({identity.user for identity in (*first, *second)}) == 4
    assert first[0].organisation == first[1].organisation != second[0].organisation
    claims = decode(pool, first[0].headers["Authorization"].removeprefix("Bearer "))
    assert (claims["sub"], claims["org_id"]) == (first[0].user, first[0].organisation)


def test_known_identities_come_back(pool: IdentityPool) -> None:
    """A lease that need not be fresh returns who was minted for that organisation before."""
    (known,) = pool.lease(1, organisation="o")
    assert pool.lease(1, organisation="o", fresh=False)[0] is known


def test_named_users_are_the_same_in_every_worker(pool: IdentityPool) -> None:
    """A declared user is one user for all workers of a run, while what they lease never is; runs share nobody."""
    declared = (
        IdentitySettings(name="alice", organisation="acme"),
        IdentitySettings(name="eve", organisation="", auth="none"),
    )

    def worker(name: str, run: str = "r") -> IdentityPool:
        addresses = AddressPool("loopback", seed=1)
        return IdentityPool(AUTH, key=pool.key, run=run, seed=1, addresses=addresses, named=declared, worker=name)

    first, second = worker("gw0"), worker("gw1")
    assert (first.named("alice").user, first.named("alice").name) == (second.named("alice").user, "alice")
    assert first.named("alice") is first.named("alice")
    assert first.named("alice").organisation == second.named("alice").organisation
    assert first.lease(1)[0].user != second.lease(1)[0].user
    assert first.named("alice").user != worker("gw0", run="another").named("alice").user
    assert (first.named("eve").headers, first.named("eve").address[:4]) == ({}, "127.")
    with pytest.raises(UsageError, match="identity-unknown"):
        first.named("bob")


@pytest.mark.parametrize("kind", sorted(FORGERIES))
def test_forged_tokens_do_not_verify(pool: IdentityPool, kind: str) -> None:
    """A careful service refuses every forgery."""
    with pytest.raises((jwt.InvalidTokenError, TypeError)):
        decode(pool, bad_tokens(pool, kinds=(kind,))[kind])


def test_addresses_are_distinct_loopback() -> None:
    """A thousand leased addresses are a thousand different ones, all loopback, none in 127.0.0.0/24."""
    leased = AddressPool("loopback", seed=3).lease(1000)
    assert len(set(leased)) == 1000
    assert all(ipaddress.ip_address(address).is_loopback for address in leased)
    assert not any(address.startswith("127.0.0.") for address in leased)
    assert AddressPool("none", seed=3).lease(5) == []


def test_addresses_come_from_the_network_that_is_named() -> None:
    """A small network runs out, and then there are none: an address is never handed out twice."""
    pool = AddressPool("loopback", seed=3, network="127.20.0.0/28")
    leased = pool.lease(10)
    assert len(set(leased)) == 10
    assert all(ipaddress.ip_address(address) in ipaddress.ip_network("127.20.0.0/28") for address in leased)
    assert pool.lease(10) == []
    assert len(AddressPool("loopback", seed=3, network="127.20.0.7/32").lease(1)) <= 1


def test_key_survives_a_file_that_others_cannot_read(tmp_path: Path) -> None:
    """A saved key loads as the same key, from a file of mode 0600."""
    key = SigningKey.generate()
    key.save(tmp_path / "key.pem")
    assert SigningKey.load(tmp_path / "key.pem") == key
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600
    assert "PRIVATE" not in repr(key)


def test_no_key_is_a_usage_error(tmp_path: Path) -> None:
    """A file that holds no key is named in the message."""
    (tmp_path / "key.pem").write_text("no key")
    with pytest.raises(UsageError) as caught:
        SigningKey.load(tmp_path / "key.pem")
    assert caught.value.where == str(tmp_path / "key.pem")


class Echo(http.server.BaseHTTPRequestHandler):
    """Answer with the client's address and token."""

    def do_GET(self) -> None:
        """Answer one request."""
        body = f"{self.client_address[0]} {self.headers['Authorization']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def server() -> Iterator[str]:
    """Serve on a free port."""
    with in_thread(Echo) as url:
        yield url


def test_exchanges_are_written_without_tokens(pool: IdentityPool, server: str, tmp_path: Path) -> None:
    """A recorded exchange says as whom, but its token stands neither in the request nor in an answer that echoes it."""
    (identity,) = pool.lease(1)
    with Recorder(tmp_path) as recorder, open_client(Target(url=server), identity=identity, sink=recorder) as client:
        answer = client.get("/a?b=c")
    token = identity.headers["Authorization"].removeprefix("Bearer ")
    assert token in answer.text
    assert token not in (tmp_path / "events.ndjson").read_text()
    exchange = read_record(tmp_path).exchanges[answer.extensions["seatrial.exchange"]]
    assert (exchange.identity, exchange.operation) == (identity.name, "GET /a")
    assert curl_for(exchange) == f"curl -i -X GET -H \"authorization: Bearer $TOKEN\" '{server}/a?b=c'"


@pytest.mark.parametrize(
    ("identity", "line"),
    [
        (Identity(name="ann", query={"k": "s3cret/of ann"}), '"{server}/a?b=c&k=$TOKEN"'),
        (Identity(name="ann", headers={"Authorization": "Basic s3cret-of-ann"}), '"authorization: Basic $TOKEN"'),
        (Identity(name="ann", headers={"Cookie": "k=s3cret-of-ann"}), '"cookie: k=$TOKEN"'),
        (Identity(name="ann", headers={"X-Key": "s3cret-of-ann"}), '"x-key: $TOKEN"'),
    ],
)
def test_exchanges_are_written_without_keys(identity: Identity, line: str, server: str, tmp_path: Path) -> None:
    """A key that is in the query, in a cookie or in any header is in the request, and not in what is written."""
    with Recorder(tmp_path) as recorder, open_client(Target(url=server), identity=identity, sink=recorder) as client:
        answer = client.get("/a?b=c")
    assert identity.secret in {*answer.request.url.params.values(), *map(word, answer.request.headers.values())}
    assert "s3cret" not in (tmp_path / "events.ndjson").read_text().replace(answer.text, "")
    exchange = read_record(tmp_path).exchanges[answer.extensions["seatrial.exchange"]]
    assert line.replace("{server}", server) in curl_for(exchange)


def word(value: str) -> str:
    """Return what stands last in a header."""
    return value.replace("=", " ").split(" ")[-1]


def test_anonymous_clients_come_from_their_address(pool: IdentityPool, server: str) -> None:
    """An anonymous identity's request reaches the server from its own address."""
    (identity,) = pool.lease_anonymous(1)
    with open_client(Target(url=server), identity=identity) as client:
        assert client.get("/").text == f"{identity.address} None"


def test_clients_of_an_address_send_to_where_it_is_seen(pool: IdentityPool, server: str) -> None:
    """Who has no address of his own does not come by that way."""
    target = Target(url="http://127.0.0.1:9", by_address=server)
    with open_client(target, identity=pool.lease_anonymous(1)[0]) as client:
        assert client.get("/").text.startswith("127.")
    with open_client(target, identity=pool.lease(1)[0]) as client, pytest.raises(httpx.ConnectError):
        client.get("/")


def test_no_address_where_clients_look_alike(pool: IdentityPool) -> None:
    """Once a stack turns out not to tell clients apart, nobody gets an address any more, and it is known why."""
    own = IdentityPool(AUTH, key=pool.key, run="r", seed=1, addresses=AddressPool("loopback", seed=1))
    assert (own.alike, len(own.lease_anonymous(2))) == ("", 2)
    own.forgo_addresses("there is no relay")
    assert (own.alike, own.lease_anonymous(2)) == ("there is no relay", [])


def test_no_answer_is_written_too(tmp_path: Path) -> None:
    """A refused connection is an exchange without a response."""
    target = Target(url="http://127.0.0.1:9")
    with (
        Recorder(tmp_path) as recorder,
        open_client(target, sink=recorder) as client,
        pytest.raises(httpx.ConnectError),
    ):
        client.get("/")
    (exchange,) = read_record(tmp_path).exchanges.values()
    assert exchange.response is None
    assert "ConnectError" in exchange.error


def test_cookies_and_own_headers_are_no_open_secret(tmp_path: Path) -> None:
    """A cookie that the service sets and a header of another kind of credentials are written without their values."""
    identity = Identity(name="key-holder", headers={"X-Api-Key": "k3y-k3y-k3y"})
    transport = httpx.MockTransport(lambda _: httpx.Response(200, headers={"Set-Cookie": "s=c00k13; HttpOnly; Secure"}))
    with (
        Recorder(tmp_path) as recorder,
        open_client(Target(url="http://h"), identity=identity, sink=recorder) as client,
    ):
        client._transport = transport  # noqa: SLF001 - httpx takes no transport after the fact
        client.get("/")
    text = (tmp_path / "events.ndjson").read_text()
    assert "c00k13" not in text
    assert "k3y-k3y-k3y" not in text
    assert "s={{secret:key-holder}}; HttpOnly; Secure" in text


def test_streams_are_left_to_the_caller(server: str, tmp_path: Path) -> None:
    """An answer that the caller reads piece by piece is recorded without its body, and stays readable."""
    with (
        Recorder(tmp_path) as recorder,
        open_client(Target(url=server), sink=recorder) as client,
        client.stream("GET", "/") as answer,
    ):
        assert answer.read().startswith(b"127.0.0.1")
    (exchange,) = read_record(tmp_path).exchanges.values()
    assert exchange.response is not None
    assert exchange.response.body == "(streamed)"


class Long(http.server.BaseHTTPRequestHandler):
    """Answer with as many characters as the path says."""

    def do_GET(self) -> None:
        """Answer one request."""
        body = b"x" * int(self.path[1:])
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.mark.parametrize(("size", "kept"), [(100, 0), (100_000, 100_000), (2_000_000, 2**20 - 8192)])
def test_long_answers_are_no_lost_evidence(tmp_path: Path, size: int, kept: int) -> None:
    """Of an answer that is too long for an event a file holds all, or of a very long one what is bounded and said."""
    with in_thread(Long) as url, Recorder(tmp_path) as recorder, open_client(Target(url=url), sink=recorder) as client:
        answer = client.get(f"/{size}")
    assert len(answer.text) == size
    (exchange,) = read_record(tmp_path).exchanges.values()
    assert exchange.response is not None
    assert exchange.response.size == (size if kept else 0)
    assert ((tmp_path / exchange.response.blob).stat().st_size if kept else 0) == kept
