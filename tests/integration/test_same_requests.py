"""The same seed sends the same requests to the reference stack, in every phase of the fuzzer."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import pytest
from placeholders import normal

from seatrial.campaign import Options, Run, Stacks, open_run
from seatrial.campaign._ahead import Ahead
from seatrial.campaign._instruments import fuzz_contract
from seatrial.config import load_settings
from seatrial.core import Outcome, Progress
from seatrial.fuzz import EngineProcess
from seatrial.fuzz._judge import Heard
from seatrial.fuzz._messages import Order
from seatrial.stack import Stack

ROOT = Path(__file__).parents[2]
FEW = {"quick": 2}
PLENTY = {"RATE_LIMIT_PER_MINUTE": "100000"}
"""A quota that nobody comes near, where the fuzzer takes care not to come near a smaller one: what refusals there are
would be those of the run before too.
"""


@pytest.fixture
def started(tmp_path: Path) -> Iterator[tuple[Run, Stack]]:
    """Start the reference stack from local processes, to be fuzzed with few examples as if its quota were smaller."""
    settings = load_settings(ROOT / "seatrial.toml")
    assert settings.contract
    contract = settings.contract.model_copy(update={"examples": FEW})
    stack = settings.stack.model_copy(update={"environment": {**settings.stack.environment, **PLENTY}})
    limits = tuple(
        limit.model_copy(update={"quota_variable": ""}) if limit.reach == "service" else limit
        for limit in settings.limits
    )
    settings = settings.model_copy(update={"contract": contract, "stack": stack, "limits": limits})
    run = open_run(settings, Options(stack="local", seed=7, out=str(tmp_path / "run")), suites=("contract",))
    stacks = Stacks(run, collector=None)
    try:
        yield run, stacks.get("clean")
    finally:
        stacks.stop_all()
        run.close()


def test_same_seed_sends_the_same_requests(started: tuple[Run, Stack], monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice, by other users: only what the service made up is another, and nothing was left out for lack of time."""
    heard: list[Heard] = []
    listen = EngineProcess.listen

    def keep(process: EngineProcess, order: Order, progress: Progress) -> Heard:
        heard.append(listen(process, order, progress))
        return heard[-1]

    monkeypatch.setattr(EngineProcess, "listen", keep)
    run, stack = started
    for _ in range(2):
        evidence = fuzz_contract(run, stack, Ahead(run))
        assert Outcome.FAILED not in {result.outcome for result in evidence.results}
    first, second = (normal(each.sent) for each in heard)
    assert not [pair for pair in zip_longest(first, second) if pair[0] != pair[1]][:3]
    assert [each.stopped for each in heard] == ["", ""]
    assert {phase for phase, count in heard[0].phases.items() if count} >= {"coverage", "fuzzing", "stateful"}
    assert heard[0].phases == heard[1].phases
    assert len({sent.identity for sent in heard[0].sent if sent.identity}) > 1
    assert any(sent.displaced for sent in heard[0].sent), "nobody came near the quota"
