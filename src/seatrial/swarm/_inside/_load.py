"""The user class of a scenario: from its load file, or one that sends the scenario's requests."""

from __future__ import annotations

import functools
import traceback
from pathlib import Path
from typing import Any

import gevent.ssl
from locust import FastHttpUser, User, task
from locust.contrib.fasthttp import insecure_ssl_context_factory
from locust.util.load_locustfile import load_locustfile

from seatrial.swarm._inside._journey import unsupported
from seatrial.swarm._inside._visit import current_visit
from seatrial.swarm._plan import Plan
from seatrial.swarm.traffic._requests import Prepared


class BrokenLoadError(Exception):
    """A load file that cannot be used: what the harness needs for its message."""

    def __init__(self, what: str, *, slug: str, details: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.slug = slug
        self.details = details


class Sender(FastHttpUser):
    """Send the scenario's requests by turns; anything but a 2xx or 3xx is a failure, and no redirect is followed."""

    abstract = True
    lean = True
    traffic: tuple[Prepared, ...] = ()

    @task
    def visit(self) -> None:
        """Send the request whose turn the arrival has, whichever process sends those before and after it."""
        visit = current_visit()
        one = self.traffic[(visit.index if visit else 0) % len(self.traffic)]
        client: Any = self.client  # the lean one
        client.request(one.method, one.path, name=one.name, headers=one.headers, data=one.content)


def load_user(plan: Plan) -> type[User]:
    """Return the class, pointed at the target; raises BrokenLoadError."""
    chosen = _named(plan) if plan.user else _sender(plan)
    chosen.host = plan.url
    if plan.paths:
        chosen.paths = plan.paths  # type: ignore[attr-defined]  # a class says in its docstring that it reads them
    if issubclass(chosen, FastHttpUser):
        _set_up(chosen, plan)
    _check_tasks(chosen)
    return chosen


def _sender(plan: Plan) -> type[User]:
    Sender.traffic = plan.traffic
    return Sender


def _set_up(chosen: type[FastHttpUser], plan: Plan) -> None:
    """Let the scenario's deadline decide, not the client's own limit, and certificates count unless it says so."""
    chosen.network_timeout = chosen.connection_timeout = plan.deadline_s + 1
    said = {name for base in chosen.__mro__ if base is not FastHttpUser for name in vars(base)}
    if "ssl_context_factory" in said:
        return
    chosen.insecure = chosen.insecure and "insecure" in said
    # One for all users: to read the certificates takes so long that nobody else is served on time meanwhile.
    make = insecure_ssl_context_factory if chosen.insecure else gevent.ssl.create_default_context
    chosen.ssl_context_factory = staticmethod(functools.cache(make))


def _named(plan: Plan) -> type[User]:
    known = _import(plan.file)
    if plan.user in known:
        return known[plan.user]
    raise BrokenLoadError(
        f"the load file has no user class {plan.user!r}",
        slug="load-user-missing",
        details=f"user classes in it: {', '.join(sorted(known)) or 'none'}",
    )


def _import(file: str) -> dict[str, type[User]]:
    try:
        return dict(load_locustfile(file)[0])
    except (Exception, SystemExit) as error:
        last = traceback.format_exception_only(error)[-1].strip()
        place = traceback.extract_tb(error.__traceback__)[-1]
        raise BrokenLoadError(
            f"the load file cannot be imported: {last}",
            slug="load-file-broken",
            details=f"at {Path(place.filename).name}:{place.lineno}: {place.line}",
        ) from error


def _check_tasks(chosen: type[User]) -> None:
    """Refuse what cannot be cut into arrivals."""
    fault = unsupported(chosen.tasks)
    if fault:
        raise BrokenLoadError(
            f"user class {chosen.__name__!r} {fault}",
            slug="load-user-unsupported",
            details="each arrival runs one task: a function decorated with @task, which may send several requests, "
            "or a SequentialTaskSet of such functions, from its first to its last",
        )
