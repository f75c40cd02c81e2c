"""One execution: its id, seed, directory, secrets and identities, and the promise that nothing of it stays behind."""

from __future__ import annotations

import datetime as dt
import os
import secrets
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from seatrial import __version__
from seatrial.campaign._faults import Fault, check_driver, load_fault
from seatrial.campaign._options import Options, resolve_out
from seatrial.campaign._shards import shard_of
from seatrial.campaign._smoke import make_fence
from seatrial.campaign._suites import suite_named
from seatrial.campaign._variables import lifted, stack_variables
from seatrial.config import Settings
from seatrial.core import EnvironmentFailure, Evidence, Progress, UsageError
from seatrial.core.fence import Fence, put_up, take_down
from seatrial.core.machine import machine
from seatrial.http import AddressPool, IdentityPool, SigningKey
from seatrial.record import (
    ContractRead,
    ExchangeRecorded,
    ExchangesCounted,
    LimitationNoted,
    LimitProved,
    Listener,
    MeasurementTaken,
    NothingToMeasure,
    ProgressMade,
    Recorder,
    RunStarted,
    clear_run,
)
from seatrial.signin import FIXED, People
from seatrial.stack import (
    Choice,
    Model,
    Variant,
    Watchdog,
    check_kept,
    choose_driver,
    compose_model,
    read_state,
    work_folder,
)

if TYPE_CHECKING:
    from seatrial.swarm.traffic import Traffic

UP = "up"
NO_KEY = "nobody told us the key that signs this target's tokens: [auth] private_key_file"
PROVING = "ratelimit"
"""The suite that proves the declared limits."""


def new_run_id() -> str:
    """Return an id that sorts by time and that no other run has."""
    return f"{dt.datetime.now(dt.UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


@dataclass(slots=True, kw_only=True)
class Run:
    """Everything that belongs to one execution; close it in the end.

    `traffic` is what scenarios send, by URL and name, as soon as it is known. `turned_by` is the profile whose knobs
    are in effect, empty where nobody turned any.
    """

    id: str
    settings: Settings
    options: Options
    choice: Choice
    seed: int
    fault: Fault | None
    directory: Path
    work: Path
    recorder: Recorder
    key: SigningKey
    previous_key: SigningKey | None
    identities: IdentityPool
    environment: Mapping[str, str] = field(repr=False)
    turned_by: str
    started_s: float
    attached: Mapping[str, Any] | None
    unsigned: str
    suites: tuple[str, ...]
    model: Model | None = field(repr=False)
    _watchdog: Watchdog
    fence: Fence | None = None
    traffic: dict[tuple[str, str], Traffic] = field(default_factory=dict)

    def progress(self, stage: str) -> Progress:
        """Return a function that tells whoever watches what a stage is doing."""
        return lambda message: self.recorder.emit(ProgressMade(stage=stage, message=message))

    def repeat_only(self, *suites: str) -> str:
        """Return the one line that repeats these suites of this run."""
        return replace(self.options, only=suites).repeat(seed=self.seed, driver=self.choice.url or self.choice.driver)

    @property
    def starts(self) -> bool:
        """Return whether this run starts the stack itself, with variables that it chooses."""
        return self.choice.driver != "remote" and not self.attached

    @property
    def unminted(self) -> str:
        """Return why this run cannot make users of its own, empty where it can, or where nobody has to be."""
        return self.unsigned or self.identities.unminted

    @property
    def deep(self) -> bool:
        """Return whether the deep stage of the rate limits is wanted: by its user, or by a fault that shows there."""
        return self.options.deep or bool(self.fault and self.fault.deep)

    @property
    def lifted(self) -> Mapping[str, str]:
        """Return the variables that lift limits where they are not proved."""
        return lifted(self.settings.limits) if self.starts and self.suites else {}

    @property
    def tells_apart(self) -> bool:
        """Return whether clients with an address of their own are wanted, which a stack that stays up may be asked."""
        wanted = not self.suites or any(suite_named(name).addresses for name in self.suites)
        return wanted and self.choice.distinct_addresses

    def variables(self, variant: Variant) -> Mapping[str, str]:
        """Return what a variant of the stack is set to: limits are proved on the clean one."""
        proved = variant == "clean" and PROVING in self.suites
        return self.environment if proved else {**self.environment, **self.lifted}

    def absorb(self, evidence: Evidence) -> None:
        """Write down what an instrument measured, saw and could not verify."""
        for exchange in evidence.exchanges:
            self.recorder.emit(ExchangeRecorded(exchange=exchange))
        for measurement in evidence.measurements:
            self.recorder.emit(MeasurementTaken(measurement=measurement))
        for metric, reason in evidence.nothing.items():
            self.recorder.emit(NothingToMeasure(metric=metric, reason=reason))
        for proof in evidence.proofs:
            self.recorder.emit(LimitProved(proof=proof))
        for note in evidence.notes:
            self.recorder.emit(LimitationNoted(note=note))
        if evidence.documented:
            self.recorder.emit(ContractRead(operations=evidence.documented, unfinished=evidence.unfinished))
        if evidence.tallies:
            shown = tuple(exchange.id for exchange in evidence.exchanges)
            self.recorder.emit(ExchangesCounted(tallies=evidence.tallies, shown=shown))

    def keep_stack(self) -> None:
        """Leave the stack and its work folder behind on purpose."""
        self._watchdog.release()

    def elapsed_s(self) -> float:
        """Return the seconds since the run was opened."""
        return time.monotonic() - self.started_s

    def close(self) -> None:
        """Let the watchdog remove what is left, and close the record; safe to call twice."""
        if self.fence:
            take_down(self.fence)
        self._watchdog.close()
        self.recorder.close()


