"""The generated override: what it adds to services, and what it must not hide."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from seatrial.config import load_settings
from seatrial.stack import ServiceAddition, StackPlan, handed_over, image_name
from seatrial.stack._compose_mounts import project_files
from seatrial.stack._compose_override import write_override
from seatrial.stack._passage import FAR_PORT

ROOT = Path(__file__).parents[2]
MODEL = {
    "services": {
        "api": {"build": ".", "environment": {"JWT_ISSUER": "theirs"}, "ports": [{"target": 8000, "published": "80"}]},
        "db": {
            "image": "postgres:17",
            "environment": {"POSTGRES_PASSWORD": "x"},
            "healthcheck": {"test": ["CMD", "a"]},
        },
    }
}


class _Loader(yaml.SafeLoader):
    """Reads compose's own tags as the values that they carry."""


def _sequence(loader: yaml.SafeLoader, node: yaml.SequenceNode) -> list[Any]:
    return list(loader.construct_sequence(node))


_Loader.add_constructor("!override", _sequence)
_Loader.add_constructor("!reset", lambda _loader, _node: None)


def plan_in(folder: Path, **facts: Any) -> StackPlan:
    """Return the plan of a quick run of the reference stack's settings."""
    settings = load_settings(ROOT / "seatrial.toml")
    places: dict[str, Any] = {"work": folder, "logs": folder, "root": ROOT}
    return StackPlan(settings=settings, profile="quick", variant="clean", run="r1", **places, **facts)


@pytest.fixture
def services(tmp_path: Path) -> Any:
    """Return the services of the override for a quick run of the reference stack's settings."""
    environment = {"JWT_ISSUER": "ours", "JWT_AUDIENCE": "ours", "POSTGRES_PASSWORD": "secret"}
    plan = plan_in(tmp_path, environment=environment, service_environment={"api": {"OF_THE_FAULT": "1"}})
    write_override(plan, MODEL, tmp_path / "override.yml")
    return yaml.load((tmp_path / "override.yml").read_text(), Loader=_Loader)["services"]  # noqa: S506 - a safe loader


def test_a_variable_that_the_file_forgets_stays_forgotten(services: Any) -> None:
    """Only what the compose file hands over gets the run's value, besides knobs of the profile and of the fault."""
    knobs = load_settings(ROOT / "seatrial.toml").stack.profile["quick"].environment
    assert services["api"]["environment"] == {"JWT_ISSUER": "ours", "OF_THE_FAULT": "1", **knobs}
    assert "environment" not in services["db"]


def test_ports_are_random_and_on_loopback(services: Any) -> None:
    """What the file publishes, on every interface at a fixed port, is published on loopback at a random one."""
    assert services["api"]["ports"] == ["127.0.0.1::8000"]
    assert "ports" not in services["db"]


def test_ports_are_where_an_engine_elsewhere_is_reached(tmp_path: Path) -> None:
    """On that address, and on no other of its machine."""
    write_override(plan_in(tmp_path, addresses=True, address="192.0.2.7"), MODEL, tmp_path / "override.yml")
    found = yaml.load((tmp_path / "override.yml").read_text(), Loader=_Loader)["services"]  # noqa: S506 - a safe loader
    assert found["api"]["ports"] == ["192.0.2.7::8000", f"192.0.2.7::{FAR_PORT}"]


def test_the_relay_is_published_where_addresses_are_wanted(tmp_path: Path) -> None:
    """At the entry alone, and beside what it publishes anyway."""
    write_override(plan_in(tmp_path, addresses=True), MODEL, tmp_path / "override.yml")
    found = yaml.load((tmp_path / "override.yml").read_text(), Loader=_Loader)["services"]  # noqa: S506 - a safe loader
    assert found["api"]["ports"] == ["127.0.0.1::8000", f"127.0.0.1::{FAR_PORT}"]
    assert "ports" not in found["db"]


def test_health_checks_come_sooner_and_nowhere_else(services: Any) -> None:
    """A check that is there gets a shorter interval; none is made up."""
    assert services["db"]["healthcheck"] == {"interval": "2s"}
    assert "healthcheck" not in services["api"]


def test_a_health_check_that_others_wait_for_comes_soonest(tmp_path: Path) -> None:
    """Only where a service starts once another one is healthy: whatever it waits for otherwise costs no more."""
    checked = {"image": "postgres:17", "healthcheck": {"test": ["CMD", "a"]}}
    conditions = {"db": "service_healthy", "queue": "service_started", "job": "service_completed_successfully"}
    needs = {name: {"condition": condition, "required": True} for name, condition in conditions.items()}
    model = {"services": {"api": {"build": ".", "depends_on": needs}, **dict.fromkeys(conditions, checked)}}
    write_override(plan_in(tmp_path), model, tmp_path / "override.yml")
    found = yaml.load((tmp_path / "override.yml").read_text(), Loader=_Loader)["services"]  # noqa: S506 - a safe loader
    assert {name: found[name]["healthcheck"]["interval"] for name in conditions} == {
        "db": "1s",
        "queue": "2s",
        "job": "2s",
    }


