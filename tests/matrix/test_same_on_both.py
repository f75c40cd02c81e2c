"""The reference stack is the same platform in containers and as local processes: settings, routes and answers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from seatrial.campaign import Options, Stacks, open_run
from seatrial.config import load_settings
from seatrial.core import Identity
from seatrial.openapi import canonical
from seatrial.stack import Stack

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "contracts" / "openapi.json"
CONFIGURATION = (
    "import dataclasses, json; from app.config import read_config;"
    "print(json.dumps(dataclasses.asdict(read_config()), default=str))"
)
# From inside, where a client has the address that it chooses; published ports hide it.
ASKED_FROM = (
    "import http.client, sys; address, port, path, claimed = sys.argv[1:];"
    "asked = http.client.HTTPConnection('127.0.0.1', int(port), source_address=(address, 0));"
    "asked.request('GET', path, headers={'X-Forwarded-For': claimed});"
    "print(asked.getresponse().status)"
)
ROLE = """
import json, os, psycopg
with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
    role = "SELECT rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = current_user"
    tables = (
        "SELECT relname, pg_get_userbyid(relowner) = current_user, relrowsecurity, relforcerowsecurity FROM pg_class"
        " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version' ORDER BY 1"
    )
    found = {"role": connection.execute(role).fetchone(), "tables": connection.execute(tables).fetchall()}
    print(json.dumps(found))
"""
ABSENT = "00000000-0000-4000-8000-000000000000"
OF_THE_CONNECTION = {"date", "server", "connection", "content-length", "x-ratelimit-reset", "x-trace-id"}
OF_THE_RUN = {
    *("database_url", "redis_url", "jwt_public_keys", "jwt_private_key", "service_clients"),
    *("jwt_secret_key", "encryption_key"),
}
"""Where its servers are, and what was made for it alone."""

AT_ONCE = (
    "from app.worker import celery;"
    "print([pool['pool']['max-concurrency'] for pool in celery.control.inspect(timeout=5, limit=1).stats().values()])"
)


class Platform:
    """The reference stack on one driver, asked from outside."""

    def __init__(self, stack: Stack, user: Identity) -> None:
        self.stack = stack
        self.user = user

    def configuration(self, service: str) -> Mapping[str, Any]:
        """Return what the application in a service is set to, without what differs in every run."""
        done = self.stack.execute(service, ["python", "-c", CONFIGURATION])
        assert done.exit_code == 0, done.output
        found = json.loads(done.output.splitlines()[-1])
        assert found.keys() >= OF_THE_RUN
        return {name: value for name, value in found.items() if name not in OF_THE_RUN}

    def at_once(self) -> str:
        """Return how many jobs each worker works on at a time, as it says itself."""
        done = self.stack.execute("worker", ["python", "-c", AT_ONCE])
        assert done.exit_code == 0, done.output
        return done.output.splitlines()[-1]

    def document(self) -> Mapping[str, Any]:
        """Return the served OpenAPI document."""
        found: Mapping[str, Any] = httpx.get(f"{self.stack.url()}/openapi.json").raise_for_status().json()
        return found

    def status_from(self, address: str, claimed: str) -> int:
        """Return how administration answers somebody without a token at an address, who claims another."""
        port = "8000" if self.stack.driver == "compose" else str(urlsplit(self.stack.url()).port)
        words = [address, port, "/api/v1/admin/status", claimed]
        done = self.stack.execute("api", ["python", "-c", ASKED_FROM, *words])
        assert done.exit_code == 0, done.output
        return int(done.output.split()[-1])

    def answers(self) -> dict[str, Any]:
        """Return how every operation answers nobody, and a user whose request says nothing."""
        operations = [(method.upper(), path) for path, item in self.document()["paths"].items() for method in item]
        return {f"{method} {path}": self._answer(method, path) for method, path in operations}

    def _answer(self, method: str, path: str) -> list[Any]:
        where = path.partition("{")[0] + ABSENT if "{" in path else path
        with httpx.Client(base_url=self.stack.url()) as client:
            sent = [client.request(method, where, headers=headers) for headers in ({}, dict(self.user.headers or {}))]
        return [(answer.status_code, headers_of(answer), keys_of(answer)) for answer in sent]


def headers_of(answer: httpx.Response) -> dict[str, str]:
    """Return the headers that the application chose."""
    return {name: value for name, value in answer.headers.items() if name not in OF_THE_CONNECTION}


def keys_of(answer: httpx.Response) -> list[str]:
    """Return the keys of a JSON object, sorted."""
    if "json" not in answer.headers.get("content-type", ""):
        return []
    body = answer.json()
    return sorted(body) if isinstance(body, dict) else []


def start(driver: str, out: Path) -> Iterator[Platform]:
    """Start the reference stack, hand it out, and stop it."""
    run = open_run(load_settings(ROOT / "seatrial.toml"), Options(stack=driver, out=str(out), seed=1))
    stacks = Stacks(run, collector=None)
    try:
        yield Platform(stacks.get("clean"), run.identities.lease(1)[0])
    finally:
        stacks.stop_all()
        run.close()


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Start the stack as local processes."""
    yield from start("local", tmp_path_factory.mktemp("local"))


