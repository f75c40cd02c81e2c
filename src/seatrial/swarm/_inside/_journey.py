"""What an arrival does: one task, or a journey, which is the steps of a SequentialTaskSet with thinking between."""

from __future__ import annotations

from typing import Any, cast

import gevent
from locust import SequentialTaskSet, TaskSet, User
from locust.exception import InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately

from seatrial.swarm._inside._mix import Task

ENDED_BY_CHOICE = (RescheduleTask, RescheduleTaskImmediately, InterruptTaskSet)


def perform(task: Task, user: User) -> None:
    """Do what an arrival is for, to its end or to where it ends itself."""
    try:
        if isinstance(task, type):
            travel(cast(type[SequentialTaskSet], task), user)  # load_user refused all others
        else:
            task(user)
    except ENDED_BY_CHOICE:
        return


def travel(journey: type[SequentialTaskSet], user: User) -> None:
    """Take the steps of a journey once, in order; between two of them the user thinks, which is nobody's latency."""
    way: Any = journey(user)  # Locust says of few of its methods what they take
    way.on_start()
    try:
        for number, step in enumerate(way.tasks):
            if number:
                gevent.sleep(way.wait_time())
            step(way)
    finally:
        way.on_stop()


def unsupported(tasks: list[Any]) -> str:
    """Return what of a class's tasks cannot be cut into arrivals; empty where all can."""
    for item in tasks:
        if isinstance(item, type) and issubclass(item, TaskSet):
            if not issubclass(item, SequentialTaskSet):
                return f"nests {item.__name__}, which decides by itself when it ends"
            inner = [step.__name__ for step in item.tasks if isinstance(step, type)]
            if inner or not item.tasks:
                return f"nests {item.__name__}, which {'nests ' + inner[0] if inner else 'has no task'}"
    return "" if tasks else "has no task"
