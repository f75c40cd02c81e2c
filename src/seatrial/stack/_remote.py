"""A system that somebody else started, known by its URL."""

from __future__ import annotations

import ipaddress
import shlex
import socket
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NoReturn
from urllib.parse import SplitResult, urlsplit

from seatrial.config import SMOKE
from seatrial.core import ALIKE, EnvironmentFailure, UsageError
from seatrial.core.fence import CONNECTION, leaving, patience
from seatrial.stack._abilities import lacks
from seatrial.stack._base import Ability, Completed, ServiceState, StackPlan, Usage, Variant, Verb
from seatrial.stack._ready import OK, SERVED, answers, wait_until

DEFAULT_PORTS = {"http": 80, "https": 443}
ANY_PORT = "*"
"""Instead of a port, for hosts on which stacks are started: an engine chooses ports by chance."""

TRIES, APART_S, CONNECT_S = 3, 1.0, 5.0
"""How often a connection is tried, and for how long: a new instance may take a moment to be reached."""

LIMITATIONS = (
    "The system was started by somebody else: its logs, its coverage and its failure modes were not looked at.",
    "All requests came from one address.",
)


class AttachedRemote:
    """A target that was allowed, and answered, when this run began."""

    driver = "remote"
    abilities: frozenset[Ability] = frozenset()
    limitations: tuple[str, ...] = LIMITATIONS
    by_address = ""

    def __init__(self, url: str, *, variant: Variant) -> None:
        self.variant = variant
        self._url = url

    def start(self, progress: Callable[[str], None]) -> None:
        """Say that the target is up."""
        progress(f"{self._url} is up already")

    def stop(self) -> None:
        """Leave the target as it is: it is not ours."""

    def url(self, service: str = "") -> str:
        """Return the URL; raises EnvironmentFailure for any service but the entry."""
        if service:
            raise EnvironmentFailure(
                f"the address of {service} is not known", slug="ability-missing", where=self._url, remedy=COMPOSE
            )
        return self._url

    def tell_apart(self) -> str:
        """Say that nothing is known of what lies between here and there."""
        return ALIKE

    def services(self) -> Sequence[ServiceState]:
        """Return nothing: only a URL is known."""
        return ()

    def log(self, service: str) -> str:
        """Raise EnvironmentFailure."""
        self._lack("logs", service)

    def execute(self, service: str, command: Sequence[str], *, timeout_s: float = 30.0) -> Completed:
        """Raise EnvironmentFailure."""
        self._lack("exec", service, command, timeout_s)

    def command(self, service: str) -> Sequence[str]:
        """Raise EnvironmentFailure."""
        self._lack("exec", service)

    def control(self, verb: Verb, service: str) -> None:
        """Raise EnvironmentFailure."""
        self._lack("control", service, verb)

    def inspect(self, service: str) -> Sequence[Mapping[str, object]]:
        """Raise EnvironmentFailure."""
        self._lack("inspect", service)

    def memory(self, service: str) -> int:
        """Raise EnvironmentFailure."""
        self._lack("memory", service)

    def usage(self, service: str) -> Usage:
        """Raise EnvironmentFailure."""
        self._lack("memory", service)

    def state(self) -> Mapping[str, object]:
        """Return the URL, which was allowed."""
        return {"driver": self.driver, "variant": self.variant, "url": self._url}

    def _lack(self, ability: Ability, *_: object) -> NoReturn:
        raise lacks(self, ability)


class RemoteStack(AttachedRemote):
    """A URL on this machine, or one that is allowed; nothing is sent before that is settled."""

    def __init__(self, url: str, plan: StackPlan, *, allowed: bool = False, allow_target: str = "") -> None:
        committed = plan.settings.targets.allow
        checked = check_target(url, committed=committed, allow_target=allow_target, allowed=allowed)
        super().__init__(checked, variant=plan.variant)
        self._ready = plan.settings.stack.ready
        # Where no path is declared, nobody knows of one that answers 2xx: a URL that answers is there.
        declared = "ready" in plan.settings.stack.model_fields_set
        self._wanted, self._statuses = ("2xx", OK) if declared else ("2xx, 3xx or 4xx", SERVED)
        self._timeout_s = plan.settings.stack.start_timeout_s
        self._reads_only = plan.profile == SMOKE

    def start(self, progress: Callable[[str], None]) -> None:
        """Wait until the target answers; raises EnvironmentFailure when it does not.

        Where nothing may be changed, it is a connection that is waited for: how it answers is what checks are about.
        """
        progress(f"waiting for {self._url}")
        if self._reads_only:
            self._connect()
            return
        if not wait_until(lambda: answers(f"{self._url}{self._ready}", self._statuses), timeout_s=self._timeout_s):
            raise EnvironmentFailure(
                f"the target does not answer with {self._wanted}",
                slug="target-unreachable",
                where=f"{self._url}{self._ready}",
                remedy="start it, correct the URL, or set [stack] ready to a path that answers 2xx",
            )

    def _connect(self) -> None:
        parts = _split(self._url)
        where = (parts.hostname or "", parts.port or DEFAULT_PORTS[parts.scheme])
        for number in range(TRIES):
            time.sleep(APART_S if number else 0)
            try:
                with leaving(CONNECTION, self._url), socket.create_connection(where, patience(CONNECT_S)):
                    return
            except OSError as error:
                last = error
        raise EnvironmentFailure(
            f"the target takes no connection: {last}",
            slug="target-unreachable",
            where=self._url,
            remedy="see that it runs, and that this machine may reach it",
        )


COMPOSE = "use --stack compose or --stack local"


def check_target(url: str, *, committed: Collection[str] = (), allow_target: str = "", allowed: bool = False) -> str:
    """Return a URL without its trailing slash if it may be tested.

    Loopback may; another host only when the committed configuration and the command line both name it. Raises
    UsageError before anything is sent.
    """
    target = address_of(url)
    if not (allowed or is_loopback(_split(url).hostname or "")):
        check_named(target, where=url, committed=committed, allow_target=allow_target)
    return url.rstrip("/")


def check_named(target: str, *, where: str, committed: Collection[str], allow_target: str) -> None:
    """Raise UsageError unless the committed configuration and the command line both name a target or its whole host."""
    names = names_of(target)
    if allow_target not in names or names.isdisjoint(committed):
        raise UsageError(
            f"{target} is not this machine and was not allowed",
            slug="target-not-allowed",
            where=where,
            remedy=f'add allow = ["{target}"] to [targets] of seatrial.toml and give '
            f"--allow-target {shlex.quote(target)}, and do so only for systems that are yours",
        )


def names_of(target: str) -> frozenset[str]:
    """Return by which names a `HOST:PORT` may be allowed: itself, and its host with any port."""
    return frozenset({target, f"{target.rpartition(':')[0]}:{ANY_PORT}"})


def address_of(url: str) -> str:
    """Return host and port of a URL, as they are allowed; raises UsageError for one that cannot be tested."""
    parts = _split(url)
    return f"{parts.hostname}:{parts.port or DEFAULT_PORTS[parts.scheme]}"


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in DEFAULT_PORTS and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.username or parts.query or parts.fragment:
        raise UsageError(
            "not a URL that can be tested",
            slug="target-invalid",
            where=url.rpartition("@")[2],
            remedy="write http://HOST:PORT or https://HOST:PORT, without user, query and fragment",
        )
    return parts


def is_loopback(host: str) -> bool:
    """Return whether all addresses of a name are loopback ones: one alone proves nothing about the next request."""
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    return bool(found) and all(ipaddress.ip_address(address.partition("%")[0]).is_loopback for address in found)
