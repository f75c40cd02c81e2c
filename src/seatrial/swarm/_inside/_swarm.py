"""The open loop: every arrival starts when it is due, whatever became of those before it."""

from __future__ import annotations

import gc
import logging
import random
import resource
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import gevent
import locust
from gevent.event import Event
from gevent.pool import Group
from locust import User
from locust.env import Environment

from seatrial.swarm._inside._alarm import Alarm
from seatrial.swarm._inside._book import Book
from seatrial.swarm._inside._channel import Listener
from seatrial.swarm._inside._client import DeadlinePassedError, Meter
from seatrial.swarm._inside._clock import Clock
from seatrial.swarm._inside._fence import Fence
from seatrial.swarm._inside._journey import perform
from seatrial.swarm._inside._lean import equip
from seatrial.swarm._inside._mix import Mix, Task
from seatrial.swarm._inside._shown import Shown
from seatrial.swarm._inside._visit import EndlessTaskError, Visit, no_visit
from seatrial.swarm._plan import LATE, TURNED_AWAY, Plan

SPARE_DESCRIPTORS = 100
MOST_IN_FLIGHT = 20_000
MOST_LOGGED = 20
START_DELAY_S = 0.02
WARM_S = 0.25
logger = logging.getLogger(__name__)


def run(plan: Plan, user_class: type[User], channel: Listener, go: Event, stop: Event) -> None:
    """Run the scenario once all are ready, until its end or `stop`, write `plan.requests`, and report the ledger."""
    random.seed(plan.seed)
    gevent.config.track_greenlet_tree = (
        False  # who spawned whom is nobody's question here, and costs more than a greenlet
    )
    with Path(plan.requests).open("w", encoding="utf-8", errors="backslashreplace", buffering=1 << 20) as file:
        clock = Clock()
        book = Book(file, clock, deadline_s=plan.deadline_s, shown=Shown() if plan.shown else None)
        swarm = Swarm(plan, user_class, book, clock, stop)
        swarm.prepare()
        channel.send("ready")
        go.wait()
        clock.start(delay_s=START_DELAY_S)
        channel.send("begun")
        ticker = gevent.spawn(tick, channel, book, clock)
        cpu_s = time.process_time()
        swarm.serve()
        ticker.kill()
        cpu_s = time.process_time() - cpu_s
        show(channel, book)
    channel.send(
        "done",
        ledger=asdict(book.ledger),
        rows=book.rows,
        recorded=book.recorder.told(),
        samples=book.samples.kept,
        cpu_s=cpu_s,
        wall_s=clock.now(),
        locust=locust.__version__,
    )


def tick(channel: Listener, book: Book, clock: Clock) -> None:
    """Say once a second how far it is; `proven` failures are those that no lateness of ours can have brought about."""
    second, cpu_s = 0, time.process_time()
    while True:
        second += 1
        gevent.sleep(second - clock.now())
        elapsed_s = clock.now()
        now = {"elapsed_s": elapsed_s, "failures": book.failed_rows, "limited": book.limited, "proven": book.proven}
        own = {"lag_ms": book.lag_ms, "busy": (time.process_time() - cpu_s) / elapsed_s}
        channel.send("tick", **now, **own, **book.take_recent(), **asdict(book.ledger))
        show(channel, book)


def show(channel: Listener, book: Book) -> None:
    """Tell Locust's web page, if there is one, what came since it was last told."""
    if book.shown:
        channel.send("shown", **book.shown.report())


