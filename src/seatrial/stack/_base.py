"""What every driver of a stack can do, or says that it cannot.

Settings + profile + variant + additions --> StackPlan --> driver.start() --> endpoints, logs, exec, control
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from seatrial.config import Settings
from seatrial.stack._logs import Redact
from seatrial.stack._share import Share

Variant = Literal["instrumented", "clean"]
Verb = Literal["stop", "start", "pause", "unpause", "kill", "restart"]
Ability = Literal["logs", "exec", "control", "scale", "coverage", "addresses", "inspect", "memory", "faults"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAddition:
    """What an instrument adds to a service without touching image or source.

    In values of `environment`, `{share}` becomes the path of the plan's share folder as the service sees it.
    `PYTHONPATH` is put before what the service already has.
    """

    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StackPlan:
    """Everything a driver needs to start one variant.

    `work` is a short-lived folder with a short path (sockets live there); `share` is a folder below it that services
    with an addition see (on compose mounted at /seatrial, writable by any user). `environment` fills the compose file's
    variables; a service gets of it what `handed` lists, all where it is not listed. `logs` is where what services wrote
    is kept in the end, as `redact` returns it. `root` holds the compose files (a copy of the project's folder when a
    fault edits it). With `addresses`, clients shall be told apart by their address. `images` stand in place of what the
    compose file builds or names for a service; with a `tag`, what is built is called by it and not as the file says.
    `use_share` is told how services see the share, where that is not the folder itself. `address` is the IPv4 address
    on which a compose stack publishes its ports.
    """

    settings: Settings
    profile: str
    variant: Variant
    run: str
    work: Path
    logs: Path
    root: Path
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    handed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    service_environment: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    additions: Mapping[str, ServiceAddition] = field(default_factory=dict)
    edit_compose: Callable[[dict[str, object]], None] | None = None
    replicas: Mapping[str, int] = field(default_factory=dict)
    keep: bool = False
    addresses: bool = False
    images: Mapping[str, str] = field(default_factory=dict)
    tag: str = ""
    address: str = "127.0.0.1"
    use_share: Callable[[Share], None] = field(default=lambda _: None, repr=False)
    redact: Redact = field(default=str, repr=False)

    @property
    def share(self) -> Path:
        """Return the folder that services with an addition see."""
        return self.work / "share"

    def temporary(self, service: str) -> Path:
        """Return the folder of a local service's temporary files."""
        return self.work / "tmp" / service

    def environment_of(self, service: str) -> Mapping[str, str]:
        """Return the variables that the compose file hands to a service: a local process gets no more than that."""
        names = self.handed.get(service, frozenset(self.environment))
        return {name: value for name, value in self.environment.items() if name in names}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceState:
    """A service as the driver sees it: `running`, `exited`, `paused` or `missing`, its health and ids."""

    name: str
    status: str
    health: str = ""
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a service has used and holds: processor time since its start, memory, and open descriptors.

    `descriptors` is None where they cannot be counted.
    """

    cpu_s: float = 0.0
    memory_bytes: int = 0
    descriptors: int | None = 0

    def __add__(self, other: Usage) -> Usage:
        """Return what both use; what cannot be counted of one cannot be of both."""
        known = self.descriptors is not None and other.descriptors is not None
        return Usage(
            cpu_s=self.cpu_s + other.cpu_s,
            memory_bytes=self.memory_bytes + other.memory_bytes,
            descriptors=(self.descriptors or 0) + (other.descriptors or 0) if known else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """A command that ran inside a service."""

    exit_code: int
    output: str


class Stack(Protocol):
    """A started system under test. `limitations` say in sentences what this driver cannot show.

    `by_address` is the base URL at which the entry sees a client at 127.a.b.c as such; empty where all look alike.
    """

    driver: str
    variant: Variant
    abilities: frozenset[Ability]
    limitations: tuple[str, ...]

    @property
    def by_address(self) -> str: ...

    def start(self, progress: Callable[[str], None]) -> None:
        """Start and wait until the entry answers and every service is up.

        Raises UsageError (configuration) or EnvironmentFailure (with the last log lines of what did not come up),
        after it has saved the logs and removed everything that it started.
        """

    def stop(self) -> None:
        """Keep every service's log, redacted, and remove everything; safe to call twice."""

    def url(self, service: str = "") -> str:
        """Return the base URL of a service as seen from here (the entry when empty), without a trailing slash."""

    def tell_apart(self) -> str:
        """See to it that the entry tells clients at 127.a.b.c apart; return why it cannot, empty where it does."""

    def services(self) -> Sequence[ServiceState]:
        """Return the state of every service."""

    def log(self, service: str) -> str:
        """Return what a service has written so far."""

    def execute(self, service: str, command: Sequence[str], *, timeout_s: float = 30.0) -> Completed:
        """Run a command inside a service."""

    def command(self, service: str) -> Sequence[str]:
        """Return the words with which a service's process was started."""

    def control(self, verb: Verb, service: str) -> None:
        """Stop, start, pause, unpause, kill or restart a service."""

    def inspect(self, service: str) -> Sequence[Mapping[str, object]]:
        """Return what the engine knows about the service's containers (empty where there are none)."""

    def memory(self, service: str) -> int:
        """Return how many bytes the processes of a service hold."""

    def usage(self, service: str) -> Usage:
        """Return what the processes of a service have used and hold."""

    def state(self) -> Mapping[str, object]:
        """Return what `attach` needs to find this stack again from another process, as JSON data."""