def _check_load(settings: Settings, options: Options) -> None:
    from seatrial.swarm import check_sizes  # noqa: PLC0415 - needed by load only

    check_sizes(settings.load, profile=options.depth, root=settings.root)


def open_run(
    settings: Settings, options: Options, *, suites: tuple[str, ...] = (), listeners: Sequence[Listener] = ()
) -> Run:
    """Choose the driver, make the run's directory and secrets, and start the watchdog.

    Raises UsageError or EnvironmentFailure; nothing is left running then.
    """
    fault = load_fault(options.fault) if options.fault else None
    attached, choice = choose(settings, options)
    check_address_pool(options, choice)
    if fault:
        check_driver(fault, choice.driver)
    # What is wrong with the files is said before anything starts.
    if "load" in suites:
        _check_load(settings, options)
    model = compose_model(settings, settings.root) if settings.stack.compose else None
    run = new_run_id()
    directory = _make_directory(resolve_out(options.out, settings.root, run))
    check_free_space(directory)
    recorder = Recorder(directory)
    for listener in listeners:
        recorder.subscribe(listener)
    seed = secrets.randbelow(2**31) if options.seed is None else options.seed
    known_key = signing_key(settings, choice)
    key = known_key or SigningKey.generate()
    previous = _previous_key(settings, attached, choice)
    turned_by, register = profile_in_effect(settings, options, attached, choice), recorder.register_secret
    greets = bool(suites) and not options.smoke  # which signs in only where it has to
    people = declared_people(settings, register, url=choice.url, check=greets)
    work = work_folder(run)
    watchdog = Watchdog(run=run, work=work)
    watchdog.start()
    opened = Run(
        id=run,
        settings=settings,
        options=options,
        choice=choice,
        seed=seed,
        fault=fault,
        directory=directory,
        work=work,
        recorder=recorder,
        key=key,
        previous_key=previous,
        identities=_identities(settings, options, choice, key=key, run=run, seed=seed, people=people),
        environment=stack_variables(settings, turned_by, key=key, previous=previous, register_secret=register)
        if turned_by
        else {},
        turned_by=turned_by,
        started_s=time.monotonic(),
        attached=attached,
        unsigned=_unsigned(settings, known_key),
        suites=suites,
        model=model,
        _watchdog=watchdog,
    )
    if options.smoke:
        opened.fence = make_fence(settings, starts=opened.starts)
        put_up(opened.fence)
    _announce(opened, suites)
    return opened


