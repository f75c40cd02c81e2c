"""Who hammers the reference stack: `Steady`, its mixed traffic, and `Health`, its health checks.

seatrial runs these classes at a constant arrival rate (README.md beside this file). They are plain Locust users as
well: `locust -f load/locustfile.py --host URL` opens Locust's own web page with them.
"""

from __future__ import annotations

import itertools
import json
import os
import random
from typing import Any

from locust import FastHttpUser, between, task

ANALYSIS = "/api/v1/analysis"
HEALTH = tuple(f"/api/v1/health{which}" for which in ("", "/detailed", "/liveness", "/readiness"))
TITLES = ("Sea trials", "Draught", "Turning circle", "Crash stop")
TEXT = "A ship is not handed over on its builder's word. "


class Client(FastHttpUser):
    """A user with the token of SEATRIAL_TOKEN, if there is one: seatrial itself gives each arrival an identity."""

    abstract = True
    lean = True  # under seatrial: a client that follows and remembers nothing, for a third of the processor time
    wait_time = between(0.5, 1.5)  # of Locust's own closed loop; seatrial's arrivals do not wait
    default_headers = (
        {"Authorization": f"Bearer {os.environ['SEATRIAL_TOKEN']}"} if "SEATRIAL_TOKEN" in os.environ else {}
    )

    def expect(self, method: str, path: str, *statuses: int, **options: Any) -> bytes | None:
        """Send a request that must be answered with one of these statuses, and return the body of the answer.

        None comes back from a failed request, so that a task can stop there.
        """
        with self.client.request(method, path, catch_response=True, allow_redirects=False, **options) as response:
            if response.status_code not in statuses:
                reason = f"HTTP {response.status_code}" if response.status_code else f"no answer: {response.error!r}"
                response.failure(f"{reason}, expected {' or '.join(map(str, statuses))}")
                return None
            body: bytes = response.content
            return body


class Steady(Client):
    """What clients of the platform do all day: list 4, submit a small document and read it back 3, health 2.

    Every answer must have the documented status; 429 is a failure, since no user reaches its quota here.
    """

    @task(4)
    def list_analyses(self) -> None:
        """List what this user's organisation has submitted."""
        self.expect("GET", ANALYSIS, 200)

    @task(3)
    def submit_and_read(self) -> None:
        """Submit a small document, then read the analysis that was created."""
        length = random.randint(1, 4)  # noqa: S311 - varied load, seeded by the run
        document = {"title": TITLES[length - 1], "text": TEXT * length}
        created = self.expect("POST", ANALYSIS, 202, json=document)
        if created is not None:
            self.expect("GET", f"{ANALYSIS}/{json.loads(created)['id']}", 200, name=f"{ANALYSIS}/{{id}}")

    @task(2)
    def health(self) -> None:
        """Look whether the platform is well, as its clients' own monitoring does."""
        self.expect("GET", HEALTH[0], 200)


class Health(Client):
    """An impatient orchestrator: every path of the scenario in turn, each of which must answer 200."""

    paths: tuple[str, ...] = HEALTH
    turns = itertools.count()

    @task
    def look(self) -> None:
        """GET the next path."""
        self.expect("GET", self.paths[next(self.turns) % len(self.paths)], 200)
