"""What is asked while a dependency hangs comes from what is declared, and an answer is judged by it."""

from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType

import httpx
import pytest

from seatrial.config import HealthSettings, LimitSettings
from seatrial.core import content
from seatrial.disrupt import Ask
from seatrial.disrupt._users import batches, further
from seatrial.http import loopback_networks
from seatrial.plugin._checks import MARK


@pytest.fixture(scope="module")
def late(pytestconfig: pytest.Config) -> ModuleType:
    """Return the suite's module, which is loaded by its path, as pytest does."""
    pytestconfig.addinivalue_line("markers", f"{MARK}: a check, as the plugin says")
    found = spec_from_file_location("health_suite", content("suites") / "test_health_late_requests.py")
    assert found
    assert found.loader
    module = module_from_spec(found)
    found.loader.exec_module(module)
    return module


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