def _identities(  # noqa: PLR0913 - what a pool is made of
    settings: Settings,
    options: Options,
    choice: Choice,
    *,
    key: SigningKey,
    run: str,
    seed: int,
    people: People | None,
) -> IdentityPool:
    kind: Literal["loopback", "none"] = "loopback" if sends_apart(options, choice) else "none"
    addresses = AddressPool(kind, seed=seed, network=options.address_pool)
    named = settings.identities
    return IdentityPool(settings.auth, key=key, run=run, seed=seed, addresses=addresses, named=named, people=people)


def declared_people(
    settings: Settings, register_secret: Callable[[str, str], None], *, url: str = "", check: bool = True
) -> People | None:
    """Return the users that are declared, where no others can be made.

    To `check` them raises UsageError or EnvironmentFailure for one without credentials; where a service has to be asked
    for these, that is left until there is one.
    """
    if settings.auth is None or settings.auth.mints:
        return None
    people = People(settings, register_secret, url=url)
    if check and (url or not settings.auth.login):
        people.identities()
    return people


def sends_apart(options: Options, choice: Choice) -> bool:
    """Return whether clients have an address of their own: on a stack that is started here, or of a given network."""
    return choice.distinct_addresses or bool(options.address_pool)


def check_address_pool(options: Options, choice: Choice) -> None:
    """Raise UsageError for addresses that this machine has not, or that a stack does not see."""
    if not options.address_pool:
        return
    if choice.driver != "remote":
        raise UsageError(
            "a pool of addresses is for a URL",
            slug="address-pool-invalid",
            where="--address-pool",
            remedy="leave it out: a stack that is started here is asked from all that it can tell apart",
        )
    from seatrial.throttle.infer import addresses  # noqa: PLC0415 - beside its use

    addresses(options.address_pool, seed=0)


def _running_stack(root: Path) -> Mapping[str, Any]:
    state = read_state(root)
    if state is None:
        raise UsageError(
            "no stack is up", slug="stack-not-up", where="--stack up", remedy="start one with: seatrial up"
        )
    return state


def choose(settings: Settings, options: Options) -> tuple[Mapping[str, Any] | None, Choice]:
    """Return what is known of the stack that is up, where that is wanted, and the driver; raises SeatrialError."""
    if options.stack != UP:
        return None, choose_driver(options.stack, settings, allow_target=options.allow_target)
    attached = _running_stack(settings.root)
    check_kept(attached, committed=settings.targets.allow, allow_target=options.allow_target)
    if options.fault:
        raise UsageError(
            "a fault cannot be put into a stack that is up already",
            slug="fault-attached",
            where="--fault",
            remedy="let the run start its own: --stack auto",
        )
    why = f"the stack that `seatrial up` left running, profile {attached['profile']}"
    return attached, Choice(driver=attached["driver"], why=why, key_file=attached["key"])


def profile_in_effect(settings: Settings, options: Options, attached: Mapping[str, Any] | None, choice: Choice) -> str:
    """Return the profile that turned the stack's knobs: the one that it was started with, none for somebody else's.

    A URL is taken to be as the configuration declares it.
    """
    if choice.driver != "remote" and not attached:
        return options.profile
    state = attached or read_state(settings.root)
    ours = state and (attached or state.get("url") == choice.url)
    return str(state["profile"]) if state and ours else ""


