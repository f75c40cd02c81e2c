"""Windows that are shifted for each key: wherever one ends meanwhile, a true limiter is not refuted, and others are."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest
import virtual
from algorithms import Server
from proving import People, limit

from seatrial.core import Identity, Target
from seatrial.throttle import Answer, Instant, Policy, Schedule, Wire, deep_schedule, plan_deep, plan_proof, schedule
from seatrial.throttle import _scene as scenes
from seatrial.throttle._clients import UsedUp
from seatrial.throttle._first import Ramp
from seatrial.throttle._headers import Truth
from seatrial.throttle._keys import _drained, looked_s
from seatrial.throttle._kinds import Kinds
from seatrial.throttle._ledger import Ledger
from seatrial.throttle._promises import WAYS
from seatrial.throttle._proof import Proof
from seatrial.throttle._screen import parameters
from seatrial.throttle._store import exact
from seatrial.throttle._window import end_of_window

QUOTA, WINDOW_S = 8, 2.0
TAKES_S = (0.01, 0.03)
"""So slow that a window ends now and then while a quota is taken, or between two requests."""
SEEDS = range(120)
DECLARED = {"anchor": "per-key", "quota": QUOTA, "window_s": WINDOW_S, "path": "/items/7", "headers": "none"}
SHIFTED = Policy.declared(limit(**DECLARED, path_template="", costs=(), exempt=()), {})
KINDS = Kinds(200, frozenset({429}))


class VirtualWire(virtual.Wire):
    """A client's connection, as a proof has it."""

    late_s = 0.0
    takes_s = TAKES_S

    def __init__(self, url: str, *, name: str, headers: Mapping[str, str], address: str = "", **_: Any) -> None:
        super().__init__(url, name=name, headers=headers, address=address)
        self.answers: list[Answer] = []

    def carry(self, body: bytes | None, _version: str) -> None:
        """Take what is sent along: nothing here."""
        assert body is None

    async def send(self, method: str, path: str, extra: tuple[tuple[str, str], ...] = ()) -> Answer:
        """Send one request and keep its answer."""
        self.answers.append(await super().send(method, path, extra))
        return self.answers[-1]


def made(name: str) -> Schedule:
    """Return the first step of a proof, and one other that begins at once."""
    deep = plan_deep(SHIFTED, memory=False, control=False, budget_s=240.0, addresses=2)
    usual = schedule(SHIFTED, plan_proof(SHIFTED, budget_s=60.0, addresses=2))
    steps = {step.name: step for step in (*deep_schedule(SHIFTED, deep).steps, *usual.steps)}
    return replace(usual, steps=(steps["quota"], replace(steps[name], after="quota")))


def prove(patch: pytest.MonkeyPatch, name: str, *, key: str, window_s: float, seed: int) -> Ledger:
    """Take one step of a proof, in virtual time, against a limiter that is met at some time of its window."""
    source = random.Random(seed)  # noqa: S311 - repeatable on purpose
    clock = virtual.Clock(1000.0 + source.uniform(0, 3 * window_s))
    server = Server({"algorithm": "per-key", "quota": QUOTA, "window_s": window_s, "key": key}, frozenset())
    with patch.context() as inside:
        inside.setattr(time, "monotonic", clock.monotonic)
        inside.setattr(time, "time", clock.time)
        inside.setattr(scenes, "Wire", type("Wire", (VirtualWire,), {"server": server, "random": source}))
        scene = scenes.Scene(
            SHIFTED,
            plan=plan_proof(SHIFTED, budget_s=60.0, addresses=2),
            schedule=made(name),
            target=Target(url="http://127.0.0.1:1"),
            identities=People(),
            progress=lambda _line: None,
            seed=seed,
        )
        with asyncio.Runner(loop_factory=lambda: virtual.Loop(clock)) as runner:
            return runner.run(Proof(scene).run())


@pytest.mark.parametrize(
    ("name", "claims", "key", "times", "cause"),
    [
        ("one user", WAYS.values(), "token", 1.0, None),
        ("one user", WAYS.values(), "user", 1.0, "another-token"),
        ("two ends", ("window-resets",), "token", 1.0, None),
        ("two ends", ("window-resets",), "token", 1.5, "window-too-long"),
    ],
)
def test_wherever_a_window_ends_what_is_found_is_true(  # noqa: PLR0913, PLR0917 - a table
    monkeypatch: pytest.MonkeyPatch, name: str, claims: Iterable[str], key: str, times: float, cause: str | None
) -> None:
    """A window that ends just then is no way round, and no window that is too long; what is one is found."""
    ledgers = [prove(monkeypatch, name, key=key, window_s=times * WINDOW_S, seed=seed) for seed in SEEDS]
    judged = [ledger.defects[claim] for claim in set(claims) for ledger in ledgers if claim in ledger.defects]
    assert len(judged) > len(set(claims)) * len(SEEDS) / 2, [ledger.undecided for ledger in ledgers]
    assert {defect.cause for defects in judged for defect in defects} == {cause} - {None}