class Swarm:
    """A pool of users that serve arrivals; it grows when all are busy."""

    def __init__(self, plan: Plan, user_class: type[User], book: Book, clock: Clock, stop: Event) -> None:
        self._plan = plan
        self._class = user_class
        self._book = book
        self._clock = clock
        self._stop = stop
        self._mix = Mix(cast(list[Task], user_class.tasks), seed=plan.seed)  # load_user refused all others
        self._meter = Meter(clock, Fence(plan.url), deadline_s=plan.deadline_s)
        self._group = Group()
        self._idle: list[User] = []
        self._waiting: dict[int, tuple[Visit, Task]] = {}
        self._logged = 0
        self._most = min(in_flight_limit(), plan.most_in_flight or MOST_IN_FLIGHT)
        self._environment = Environment(user_classes=[user_class], events=locust.events, host=plan.url)

    def prepare(self) -> None:
        """Create the first users, connect Locust's events, and put the garbage collector to rest."""
        events: Any = self._environment.events
        listeners = list(events.request._handlers)  # noqa: SLF001 - nothing public names them
        runner = self._environment.create_local_runner()
        if getattr(self._class, "lean", False):
            events.request._handlers[:] = listeners  # noqa: SLF001 - Locust's own figures take as long as the rest of us
        events.request.add_listener(self._book.on_request)
        events.init.fire(environment=self._environment, runner=runner, web_ui=None)
        count = min(self._most, 4 + int(self._plan.rate_per_s * WARM_S))
        self._idle = [self._new_user() for _ in range(count)]
        events.test_start.fire(environment=self._environment)
        gc.collect()
        gc.freeze()  # what is loaded by now stays: no collection needs to look at it again

    def _new_user(self) -> User:
        user = self._class(self._environment)
        equip(user, target=self._plan.url, deadline_s=self._plan.deadline_s)
        self._meter.attach(user)
        with no_visit():  # the pool may grow while an arrival waits for a user
            user.on_start()
        return user

    def serve(self) -> None:
        """Start every arrival at its due time, then wait until all ended, or their time is over, or it is to stop."""
        sending = gevent.spawn(self._send)
        either: list[Any] = [sending, self._stop]
        gevent.wait(either, count=1)
        sending.kill()
        sending.get()  # raises what it raised: then this process ends without a report
        self._drain()

    def _send(self) -> None:
        alarm = Alarm()
        for index, due_s in self._plan.arrivals:
            alarm.sleep(due_s - self._clock.now())
            self._book.ledger.due += 1
            self._admit(self._visit(index, due_s), self._mix.task(index))
        gevent.sleep(max(self._plan.duration_s - self._clock.now(), 0))
        self._group.join(timeout=max(self._plan.duration_s + self._plan.patience_s - self._clock.now(), 0.1))

    def _admit(self, visit: Visit, task: Task) -> None:
        """Let an arrival begin, if there are descriptors for it and its deadline is not over already."""
        if self._clock.now() - visit.due_s >= self._plan.deadline_s:
            self._book.drop(visit, task_name(task), LATE, "its deadline was over before it could begin")
        elif len(self._group) >= self._most:
            self._book.drop(visit, task_name(task), TURNED_AWAY, f"{self._most} arrivals were under way")
        else:
            self._waiting[visit.index] = (visit, task)
            self._group.spawn(self._attend, visit, task)

    def _visit(self, index: int, due_s: float) -> Visit:
        if not self._plan.identities:
            return Visit(index=index, due_s=due_s)
        name, headers = self._plan.identities[index % len(self._plan.identities)]
        return Visit(index=index, due_s=due_s, identity=name, headers=headers)

    def _drain(self) -> None:
        self._group.kill()
        for visit, task in self._waiting.values():
            self._book.drop(visit, task_name(task), LATE, "the time was over before it could begin")
        events: Any = self._environment.events
        events.test_stop.fire(environment=self._environment)

    def _attend(self, visit: Visit, task: Task) -> None:
        """Serve one arrival, in a greenlet of its own."""
        visit.make_current()
        del self._waiting[visit.index]
        self._book.begin(visit)
        name = task_name(task)
        try:
            user = self._idle.pop() if self._idle else self._new_user()
            perform(task, user)
        except gevent.GreenletExit:
            self._book.close(visit, name, killed=True)
            return
        except (Exception, EndlessTaskError) as error:  # noqa: BLE001 - a user's own code: whatever it raises fails its arrival
            self._log(name, error)
            self._book.close(visit, name, error=error)
        else:
            self._book.close(visit, name)
        # Last in, first out: few warm connections instead of many that the server closes meanwhile.
        self._idle.append(user)

    def _log(self, task: str, error: BaseException) -> None:
        self._logged += not isinstance(error, DeadlinePassedError)
        if self._logged <= MOST_LOGGED and not isinstance(error, DeadlinePassedError):
            logger.error("task %s raised", task, exc_info=error)


def task_name(task: Task) -> str:
    """Return how a task is called in rows and logs."""
    return getattr(task, "__name__", "task")


def in_flight_limit() -> int:
    """Return how many requests may be in flight: as many as there are descriptors, after asking for all we may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_IN_FLIGHT + SPARE_DESCRIPTORS
    wanted = most if hard == resource.RLIM_INFINITY else min(hard, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted - SPARE_DESCRIPTORS