def variables_ahead(
    settings: Settings, options: Options, attached: Mapping[str, Any] | None, choice: Choice, *, suites: Sequence[str]
) -> dict[str, str]:
    """Return the variables of the clean stack as far as they are known before there is one, for these suites."""
    profile = profile_in_effect(settings, options, attached, choice)
    if not profile:
        return {}
    starts = choice.driver != "remote" and not attached
    raised = lifted(settings.limits) if starts and PROVING not in suites else {}
    return {**settings.stack.environment, **settings.stack.knobs(profile), **raised}


def _announce(run: Run, suites: tuple[str, ...]) -> None:
    driver = run.choice.url or run.choice.driver
    budget = run.settings.budget_s.get(run.options.profile, {})
    run.recorder.emit(
        RunStarted(
            run=run.id,
            version=__version__,
            started=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            stack=run.choice.driver,
            why_stack=run.choice.why,
            profile=run.options.profile,
            seed=run.seed,
            fault=run.fault.slug if run.fault else "",
            command=run.repeat_only(*run.options.only),
            suites=suites,
            budget_s={str(stage): seconds for stage, seconds in budget.items()},
            project=run.settings.root.name,
            shard=shard_of(run.settings, run.options, seed=run.seed, driver=driver),
            machine=machine(),
        )
    )


def _make_directory(directory: Path) -> Path:
    """Create the run's directory, without anything that an earlier run left in it."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        clear_run(directory)
    except OSError as error:
        raise EnvironmentFailure(
            f"cannot write the run's directory: {error.strerror}",
            slug="record-unwritable",
            where=str(directory),
            remedy="free disk space or choose another directory with --out DIR",
        ) from error
    return directory


def point_latest(root: Path, directory: Path) -> None:
    """Make `.seatrial/latest` name the newest run, atomically."""
    home = root / ".seatrial"
    home.mkdir(exist_ok=True)
    link = home / f".latest-{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(os.path.relpath(directory, home))
    link.replace(home / "latest")


def why_unsigned(settings: Settings, choice: Choice) -> str:
    """Return why a run cannot authenticate anybody, empty where it can, or where nobody has to be."""
    return _unsigned(settings, signing_key(settings, choice))


def _unsigned(settings: Settings, key: SigningKey | None) -> str:
    return NO_KEY if settings.auth and settings.auth.mints and key is None else ""


def why_unminted(settings: Settings, choice: Choice) -> str:
    """Return why a run cannot make users of its own, empty where it can, or where nobody has to be."""
    if settings.auth and not settings.auth.mints:
        return FIXED.format(kind=settings.auth.kind)
    return why_unsigned(settings, choice)


def signing_key(settings: Settings, choice: Choice) -> SigningKey | None:
    """Return the key whose public half the stack has: fresh where we start it, None where nobody told us.

    A remote target has that of [auth] private_key_file, or of `seatrial up` where it is the stack that this started.
    """
    if choice.key_file:
        return SigningKey.load(Path(choice.key_file))
    if choice.driver != "remote":
        return SigningKey.generate()
    state = read_state(settings.root)
    if state and state.get("url") == choice.url:
        return SigningKey.load(Path(state["key"]))
    file = settings.auth.private_key_file if settings.auth else ""
    return SigningKey.load(settings.root / file) if file else None


def _previous_key(settings: Settings, attached: Mapping[str, Any] | None, choice: Choice) -> SigningKey | None:
    """Return a second key, whose public half the stack gets as the one before a rotation, where this run starts it."""
    wanted = settings.auth and settings.auth.previous_public_key_variable
    return SigningKey.generate() if wanted and not attached and choice.driver != "remote" else None


def check_free_space(directory: Path, *, need_bytes: int = 50_000_000) -> None:
    """Raise EnvironmentFailure where a run could not be written down to its end."""
    free = shutil.disk_usage(directory).free
    if free < need_bytes:
        raise EnvironmentFailure(
            f"only {free // 1_000_000} MB are free",
            slug="disk-full",
            where=str(directory),
            remedy=f"free {need_bytes // 1_000_000} MB or choose another directory with --out DIR",
        )
