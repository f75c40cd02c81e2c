"""What the instrument of load is told of the stack that it loads."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from seatrial.campaign._instruments import run_load
from seatrial.config import LimitSettings, ScenarioSettings
from seatrial.core import Evidence
from seatrial.http import AddressPool, IdentityPool, SigningKey


def test_load_goes_by_the_quota_that_the_stack_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a limit is lifted because nothing proves it, users are counted, and judged, by the lifted one."""
    told: dict[str, Any] = {}

    def note(_name: str, _scenario: ScenarioSettings, **given: object) -> Evidence:
        told.update(given)
        return Evidence()

    monkeypatch.setattr("seatrial.swarm.run_scenario", note, raising=False)
    settings = SimpleNamespace(
        load={"s": ScenarioSettings(rate_per_s=1.0, duration_s={"quick": 1.0}, paths=("/a",))},
        limits=(LimitSettings(quota=5, window_s=1.0, path="/a", quota_variable="Q", quota_elsewhere=1000),),
        root=Path(), jobs=None, metrics=None, tracing=None,
    )  # fmt: skip
    pool = IdentityPool(None, key=SigningKey.generate(), run="r", seed=1, addresses=AddressPool("none", seed=1))
    run: Any = SimpleNamespace(
        settings=settings, identities=pool, seed=1, id="r", work=Path(),
        options=SimpleNamespace(profile="quick", workers=None, ui=False),
        repeat_only=lambda *_suites: "", directory=Path(), environment={"Q": "5"}, progress=lambda _stage: None,
        variables=lambda variant: {"Q": "1000"} if variant == "clean" else {},
    )  # fmt: skip
    stack: Any = SimpleNamespace(
        url=lambda: "http://127.0.0.1:1", variant="clean", by_address=False, driver="remote", abilities=frozenset()
    )
    ahead: Any = SimpleNamespace(scenario=lambda _name: None)
    run_load(run, stack, ahead)
    assert told["environment"] == {"Q": "1000"}
