"""The stack as it ships: the user's compose files, unchanged, and one generated override."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import docker.errors
from docker.models.containers import Container

from seatrial.core import ALIKE, EnvironmentFailure, SeatrialError
from seatrial.stack._base import Ability, Completed, ServiceState, StackPlan, Usage, Variant, Verb
from seatrial.stack._compose_model import check_services, compose_files, read_model
from seatrial.stack._compose_mounts import check_mounts
from seatrial.stack._compose_override import write_override
from seatrial.stack._compose_project import CommandFailed, Project
from seatrial.stack._compose_share import copied_share
from seatrial.stack._copied import Copied
from seatrial.stack._early import EarlyProbes
from seatrial.stack._engine import ENGINE, connect
from seatrial.stack._engine_host import no_address
from seatrial.stack._logs import Redact, keep_logs
from seatrial.stack._passage import FAR_PORT, Passage
from seatrial.stack._ports import LOOPBACK
from seatrial.stack._ready import answers, is_refused
from seatrial.stack._sweep import run_labels, run_marks

POLL_S = 0.04
SHOWN = 20
PAUSABLE: Mapping[str, str] = {"pause": "running", "unpause": "paused"}
"""In which state a container is for these verbs: one that ended by itself has nothing to be paused."""

PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
COUNT_DESCRIPTORS = "ls /proc/[0-9]*/fd 2>/dev/null | grep -c '^[0-9]'"
LOOK_ALIKE = (
    "compose: published ports make every client look like the gateway: clients without a token are not told apart"
)
TOLD_APART = (
    "compose: clients with an address of their own came through a relay, over the loopback interface of the entry's "
    "container; all others came through its published port, and looked like the gateway"
)
ELSEWHERE = (
    "compose: the engine is at {}, and not reached as one on this machine is: latencies have the way there in them"
)
Progress = Callable[[str], None]


class ComposeStack:
    """A compose project of one run; implements `Stack`."""

    driver = "compose"
    abilities: frozenset[Ability] = frozenset(
        {"logs", "exec", "control", "scale", "coverage", "inspect", "memory", "faults"}
    )
    limitations: tuple[str, ...] = (LOOK_ALIKE,)

    def __init__(self, plan: StackPlan) -> None:
        self._take(
            plan,
            plan.redact,
            {
                "variant": plan.variant,
                "run": plan.run,
                "entry": plan.settings.stack.entry,
                "ready": plan.settings.stack.ready,
                "logs": str(plan.logs),
                "project": f"seatrial-{plan.run}-{plan.variant[:1]}",
                "address": plan.address,
            },
        )

    def _take(self, plan: StackPlan | None, redact: Redact, facts: Mapping[str, Any]) -> None:
        self._plan = plan
        self._redact = redact
        self.variant: Variant = "instrumented" if facts["variant"] == "instrumented" else "clean"
        self._run, self._entry, self._logs = str(facts["run"]), str(facts["entry"]), Path(facts["logs"])
        self._ready_path = str(facts.get("ready", "/"))
        self._address = str(facts.get("address", LOOPBACK))
        self._elsewhere = () if self._address == LOOPBACK else (ELSEWHERE.format(self._address),)
        self.limitations = (LOOK_ALIKE, *self._elsewhere)
        self._stopped = False
        self._urls: dict[str, str] = {}
        self._client = connect()
        self._share: Copied | None = None
        self._passage = Passage(self._client, stack=str(facts["project"]), address=self._address)
        environment = _environment(plan) if plan else dict(os.environ)
        self._project = Project(context="/", name=str(facts["project"]), environment=environment, wait=False)

    @classmethod
    def attach(cls, state: Mapping[str, Any], *, redact: Redact = str) -> Self:
        """Return a handle of a running stack, from its `state()`; raises EnvironmentFailure when it is gone."""
        stack = cls.__new__(cls)
        stack._take(None, redact, state)  # noqa: SLF001 - a second constructor
        if not stack._containers():  # noqa: SLF001 - a second constructor
            raise EnvironmentFailure(
                "the stack is gone",
                slug="stack-gone",
                where=str(state["project"]),
                remedy="seatrial down, then seatrial up",
            )
        return stack

    def start(self, progress: Progress) -> None:
        """Build, start and wait until everything is healthy; leaves nothing behind when it fails."""
        if self._plan is None:
            return
        try:
            self._start(self._plan, progress)
        except SeatrialError:
            self.stop()
            raise
        except (CommandFailed, subprocess.TimeoutExpired) as error:
            failure = self._explain(error)
            self.stop()
            raise failure from error

    def _start(self, plan: StackPlan, progress: Progress) -> None:
        stack = plan.settings.stack
        deadline = time.monotonic() + stack.start_timeout_s
        model = read_model(stack, plan.root, self._project.environment)
        check_services(model, stack)
        override = plan.work / "compose.override.yml"
        plan.work.mkdir(parents=True, exist_ok=True)
        write_override(plan, model, override)
        files = compose_files(stack, plan.root)
        self._project.context = str(files[0].parent)
        self._project.compose_file_name = [*map(str, files), str(override)]
        self._project.services = list(stack.services)
        built = [name for name in stack.services if model["services"][name].get("build") and name not in plan.images]
        if built:
            progress(f"building {', '.join(built)}")
            self._project.build_images(built)
            deadline = time.monotonic() + stack.start_timeout_s
        check_mounts(self._client, self._project, plan, model)
        self._share = copied_share(self._client, self._project, plan, model)
        if self._share:
            progress("the engine does not see this machine's files: copying them in, and out in the end")
            self._share.open()
            write_override(plan, model, override, volume=self._share.name)
            plan.use_share(self._share)
        progress(f"starting {', '.join(stack.services)}")
        self._project.timeout_s = stack.start_timeout_s
        self._project.start()
        if plan.addresses:
            self._begin_passage(plan)
        self._await_ready(deadline, progress)

    def _begin_passage(self, plan: StackPlan) -> None:
        """Begin to start the relay, of an image that is named or, where none is, that the stack has anyway."""
        name, _, port = self._entry.partition(":")
        entry, *others = (*self._containers(name), *self._containers())
        images = [plan.settings.stack.relay_image or container.attrs["Image"] for container in (entry, *others)]
        self._passage.begin(entry, int(port), images=images, labels=run_labels(plan.run, keep=plan.keep))

    @property
    def by_address(self) -> str:
        """Return where the relay takes clients with an address of their own; empty where there is none."""
        return self._passage.url

    def tell_apart(self) -> str:
        """Let clients with an address of their own in through the relay; return why that is impossible."""
        containers = self._containers(self._entry.partition(":")[0])
        published = next((found for c in containers[:1] if (found := c.ports.get(f"{FAR_PORT}/tcp"))), None)
        if not published:
            return f"{ALIKE}: it was started without the relay that gives them others"
        marks = run_marks(self._run, keep=False)
        self._passage.open(int(published[0]["HostPort"]), self._ready_path, environment=marks)
        if self._passage.url:
            self.abilities |= {"addresses"}
            self.limitations = (TOLD_APART, *self._elsewhere)
        return f"{ALIKE}: {self._passage.problem}" if self._passage.problem else ""

    def _await_ready(self, deadline: float, progress: Progress) -> None:
        """Wait until the entry answers and every service is up: by its own health check, where it has one."""
        with EarlyProbes() as early:
            while waiting := self._waiting(early):
                progress(f"waiting for {', '.join(waiting)}")
                if time.monotonic() > deadline:
                    raise self._unhealthy(*next(iter(waiting.items())))
                time.sleep(POLL_S)

    def _waiting(self, early: EarlyProbes) -> dict[str, str]:
        """Return what is not up yet, each with what is to be said when its time is over.

        Health checks are asked early only once the entry answers: before that they would keep it from starting.
        """
        unready = dict.fromkeys(self._unready(), "is not healthy in time")
        if answers(self.url() + self._ready_path):
            unready = {container: what for container, what in unready.items() if not early.passed(container)}
        elif not unready:
            self._check_published()
            return {self._entry.partition(":")[0]: f"does not answer {self._ready_path} with 2xx in time"}
        return {container.labels[SERVICE_LABEL]: what for container, what in unready.items()}

    def _check_published(self) -> None:
        """Raise EnvironmentFailure where the entry is healthy, and its published port leads nowhere.

        An engine behind a socket publishes on the loopback address of its own machine, or of the container it runs in.
        """
        name, url = self._entry.partition(":")[0], self.url()
        if any(_facts(container)[1] == "healthy" for container in self._containers(name)) and is_refused(url):
            raise EnvironmentFailure(
                f"the service {name} is healthy, and nobody takes connections at {url}, where the engine publishes it",
                slug="service-unreachable",
                where=os.environ.get("DOCKER_HOST", "the engine of docker's context"),
                remedy="let the service listen on 0.0.0.0 in its container; is the engine on another machine, or in a "
                "container? run seatrial there, or name it by DOCKER_HOST=tcp://HOST:PORT and allow its host",
            )

    def _unready(self) -> list[Container]:
        """Return the containers that are not up yet; raises EnvironmentFailure for one that will never be."""
        waiting = []
        for container in self._containers():
            status, health, code = _facts(container)
            name = container.labels[SERVICE_LABEL]
            if status == "exited" and code == 0:
                continue  # a one-shot service that did its work
            if status in {"exited", "dead"}:
                raise self._exited(name, code)
            if health == "unhealthy":
                raise self._unhealthy(name, "is unhealthy")
            if status != "running" or health == "starting":
                waiting.append(container)
        return waiting

    def _explain(self, error: Exception) -> EnvironmentFailure:
        """Return what made `up` fail: compose's message says little, the containers say more."""
        message = str(error)
        if "already allocated" in message or "address already in use" in message:
            return EnvironmentFailure(
                "a port is taken",
                slug="port-taken",
                where=self._project.name,
                remedy="stop what listens there, or do not publish a fixed port",
                details=self._redact(message)[-1000:],
            )
        if self._elsewhere and "cannot assign requested address" in message:
            what = f"the engine's machine does not have {self._address}, by which we reach it"
            return no_address(what, self._project.name, self._redact(message)[-1000:])
        try:
            waiting = self._unready()
        except EnvironmentFailure as found:
            return found
        if waiting and isinstance(error, subprocess.TimeoutExpired):
            return self._unhealthy(waiting[0].labels[SERVICE_LABEL], "is not healthy in time")
        return EnvironmentFailure(
            "docker compose cannot start the stack",
            slug="compose-up-failed",
            where=self._project.name,
            remedy="see what compose says; docker compose up shows it too",
            details=self._redact(message)[-1500:],
        )

    def _exited(self, service: str, code: int) -> EnvironmentFailure:
        return EnvironmentFailure(
            f"the service {service} exited with code {code}",
            slug="service-exited",
            where=service,
            remedy="its last log lines say why",
            details=self._tail(service),
        )

    def _unhealthy(self, service: str, what: str) -> EnvironmentFailure:
        return EnvironmentFailure(
            f"the service {service} {what}",
            slug="service-unready",
            where=service,
            remedy="its last log lines say why; [stack] start_timeout_s gives it more time",
            details=self._tail(service),
        )

    def _tail(self, service: str) -> str:
        return self._redact("\n".join(self.log(service).splitlines()[-SHOWN:]))

    def stop(self) -> None:
        """Keep every log, then remove everything; a stack that nothing looks into is killed, which is quicker."""
        if self._stopped:
            return
        self._stopped = True
        self._passage.close()
        self._end_services()
        self._keep_logs()
        if self._share:
            self._share.bring_back("data")
        self._project.remove(kill=True)
        if self._share:
            self._share.close()

    def _end_services(self) -> None:
        """Let services that hand something in come to their end."""
        additions = self._plan.additions if self._plan else {}
        containers = [c for c in self._containers() if c.labels[SERVICE_LABEL] in additions]
        names = [container.id for container in containers if container.id]
        if names:
            subprocess.run(["docker", "stop", "--time", "15", *names], capture_output=True, check=False)

    def _keep_logs(self) -> None:
        written: dict[str, str] = {}
        for container in self._containers():
            name = container.labels[SERVICE_LABEL]
            written[name] = written.get(name, "") + container.logs(timestamps=True).decode(errors="replace")
        keep_logs(written, self._logs, self._redact)

    def url(self, service: str = "") -> str:
        """Return the base URL of a service that publishes a port (the entry when empty)."""
        entry, _, port = self._entry.partition(":")
        name = service or entry
        if name not in self._urls:
            self._urls[name] = self._find_url(name, f"{port}/tcp" if name == entry else "")
        return self._urls[name]

    def _find_url(self, service: str, port: str) -> str:
        for container in self._containers(service):
            container.reload()
            ports = {key: bindings for key, bindings in container.ports.items() if bindings}
            bindings = ports.get(port) or next(iter(ports.values()), None)
            if bindings:
                return f"http://{self._address}:{bindings[0]['HostPort']}"
            status, _, code = _facts(container)
            if status in {"exited", "dead"}:  # one that has ended publishes nothing any more, whatever it was told
                raise self._exited(service, code)
        raise EnvironmentFailure(
            f"the service {service} publishes no port",
            slug="service-unpublished",
            where="[stack] entry",
            remedy="name a service and the port on which it listens inside its container",
        )

    def _containers(self, service: str = "") -> list[Container]:
        labels = [f"{PROJECT_LABEL}={self._project.name}"]
        labels += [f"{SERVICE_LABEL}={service}"] if service else []
        try:
            found: list[Container] = self._client.containers.list(all=True, filters={"label": labels})
        except docker.errors.NotFound:  # one went away while the list was made
            return []
        return found

    def services(self) -> Sequence[ServiceState]:
        """Return the state of every service."""
        found: dict[str, list[Container]] = {}
        for container in self._containers():
            found.setdefault(container.labels[SERVICE_LABEL], []).append(container)
        return [
            ServiceState(
                name=name,
                status=_facts(containers[0])[0],
                health=_facts(containers[0])[1],
                ids=tuple(container.id or "" for container in containers),
            )
            for name, containers in sorted(found.items())
        ]

    def log(self, service: str) -> str:
        """Return what a service has written so far."""
        return "".join(container.logs().decode(errors="replace") for container in self._containers(service))

    def execute(self, service: str, command: Sequence[str], *, timeout_s: float = 30.0) -> Completed:
        """Run a command inside a service's container."""
        containers = self._containers(service)
        if not containers:
            raise EnvironmentFailure(f"the service {service} does not run", slug="service-not-running", where=service)
        words = ["docker", "exec", str(containers[0].id), *command]
        try:
            done = subprocess.run(words, capture_output=True, timeout=timeout_s, check=False)
        except subprocess.TimeoutExpired as error:
            what = f"{command[0]} did not end within {timeout_s:g} s"
            raise EnvironmentFailure(what, slug="exec-failed", where=service, remedy="run it by hand") from error
        return Completed(exit_code=done.returncode, output=(done.stdout + done.stderr).decode(errors="replace"))

    def command(self, service: str) -> Sequence[str]:
        """Return the words with which the process of a service's first container was started."""
        config = next(container.attrs["Config"] for container in self._containers(service))
        return [*(config["Entrypoint"] or ()), *(config["Cmd"] or ())]

    def control(self, verb: Verb, service: str) -> None:
        """Stop, start, pause, unpause, kill or restart a service's containers; only what runs is paused."""
        wanted = PAUSABLE.get(verb)
        try:
            for container in self._containers(service):
                if wanted in {None, container.status}:
                    getattr(container, verb)()
        except ENGINE as error:
            raise EnvironmentFailure(
                f"the engine does not {verb} the service {service}",
                slug="service-uncontrolled",
                where=service,
                remedy="see what the engine says, and whether the service ended meanwhile",
                details=self._redact(str(error)),
            ) from error
        self._urls.clear()

    def inspect(self, service: str) -> Sequence[Mapping[str, object]]:
        """Return what the engine knows about the service's containers."""
        return [container.attrs for container in self._containers(service)]

    def memory(self, service: str) -> int:
        """Return how many bytes a service's containers hold, without what the kernel keeps of files for them."""
        return sum(_held(_stats(container)) for container in self._containers(service))

    def usage(self, service: str) -> Usage:
        """Return what a service's containers have used and hold."""
        return sum((_used(container) for container in self._containers(service)), Usage())

    def state(self) -> Mapping[str, object]:
        """Return what `attach` needs."""
        return {
            "driver": self.driver,
            "variant": self.variant,
            "project": self._project.name,
            "run": self._run,
            "entry": self._entry,
            "logs": str(self._logs),
            "ready": self._ready_path,
            "address": self._address,
            "url": self.url(),
        }


