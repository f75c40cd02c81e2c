"""Both sides of a comparison are sent the same, whatever a scenario makes its requests of."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from shop_service import ANSWERS, DOCUMENT, Shop, opened

from seatrial.campaign import ROLES, Role, Task
from seatrial.campaign._compare import SENT, TRAFFIC, read_sides
from seatrial.campaign._contest import Contest, Standing, stand
from seatrial.config import ScenarioSettings, Settings, StackSettings
from seatrial.core import EnvironmentFailure
from seatrial.swarm.traffic import Prepared

OF_THE_WHOLE = {
    "duration_s", "processes", "beyond_quota", "grace_s", "objectives", "operations", "search", "flood",
    "ramp", "steps", "spike", "recorded",
}  # fmt: skip
"""What a burst does not have of its scenario: it is short, and nothing must hold of it."""


def scenario(**sent: object) -> ScenarioSettings:
    """Return a scenario that sends so."""
    return ScenarioSettings.model_validate({"rate_per_s": 9, "duration_s": {"quick": 1.0}, **sent})


def task_of(sent: ScenarioSettings, base: str = "", candidate: str = "") -> Task:
    """Return a comparison of two URLs by a scenario."""
    return Task(
        base=base, candidate=candidate, stack="auto", name="mix", scenario=sent, burst_s=1.0, metric="p95", looks=(6,),
        seed=3,
    )  # fmt: skip


def test_a_burst_sends_what_its_scenario_sends() -> None:
    """Every key of a scenario is either one of a burst, or of the whole; those that say what is sent all are."""
    assert ScenarioSettings.model_fields.keys() == TRAFFIC | OF_THE_WHOLE
    for keys in (
        {"traffic": "contract", "only": ("GET /items",), "writes": True},
        {"har": "shop.har", "har_host": "shop.example", "assets": True},
        {"file": "load/shop.py", "user": "Buyer", "paths": ("/items",)},
    ):
        sent = scenario(**keys)
        assert task_of(sent).load.scenario.model_dump(include=set(SENT)) == sent.model_dump(include=set(SENT))


@contextmanager
def standing(folder: Path, sent: ScenarioSettings, base: Shop, candidate: Shop) -> Iterator[dict[Role, Standing]]:
    """Open both sides of a comparison of two shops that are there."""
    settings = Settings(root=folder, stack=StackSettings(ready="/items", start_timeout_s=10.0))
    task = task_of(sent, base.url, candidate.url)
    sides = read_sides(settings, task)
    with ExitStack() as after:
        stands = (stand(sides[role], task.load, directory=folder / role, tell=lambda _: None) for role in ROLES)
        yield dict(zip(ROLES, map(after.enter_context, stands), strict=True))


def sent_to(
    folder: Path, sent: ScenarioSettings, base: Shop, candidate: Shop
) -> tuple[tuple[Prepared, ...], tuple[Prepared, ...]]:
    """Return what two shops are sent."""
    with standing(folder, sent, base, candidate) as found:
        left_out = Contest(found, task_of(sent).load, folder / "bursts").agree()
        assert any("POST /items" in line for line in left_out) is bool(sent.traffic)
        ours, theirs = (each.run.traffic[each.url, "mix"].requests for each in found.values())
    return ours, theirs


def test_the_contract_of_the_base_is_sent_to_both(tmp_path: Path) -> None:
    """What the candidate's document has besides, or says otherwise, is not sent; its own objects are."""
    changed: Any = copy.deepcopy(DOCUMENT)
    changed["paths"]["/new"] = changed["paths"]["/start"]
    changed["paths"]["/items"]["get"]["parameters"][0]["schema"]["default"] = 500
    others = {"items": [{"id": key} for key in ("sofa-7", "rug-8", "bed-9")]}
    with opened() as base, opened() as candidate:
        candidate.answers = {**ANSWERS, "/openapi.json": changed, "/items": others}
        ours, theirs = sent_to(tmp_path, scenario(traffic="contract"), base, candidate)
    assert [one.operation for one in ours] == [one.operation for one in theirs]
    assert [one for one in ours if one.name != "/items/{itemId}"] != []
    assert {one.path for one in theirs if one.name == "/items"} == {"/items?limit=20"}
    assert {one.path for one in theirs if one.name == "/items/{itemId}"} == {
        "/items/sofa-7", "/items/rug-8", "/items/bed-9",
    }  # fmt: skip


@pytest.mark.parametrize("only", [(), ("GET /items/{itemId}",)], ids=["another-mix", "nothing"])
def test_another_mix_is_no_comparison(tmp_path: Path, only: tuple[str, ...]) -> None:
    """A candidate with fewer items would be sent other shares of operations: that is said, and nothing is compared."""
    with opened() as base, opened() as candidate:
        candidate.answers = {**ANSWERS, "/items": {"items": []}}
        with pytest.raises(EnvironmentFailure, match=r"GET /items/\{itemId\} \(\d+ and 0 requests\)") as caught:
            sent_to(tmp_path, scenario(traffic="contract", only=only), base, candidate)
    assert caught.value.slug == "load-traffic-differs"
    assert "candidate is not sent: " in caught.value.details


def test_a_recording_is_the_same_list_for_both(tmp_path: Path) -> None:
    """Named as the base's document does, whether the candidate has one or not."""
    entries = [
        {"request": {"method": "GET", "url": f"http://shop.example{path}", "headers": []}, "response": {"status": 200}}
        for path in ("/items/lamp-1", "/sizes/small")
    ]
    (tmp_path / "shop.har").write_text(json.dumps({"log": {"entries": entries}}))
    with opened() as base, opened() as candidate:
        candidate.answers = {path: answer for path, answer in ANSWERS.items() if path != "/openapi.json"}
        ours, theirs = sent_to(tmp_path, scenario(har="shop.har"), base, candidate)
    assert ours == theirs
    assert [one.operation for one in theirs] == ["GET /items/{itemId}", "GET /sizes/{size}"]
