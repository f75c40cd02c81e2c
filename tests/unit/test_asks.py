"""What is asked while a dependency hangs comes from what is declared, and an answer is judged by it."""

import itertools
from collections.abc import Sequence
from types import ModuleType

import httpx
import pytest
from by_path import load_suite

from seatrial.config import HealthSettings, LimitSettings, SecuritySettings
from seatrial.core import ALIKE
from seatrial.disrupt import Ask, HealthSeen, Outage, Seen
from seatrial.disrupt._looks import IN_A_ROW, see_recovery
from seatrial.disrupt._users import batches, further
from seatrial.http import IdentityPool, SigningKey, loopback_networks
from seatrial.http._addresses import AddressPool
from seatrial.plugin import shut_out


@pytest.fixture(scope="module")
def late(pytestconfig: pytest.Config) -> ModuleType:
    """Return the suite's module, which is loaded by its path, as pytest does."""
    return load_suite(pytestconfig, "health_late_requests")


@pytest.mark.parametrize(
    ("statuses", "status", "served"), [((), 204, True), ((), 409, False), ((201, 409), 409, True), ((409,), 200, False)]
)
def test_a_good_answer_is_the_one_that_was_named(statuses: tuple[int, ...], status: int, served: bool) -> None:
    """Any of 2xx, unless the project says which statuses its working service gives."""
    assert Ask("GET", "/", statuses=statuses).served(httpx.Response(status)) is served


def test_a_batch_of_one_item_is_asked_for() -> None:
    """Where a limit declares that some path takes batches, and nowhere else."""
    limit = LimitSettings(quota=1, window_s=1, path="/a", batch_path="/b", batch_field="of", batch_item={"x": "y"})
    assert batches([limit, LimitSettings(quota=1, window_s=1, path="/a")]) == [Ask("POST", "/b", {"of": [{"x": "y"}]})]


def test_what_a_project_names_is_asked_for() -> None:
    """In its order, without a body where none is declared."""
    named = ({"path": "/a"}, {"method": "POST", "path": "/b", "body": {"x": "y"}, "statuses": (409,)})
    assert further(HealthSettings.model_validate({"asks": named})) == [
        Ask("GET", "/a"),
        Ask("POST", "/b", {"x": "y"}, statuses=(409,)),
    ]


@pytest.mark.parametrize(
    ("path", "found"),
    [("/a/batch", "itself"), ("/a/one", "template"), ("/a/{id}", "template"), ("/a/one/two", ""), ("/b/one", "")],
)
def test_a_path_is_documented_by_itself_or_its_template(late: ModuleType, path: str, found: str) -> None:
    """A path that stands in the document counts before a template that it fits, too."""
    paths = {"/a/{id}": {"get": "template"}, "/a/batch": {"get": "itself"}}
    assert late.item_of(path, paths).get("get", "") == found


def test_clients_of_this_machine_send_from_loopback_alone() -> None:
    """Other networks, and IPv6, may be let in and cannot be sent from."""
    declared = ("2001:db8::/48", "10.0.0.0/8", "127.88.8.0/24", "127.77.0.1")
    assert list(map(str, loopback_networks(declared))) == ["127.88.8.0/24", "127.77.0.1/32"]


@pytest.mark.parametrize("administrative", [False, True])
def test_what_administrators_saw_is_judged_apart(late: ModuleType, administrative: bool) -> None:
    """One check is about users, the other about administrators, and neither about both."""
    asks = {False: Ask("GET", "/work"), True: Ask("GET", "/admin", administrative=True)}
    seen = tuple(Seen(ask, None, 9.0) for ask in asks.values())
    health = HealthSeen(liveness=None, readiness=(), detailed=None)
    outages = {"db": Outage(health=health, seen=seen, broken=tuple(asks.values()), unseen="why")}
    (found,) = late.of(outages, administrative=administrative).values()
    assert ([one.ask for one in found.seen], list(found.broken)) == ([asks[administrative]],) * 2
    assert (found.health, found.unseen) == (health, "why")


@pytest.mark.parametrize(
    ("kind", "declared", "reason"),
    [
        ("loopback", ("10.0.0.0/8", "127.77.0.1"), ""),
        ("loopback", ("10.0.0.0/8", "2001:db8::/48"), "no address of 127.0.0.0/8"),
        ("loopback", (), "no address of 127.0.0.0/8"),
        ("none", ("127.77.0.1",), ALIKE),
    ],
)
def test_who_cannot_be_an_administrator_is_told_why(kind: str, declared: tuple[str, ...], reason: str) -> None:
    """Clients without addresses of their own are none, nor are ones that no declared network lets in."""
    addresses = AddressPool("loopback" if kind == "loopback" else "none", seed=1)
    pool = IdentityPool(None, key=SigningKey.generate(), run="r", seed=1, addresses=addresses)
    security = SecuritySettings.model_validate({"admin_path": "/admin", "admin_from": declared})
    found = shut_out(security, pool)
    assert reason in found
    assert bool(reason) is bool(found)


@pytest.mark.parametrize(
    ("answers", "recovered"),
    [
        ([200], True),
        ([503, 200], False),
        ([503, *[200] * 6, 503, *[200] * (2 * IN_A_ROW)], True),
        ([503], False),
    ],
)
def test_a_service_is_ready_again_once_all_its_instances_are(answers: Sequence[int], recovered: bool) -> None:
    """One instance that is behind is heard in turn, until it has caught up; the list is repeated."""
    statuses = itertools.cycle(answers)
    transport = httpx.MockTransport(lambda _: httpx.Response(next(statuses)))
    health = HealthSettings.model_validate({"readiness": "/ready", "react_s": 0.5})
    with httpx.Client(transport=transport, base_url="http://service") as client:
        assert see_recovery(client, health) is recovered