@pytest.fixture(scope="module")
def compose(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Start the stack in containers."""
    del engine
    yield from start("compose", tmp_path_factory.mktemp("compose"))


@pytest.mark.parametrize("service", ["api", "worker"])
def test_same_configuration(local: Platform, compose: Platform, service: str) -> None:
    """The application is set to the same on both, the run's own servers and secrets aside."""
    found = local.configuration(service)
    assert found.keys() >= {"rate_limit_token", "jwt_jwks_url", "anthropic_base_url", "openai_base_url"}
    assert found == compose.configuration(service)


def test_workers_do_as_much_at_once(local: Platform, compose: Platform) -> None:
    """One worker with two processes, which is what an operator gets who sets nothing."""
    assert [local.at_once(), compose.at_once()] == ["[2]", "[2]"]


def test_local_serves_what_is_published(local: Platform) -> None:
    """The document of local processes is the committed one; `make renew-contract` renews that."""
    assert canonical(local.document()) == PUBLISHED.read_text(encoding="utf-8")


def test_compose_serves_what_is_published(compose: Platform) -> None:
    """So is that of containers: both have the same routes."""
    assert canonical(compose.document()) == PUBLISHED.read_text(encoding="utf-8")


@pytest.mark.parametrize("service", ["api", "worker"])
@pytest.mark.parametrize("driver", ["local", "compose"])
def test_row_level_security_holds_for_the_role(request: pytest.FixtureRequest, driver: str, service: str) -> None:
    """Each service is the owner of its tables, neither a superuser nor exempt, and every table forces its policy."""
    done = request.getfixturevalue(driver).stack.execute(service, ["python", "-c", ROLE])
    assert done.exit_code == 0, done.output
    assert json.loads(done.output.splitlines()[-1]) == {
        "role": [False, False, False],
        "tables": [["analyses", True, True, True], ["organisations", True, True, True]],
    }


def test_both_tell_how_much_memory_a_service_holds(local: Platform, compose: Platform) -> None:
    """Some megabytes each: what a leak is told by."""
    for platform in (local, compose):
        held = {state.name: platform.stack.memory(state.name) for state in platform.stack.services()}
        assert all(2**20 < bytes_ < 2**30 for bytes_ in held.values()), held


def test_same_answers(local: Platform, compose: Platform) -> None:
    """Every operation answers the same on both: status, headers and the keys of the body."""
    found = local.answers()
    assert found
    assert found == compose.answers()


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("127.77.0.1", 401),
        ("127.88.8.0", 401),
        ("127.88.8.255", 401),
        ("127.77.0.2", 403),
        ("127.77.0.100", 403),
        ("127.88.80.1", 403),
        ("127.88.9.0", 403),
        ("127.0.0.1", 403),
    ],
)
def test_same_addresses_reach_administration(local: Platform, compose: Platform, address: str, status: int) -> None:
    """Both let the same addresses in (401 asks for a token) and refuse all others, whatever they claim."""
    claimed = "127.77.0.2" if status == 401 else "127.77.0.1"
    assert [platform.status_from(address, claimed) for platform in (local, compose)] == [status, status]