def _facts(container: Container) -> tuple[str, str, int]:
    """Return status, health (empty without a health check) and exit code."""
    state = container.attrs["State"]
    return state["Status"], (state.get("Health") or {}).get("Status", ""), int(state["ExitCode"])


def _stats(container: Container) -> Any:
    return container.stats(stream=False, one_shot=True)


def _used(container: Container) -> Usage:
    stats = _stats(container)
    busy_ns = stats.get("cpu_stats", {}).get("cpu_usage", {}).get("total_usage", 0)
    return Usage(cpu_s=busy_ns / 1e9, memory_bytes=_held(stats), descriptors=_opened(container))


def _opened(container: Container) -> int | None:
    """Return how many descriptors the processes of a container have open; None where it has no shell."""
    done: Any = container.exec_run(["sh", "-c", COUNT_DESCRIPTORS])
    text = done.output.decode(errors="replace").strip()
    return int(text) if done.exit_code == 0 and text.isdigit() else None


def _held(stats: Any) -> int:
    kinds = stats.get("memory_stats", {}).get("stats", {})
    return int(kinds.get("anon", kinds.get("rss", 0)))  # by control groups of version 2, and of version 1


def _environment(plan: StackPlan) -> dict[str, str]:
    """Return what compose fills the file's variables with, and the marks by which its processes are found."""
    knobs = plan.settings.stack.knobs(plan.profile)
    return {**os.environ, **knobs, **plan.environment, **run_marks(plan.run, keep=plan.keep)}