def test_a_local_process_gets_what_the_file_hands_to_its_service(tmp_path: Path) -> None:
    """Mapping, list and `env_file` all say what a service gets; a service that the file does not have gets all."""
    forms = {"a": {"environment": {"X": ""}}, "b": {"environment": ["Y=1", "X"]}, "c": {"env_file": [".env"]}}
    handed = handed_over({"services": {**forms, "d": None}})
    plan = plan_in(tmp_path, environment={"X": "1", "Y": "2", "Z": "3"}, handed=handed)
    assert {name: "".join(plan.environment_of(name)) for name in "abcde"} == {
        "a": "X",
        "b": "XY",
        "c": "XYZ",
        "d": "",
        "e": "XYZ",
    }


def images(folder: Path, model: dict[str, Any], **facts: Any) -> dict[str, Any]:
    """Return what the override says of each service's image and build, where it says something."""
    write_override(plan_in(folder, **facts), model, folder / "override.yml")
    found = yaml.load((folder / "override.yml").read_text(), Loader=_Loader)["services"]  # noqa: S506 - a safe loader
    return {name: {key: one[key] for key in ("image", "build") if key in one} for name, one in found.items()}


def test_an_image_stands_in_place_of_what_is_built(tmp_path: Path) -> None:
    """It is neither built nor called otherwise; other services stay as they are."""
    assert images(tmp_path, MODEL, images={"api": "shop:2"}) == {"api": {"image": "shop:2", "build": None}, "db": {}}


def test_a_tag_keeps_builds_of_two_runs_apart(tmp_path: Path) -> None:
    """What is built is called by it, whatever the file says, and so is it where another service uses it."""
    named = {"build": ".", "image": "shop"}
    model = {
        "services": {"api": named, "worker": {"image": "shop"}, "db": {"image": "postgres:17"}, "own": {"build": "."}}
    }
    found = {name: facts.get("image") for name, facts in images(tmp_path, model, tag="run-1").items()}
    name = image_name(ROOT, "api", "run-1")
    assert found == {"api": name, "worker": name, "db": None, "own": image_name(ROOT, "own", "run-1")}
    assert name.endswith("-api:run-1")
    plain = {name: facts.get("image") for name, facts in images(tmp_path, model).items()}
    assert plain == {"api": None, "worker": None, "db": None, "own": image_name(ROOT, "own")}


@pytest.mark.parametrize("volume", ["", "run-share"])
def test_the_share_is_a_folder_or_a_volume(tmp_path: Path, volume: str) -> None:
    """Services with an addition alone see it; a volume was made before, and is not compose's to make or to remove."""
    plan = plan_in(tmp_path, additions={"api": ServiceAddition()})
    write_override(plan, MODEL, tmp_path / "override.yml", volume=volume)
    found = yaml.load((tmp_path / "override.yml").read_text(), Loader=_Loader)  # noqa: S506 - a safe loader
    assert found["services"]["api"]["volumes"] == [f"{volume or plan.share}:/seatrial"]
    assert "volumes" not in found["services"]["db"]
    assert found.get("volumes", {}) == ({volume: {"name": volume, "external": True}} if volume else {})


def test_files_of_the_project_that_a_service_mounts(tmp_path: Path) -> None:
    """Bind mounts, secrets and configs; what is not there, or is the machine's, is no file of the project."""
    for name in ("settings", "token", "app.ini"):
        (tmp_path / name).touch()
    binds = [{"type": "bind", "source": str(tmp_path / name)} for name in ("settings", "none")]
    binds += [{"type": "bind", "source": "/etc"}, {"type": "volume", "source": "data"}, {"type": "tmpfs"}]
    model = {
        "services": {"api": {"volumes": binds, "secrets": [{"source": "s"}, {"source": "e"}], "configs": []}, "db": {}},
        "secrets": {"s": {"file": str(tmp_path / "token")}, "e": {"environment": "E"}},
        "configs": {"c": {"file": str(tmp_path / "app.ini")}},
    }
    assert list(project_files(model, "api", tmp_path)) == [tmp_path / "settings", tmp_path / "token"]
    assert list(project_files(model, "db", tmp_path)) == []
