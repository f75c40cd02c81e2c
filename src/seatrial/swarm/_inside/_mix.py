"""Which task an arrival runs, and as whom: pure functions of its number."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

Task = Callable[[Any], object]


class Mix:
    """Deal tasks from a seeded deck that holds each as often as its weight, so that even a short run has the mix."""

    def __init__(self, tasks: Sequence[Task], *, seed: int) -> None:
        self._tasks = tuple(tasks)
        self._seed = seed
        self._round = -1
        self._deck: list[Task] = []

    def task(self, index: int) -> Task:
        """Return the task of an arrival."""
        number, place = divmod(index, len(self._tasks))
        if number != self._round:
            self._round, self._deck = number, list(self._tasks)
            random.Random(f"{self._seed}:{number}").shuffle(self._deck)  # noqa: S311 - repeatable, not secret
        return self._deck[place]
