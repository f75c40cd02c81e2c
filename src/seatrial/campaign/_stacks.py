"""The variants of the stack in one run: each started at most once, in the background where that saves time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, wait
from functools import partial
from pathlib import Path
from types import MappingProxyType

from seatrial.campaign._background import in_background
from seatrial.campaign._faults import confirm_live, defective_tree
from seatrial.campaign._run import Run
from seatrial.core import EnvironmentFailure, SeatrialError
from seatrial.cover import Collector
from seatrial.record import StackReady, StackStopped
from seatrial.stack import (
    ServiceAddition,
    Share,
    Stack,
    StackPlan,
    Variant,
    attach,
    compose_model,
    fault_addition,
    handed_over,
    merge_additions,
    open_stack,
)

CLEAN: tuple[Variant, ...] = ("clean",)
NOTHING: Future[None] = Future()
NOTHING.set_result(None)


class Stacks:
    """Start, hand out and stop the variants of one run."""

    def __init__(
        self,
        run: Run,
        *,
        collector: Collector | None,
        variants: Collection[Variant] = CLEAN,
        images: Mapping[str, str] = MappingProxyType({}),
        tag: str = "",
    ) -> None:
        """Start at most these variants; with two of them, the logs of the instrumented one are kept apart.

        `images` and `tag` are those of `StackPlan`.
        """
        self._run = run
        self._images, self._tag = images, tag
        self._collector = collector
        self._main: Variant = "clean" if "clean" in variants else "instrumented"
        self._started: dict[Variant, Future[Stack]] = {}
        self._ended: dict[Variant, Future[None]] = {}
        self._lock = threading.Lock()
        self._tree: Path | None = None
        self._copying = threading.Lock()

    def prepare(self, variant: Variant) -> Future[Stack]:
        """Begin to start a variant and return at once."""
        with self._lock:
            if variant not in self._started:
                self._started[variant] = in_background(lambda: self._open(variant), name=f"start-{variant}")
            return self._started[variant]

    def get(self, variant: Variant) -> Stack:
        """Return a started variant, waiting for it; raises what its start raised."""
        return self.prepare(variant).result()

    def started(self) -> Stack | None:
        """Return a variant that is up, the clean one if it is; None where there is none."""
        for variant in ("clean", "instrumented"):
            future = self._started.get(variant)
            if future and future.done() and future.exception() is None:
                return future.result()
        return None

    def share(self, variant: Variant) -> Path:
        """Return the folder that the services of a variant see."""
        return self._run.work / variant[:1] / "share"

    def end(self, variant: Variant) -> Future[None]:
        """Begin to stop a variant, once, and return at once; its logs are in the run's directory afterwards.

        One that is still starting (the run was interrupted) is left to the watchdog: waiting could take minutes.
        """
        with self._lock:
            started = self._started.get(variant)
            up = started is not None and started.done() and started.exception() is None
            if started and up and not self._run.attached and variant not in self._ended:
                self._ended[variant] = in_background(partial(self._end, started.result()), name=f"stop-{variant}")
            return self._ended.get(variant, NOTHING)

    def _end(self, stack: Stack) -> None:
        stack.stop()
        self._run.recorder.emit(StackStopped(variant=stack.variant))

    def stop_all(self) -> None:
        """Stop every variant, all at once; raises what the first that could not be stopped raised."""
        ends = [self.end(variant) for variant in list(self._started)]
        wait(ends)
        for end in ends:
            end.result()

    def _open(self, variant: Variant) -> Stack:
        began = time.monotonic()
        stack = attach(self._run.attached) if self._run.attached else self._begin(variant)
        if self._run.tells_apart and (why := stack.tell_apart()):
            self._run.identities.forgo_addresses(why)
        self._run.recorder.emit(
            StackReady(
                variant=variant,
                driver=stack.driver,
                url=stack.url(),
                duration_s=time.monotonic() - began,
                limitations=stack.limitations,
            )
        )
        return stack

    def _begin(self, variant: Variant) -> Stack:
        stack = open_stack(self._run.choice, self._plan(variant))
        stack.start(self._run.progress("stack"))
        try:
            self._set_up(stack)
            if self._run.fault:
                confirm_live(self._run.fault, stack.url(), self._run.identities.at(stack.url()))
        except SeatrialError:
            stack.stop()
            raise
        return stack

    def _set_up(self, stack: Stack) -> None:
        """Run the project's set-up commands inside the entry service."""
        settings = self._run.settings.stack
        service = settings.entry.partition(":")[0]
        for command in settings.setup if "exec" in stack.abilities else ():
            self._run.progress("stack")(f"set-up: {' '.join(command)}")
            done = stack.execute(service, command)
            if done.exit_code:
                raise EnvironmentFailure(
                    f"a set-up command ended with {done.exit_code}: {' '.join(command)}",
                    slug="setup-failed",
                    where="[stack] setup",
                    remedy=f"it runs inside {service} once the stack is ready: its output says what is wrong",
                    details="\n".join(done.output.splitlines()[-20:]),
                )

    def _plan(self, variant: Variant) -> StackPlan:
        run, fault = self._run, self._run.fault
        work = run.work / variant[:1]
        (work / "share").mkdir(parents=True, exist_ok=True)
        services = [*run.settings.stack.services]
        return StackPlan(
            settings=run.settings,
            profile=run.options.profile,
            variant=variant,
            run=run.id,
            work=work,
            logs=run.directory / "logs" / ("" if variant == self._main else variant),
            root=self.tree(),
            environment=run.variables(variant),
            handed=self._handed(),
            service_environment={name: dict(fault.environment(name)) for name in services} if fault else {},
            additions=self._additions(variant),
            replicas=fault.replicas if fault else {},
            keep=run.options.keep,
            addresses=run.tells_apart,
            images=self._images,
            tag=self._tag,
            address=run.choice.address,
            use_share=self._use_share(variant),
            redact=run.recorder.secrets.redact,
        )

    def _use_share(self, variant: Variant) -> Callable[[Share], None]:
        """Return who wants to know how services see the share: whoever measures them."""
        return self._collector.use_share if self._collector and variant == "instrumented" else lambda _: None

    def _handed(self) -> Mapping[str, frozenset[str]]:
        """Return what the compose files hand over; those of a copy that a fault edited are read anew."""
        run, edited = self._run, self.tree() != self._run.settings.root
        model = compose_model(run.settings, self.tree()) if run.model and edited else run.model
        return handed_over(model) if model else {}

    def tree(self) -> Path:
        """Return the folder that holds the stack's files: a defective copy where the fault edits them."""
        run, settings = self._run, self._run.settings
        with self._copying:  # a suite and the start of a stack may ask at the same time
            if self._tree is None:
                copy = run.work / "tree"
                self._tree = (
                    defective_tree(run.fault, settings.stack, settings.root, copy) if run.fault else settings.root
                )
            return self._tree

    def _additions(self, variant: Variant) -> Mapping[str, ServiceAddition]:
        share = self.share(variant)
        parts: list[Mapping[str, ServiceAddition]] = []
        if variant == "instrumented" and self._collector:
            parts.append(self._instrument(share, self._collector))
        if self._run.fault and self._run.fault.in_process:
            parts.append(self._faulty(share))
        names = {name for part in parts for name in part}
        return {name: merge_additions(*(part[name] for part in parts if name in part)) for name in names}

    def _instrument(self, share: Path, collector: Collector) -> Mapping[str, ServiceAddition]:
        settings, in_images = self._run.settings.coverage, self._run.choice.driver == "compose"
        if settings is None:
            return {}
        source = settings.container_source if in_images else str((self.tree() / settings.source).resolve())
        return collector.prepare(
            share, service_source=source, in_images=in_images, progress=self._run.progress("stack")
        )

    def _faulty(self, share: Path) -> dict[str, ServiceAddition]:
        fault = self._run.fault
        applications = self._run.settings.stack.applications
        if fault is None:
            return {}
        return {
            service: fault_addition(fault=fault.path, application=application, share=share)
            for service, application in applications.items()
        }
