"""Two stacks side by side, of which one is asked at a time: bursts of the same load, in pairs, in random order."""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from seatrial.campaign._options import Options
from seatrial.campaign._run import Run, open_run
from seatrial.campaign._sides import ROLES, Role, Side, images_of
from seatrial.campaign._sources import sources_of
from seatrial.campaign._stacks import Stacks
from seatrial.config import Profile, ScenarioSettings
from seatrial.core import EnvironmentFailure, SeatrialError, Target
from seatrial.record import AnyEvent, ProgressMade
from seatrial.stack import Stack, answers, image_name, note_undo, wait_until

Tell = Callable[[str], None]
PATIENCE_S = 5.0
ATTEMPTS = 3
"""How often one burst is sent, where the generator did not send it as asked."""

PROFILE: Profile = "quick"
CPU = "cpu_ms_per_request"


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """What one burst brought; `invalid` says how many before it were not sent as asked.

    `late` are arrivals that the generator never began, which nobody is to blame for. `cpu_ms` is what a request cost
    the service in processor time, None where that is not known.
    """

    latency_ms: Mapping[str, float]
    due: int
    answered: int
    invalid: int
    late: int = 0
    cpu_ms: float | None = None

    @property
    def figures(self) -> dict[str, float]:
        """Return everything of it that has a ratio to the other side's."""
        return {**self.latency_ms, **({CPU: self.cpu_ms} if self.cpu_ms else {})}

    @property
    def lost(self) -> int:
        """Return how many of the arrivals that began, or were turned away, were not answered well."""
        return self.due - self.late - self.answered


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A burst of each side, one right after the other."""

    first: Role
    bursts: Mapping[Role, Burst]


class Unsendable(Exception):
    """A burst could not be sent as asked, however often it was tried; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The load of every burst."""

    name: str
    scenario: ScenarioSettings
    seed: int


@dataclass(slots=True, kw_only=True)
class Standing:
    """A side that is up; `programs` are its services that may be paused: no database among them.

    `url` is where it came up: what crashed publishes nothing, and fails by what is sent there all the same.
    """

    side: Side
    run: Run
    stack: Stack
    url: str
    programs: Sequence[str]
    paused: bool = field(default=False)

    def rest(self) -> None:
        """Pause it."""
        if not self.paused:
            self._control("pause")

    def wake(self) -> None:
        """Let it go on, without waiting for what comes of that."""
        if self.paused:
            self._control("unpause")

    def take_turn(self) -> None:
        """Let it go on, and give it some time to answer: one that does not then fails by the burst that follows."""
        if self.paused:
            self.wake()
            url = f"{self.url}{self.run.settings.stack.ready}"
            wait_until(lambda: answers(url), timeout_s=PATIENCE_S)

    @property
    def target(self) -> Target:
        """Return what bursts are sent to."""
        return Target(url=self.url, variant=self.stack.variant, by_address=self.stack.by_address)

    def _control(self, verb: Literal["pause", "unpause"]) -> None:
        for service in self.programs:
            self.stack.control(verb, service)
        self.paused = verb == "pause"


@contextlib.contextmanager
def stand(side: Side, load: Load, *, directory: Path, tell: Tell) -> Iterator[Standing]:
    """Start a side for a load, and remove all of it in the end; an error says whose it is."""
    with _named(side.role):
        run = _open(side, load, directory, tell)
    with contextlib.ExitStack() as after:
        after.callback(run.close)
        with _named(side.role):
            stacks = _stacks(side, run)
            after.callback(stacks.stop_all)
            stack = stacks.get("clean")
            if load.scenario.identities:
                _sign_in(run, stack)
        standing = Standing(side=side, run=run, stack=stack, url=stack.url(), programs=_programs(run, stack))
        after.callback(_wake_if_possible, standing)
        yield standing


def _wake_if_possible(standing: Standing) -> None:
    """Let a side go on, so that it can end; what is removed anyway must not replace what was found."""
    with contextlib.suppress(SeatrialError):
        standing.wake()


def _open(side: Side, load: Load, directory: Path, tell: Tell) -> Run:
    def follow(event: AnyEvent) -> None:
        if isinstance(event, ProgressMade) and event.stage == "stack":
            tell(f"{side.role}: {event.message}")

    options = Options(
        stack=side.driver, profile=PROFILE, out=str(directory), seed=load.seed, load=True,
        allow_target=side.allow_target,
    )  # fmt: skip
    return open_run(side.settings, options, suites=("load",), listeners=[follow])


@contextlib.contextmanager
def _named(role: Role) -> Iterator[None]:
    try:
        yield
    except SeatrialError as error:
        raise type(error)(
            f"{role}: {error.what}", slug=error.slug, where=error.where, remedy=error.remedy, details=error.details
        ) from error


def _stacks(side: Side, run: Run) -> Stacks:
    model = run.model or {"services": {}}
    if side.kind == "image":
        return Stacks(run, collector=None, images=images_of(model, run.settings.stack.entry, side.word))
    if side.kind != "commit" or run.choice.driver != "compose":
        return Stacks(run, collector=None)
    for service, facts in model["services"].items():
        if (facts or {}).get("build"):
            note_undo(["docker", "image", "rm", image_name(run.settings.root, service, run.id)], run.work)
    return Stacks(run, collector=None, tag=run.id)


def _sign_in(run: Run, stack: Stack) -> None:
    in_query = "load is sent with headers alone, and [auth] place has the keys of users in the query"
    if why := run.unsigned or (in_query if run.identities.in_query else ""):
        raise EnvironmentFailure(
            why,
            slug="load-unsigned",
            where=stack.url(),
            remedy="name a key that signs its tokens in [auth] private_key_file, or a load of nobody: --path /PATH",
        )
    run.identities.at(stack.url()).greet()


def _programs(run: Run, stack: Stack) -> list[str]:
    """Return the services that may be paused: those of the project, and no database in the middle of its work."""
    if "control" not in stack.abilities:
        return []
    if run.choice.driver == "local":
        return [name for name, one in run.settings.stack.local.services.items() if one.kind == "process"]
    services = run.model["services"] if run.model else {}
    entry = run.settings.stack.entry.partition(":")[0]
    return [name for name, facts in services.items() if name == entry or (facts or {}).get("build")]


class Contest:
    """Send bursts to two sides in turn; `directory` keeps what each of them brought."""

    def __init__(self, standing: Mapping[Role, Standing], load: Load, directory: Path) -> None:
        self._standing, self._load, self._directory = standing, load, directory
        self._chance = random.Random(load.seed)  # noqa: S311 - repeatable

    def agree(self) -> tuple[str, ...]:
        """Make what is sent, the same for both sides, and return what is not; raises SeatrialError where it differs."""
        from seatrial.campaign._traffic import agree_on_traffic  # noqa: PLC0415 - needed by load only

        base, candidate = ((each.run, each.target) for each in (self._standing[role] for role in ROLES))
        return agree_on_traffic(self._load.name, self._load.scenario, base, candidate)

    def warm_up(self) -> None:
        """Send each side a burst of which nothing is kept: the first requests of a process are like no others."""
        self.pair(0)

    def pair(self, number: int) -> Pair:
        """Send a burst to each side, to either first; raises Unsendable."""
        first: Role = self._chance.choice(ROLES)
        order: tuple[Role, ...] = (first, *(role for role in ROLES if role != first))
        bursts = {role: self._burst(role, number) for role in order}
        return Pair(first=first, bursts=bursts)

    def _burst(self, role: Role, number: int) -> Burst:
        for other, standing in self._standing.items():
            if other != role:
                standing.rest()
        self._standing[role].take_turn()
        doubt = ""
        for attempt in range(ATTEMPTS):
            folder = self._directory / f"{number:02d}-{role}" / str(attempt + 1)
            found, given_up = self._send(self._standing[role], number, folder)
            if found["valid"]:
                return _burst_of(found, invalid=attempt + given_up)
            doubt = next(iter(found["doubts"]), "nothing was sent")
        raise Unsendable(f"{ATTEMPTS} bursts to the {role} were not sent as asked: {doubt}")

    def _send(self, standing: Standing, number: int, folder: Path) -> tuple[dict[str, Any], int]:
        """Return the figures of one burst, and how many attempts the instrument gave up before them."""
        from seatrial.campaign._traffic import traffic_of  # noqa: PLC0415 - needed by load only
        from seatrial.swarm import figures_sent, read_sent, run_scenario  # noqa: PLC0415 - as above

        run, stack, load = standing.run, standing.stack, self._load
        target = standing.target
        run_scenario(
            load.name,
            load.scenario,
            target=target,
            identities=run.identities.at(standing.url),
            profile=PROFILE,
            seed=load.seed + number,
            run=run.id,
            work=run.work,
            out=folder / load.name,
            root=run.settings.root,
            limits=run.settings.limits,
            environment=run.variables(stack.variant),
            progress=lambda _: None,
            traffic=traffic_of(run, target, load.name, load.scenario),
            sources=replace(sources_of(run.settings, stack, load.scenario), throughout=False),
            replay="",
        )
        sent = read_sent(folder, [load.name])
        told = json.loads((folder / load.name / "stats.json").read_text(encoding="utf-8"))
        besides = {"doubts": [one.doubt for one in sent], "late": sum(one.late for one in sent)}
        used = {"cpu_ms": next((one.used.get(CPU) for one in sent), None)}
        return {**figures_sent(sent), **besides, **used}, len(told["given_up"])


def _burst_of(found: Mapping[str, Any], *, invalid: int) -> Burst:
    due, answered = found["ledger"]["due"], found["ledger"]["answered"]
    return Burst(
        latency_ms=found["latency_ms"], due=due, answered=answered, invalid=invalid, late=found["late"],
        cpu_ms=found["cpu_ms"],
    )  # fmt: skip