def answers(*statuses: int, at_s: float = 1000.0) -> list[Answer]:
    """Return answers ten milliseconds apart."""
    instants = [Instant(at_s + 0.01 * number, at_s + 0.01 * number) for number in range(len(statuses))]
    return [
        Answer(method="GET", path="/a", status=status, headers=(), sent=at, received=at, client="u")
        for status, at in zip(statuses, instants, strict=True)
    ]


@pytest.mark.parametrize(("admitted", "found"), [(QUOTA - 1, False), (QUOTA, True), (QUOTA + 1, False)])
def test_only_a_client_whose_window_did_not_end_shows_that_a_quota_is_exact(admitted: int, *, found: bool) -> None:
    """One request more may be a window that ended, or a stand-in of the store that counts otherwise: others tell."""
    assert exact(SHIFTED, answers(*[200] * admitted, 429), KINDS) is found


@pytest.mark.parametrize("share", [0.0, 0.3, 0.49])
def test_who_drained_a_counter_is_looked_at_once_others_came(share: float) -> None:
    """Wherever in a window by the clock it began, four tenths of one pass, and the window is not over."""
    settings = {**DECLARED, "anchor": "clock", "algorithm": "sliding-counter"}
    policy = Policy.declared(limit(**settings, path_template="", costs=(), exempt=()), {})
    drained = answers(*[200] * QUOTA, 429, at_s=1000.0 + share * WINDOW_S)
    wire, edge = Wire("http://127.0.0.1:1", name="u", headers={}), end_of_window(policy, drained)
    due_s = looked_s(policy, UsedUp(Identity(name="u"), wire, drained, KINDS, edge), 0.4)
    assert due_s - drained[0].sent.s == pytest.approx(0.4 * WINDOW_S)
    assert due_s < edge.earliest_s


def scene_of(
    patch: pytest.MonkeyPatch, policy: Policy, name: str, *, enforced: int
) -> tuple[scenes.Scene, asyncio.Runner]:
    """Return the scene of a step, against a limiter of a policy's kind that enforces another quota."""
    chosen = {"algorithm": policy.settings.algorithm, "quota": enforced, "window_s": WINDOW_S}
    clock, source = virtual.Clock(1000.0), random.Random(1)  # noqa: S311 - repeatable on purpose
    kind = type("Wire", (VirtualWire,), {"server": Server(chosen, frozenset()), "random": source})
    plan = plan_proof(policy, budget_s=60.0, addresses=2)
    made = schedule(policy, plan)
    patch.setattr(time, "monotonic", clock.monotonic)
    patch.setattr(scenes, "Wire", kind)
    scene = scenes.Scene(
        policy,
        plan=plan,
        schedule=made,
        target=Target(url="http://127.0.0.1:1"),
        identities=People(),
        progress=lambda _line: None,
        seed=1,
    )
    (step,) = [step for step in made.steps if step.name == name]
    return scene.at(step), asyncio.Runner(loop_factory=lambda: virtual.Loop(clock))


@pytest.mark.parametrize(("enforced", "refused"), [(QUOTA, True), (100_000, False)])
def test_who_is_never_refused_is_not_asked_without_end(
    monkeypatch: pytest.MonkeyPatch, enforced: int, *, refused: bool
) -> None:
    """Of a bucket that refills, twice a quota comes in a window at the most, however many requests fit into it."""
    policy = Policy.declared(limit(**{**DECLARED, "algorithm": "token-bucket", "anchor": "first-request"}), {})
    scene, runner = scene_of(monkeypatch, policy, "quota", enforced=enforced)
    with runner:
        used = runner.run(_drained(scene, Identity(name="u"), KINDS))
    assert bool(used.rejection) is refused
    assert policy.ramp <= len(used.answers) <= 2 * policy.ramp


@pytest.mark.parametrize(("enforced", "found"), [(QUOTA, 0), (QUOTA + 1, 0), (QUOTA + 2, 1)])
def test_resources_of_a_bucket_that_is_off_by_one_are_no_way_round(
    monkeypatch: pytest.MonkeyPatch, enforced: int, found: int
) -> None:
    """Only more than a quota and one more is: so it is with all that is written otherwise."""
    policy = Policy.declared(limit(**{**DECLARED, "anchor": "first-request"}, path_template="/items/{i}"), {})
    scene, runner = scene_of(monkeypatch, policy, "resources", enforced=enforced)
    first = answers(200, 429)
    edge, user = end_of_window(policy, first), Identity(name="u")
    ramp = Ramp(user=user, answers=tuple(first), kinds=KINDS, edge=edge, truth=Truth(edge, []), admitted=1)
    with runner:
        runner.run(parameters(scene, ramp))
    assert len(scene.ledger.defects["path-parameter-in-key"]) == found
