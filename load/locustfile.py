"""Who hammers the reference stack: mixed traffic, users beyond their quota, jobs, and health checks.

seatrial runs these classes at a constant arrival rate (README.md beside this file). They are plain Locust users as
well: `locust -f load/locustfile.py --host URL` opens Locust's own web page with them.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import time
from collections import Counter
from typing import Any, ClassVar

import gevent
from locust import FastHttpUser, between, task

ANALYSIS = "/api/v1/analysis"
HEALTH = tuple(f"/api/v1/health{which}" for which in ("", "/detailed", "/liveness", "/readiness"))
TITLES = ("Sea trials", "Draught", "Turning circle", "Crash stop")
ADMITTED, REFUSED = 200, 429
CLOCK_S = 1.0
"""Seconds are whole in these headers, rounded up."""

POLL_S, PATIENCE_S = 0.25, 8.0
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


class Limits(Client):
    """Users who send more than they may: list 4, and health 1, which nobody may be refused.

    Both answers are right, as long as their headers are: from one admission to the end that it told no more is admitted
    than they say, though later ones may tell another end, and who waits as long as `Retry-After` says comes after it.
    What is refused counts as an operation of its own, so that a refusal can be asked to be as cheap as an answer.
    """

    lean = False  # an answer that names itself anew takes Locust's own client
    admitted: ClassVar[Counter[tuple[str, int]]] = Counter()
    ends: ClassVar[dict[str, int]] = {}

    @task(4)
    def list_analyses(self) -> None:
        """List, whether that is admitted or not."""
        sent_s = time.time()
        with self.client.get(ANALYSIS, catch_response=True, allow_redirects=False) as response:
            if response.status_code == REFUSED:
                response.request_meta["name"] = f"{ANALYSIS} (refused)"
                problem = self.dishonest(response.headers, sent_s, time.time())
            else:
                problem = (
                    self.too_many(response, time.time())
                    if response.status_code == ADMITTED
                    else f"neither {ADMITTED} nor {REFUSED}"
                )
            if problem:
                response.failure(f"HTTP {response.status_code}: {problem}")
            else:
                response.success()

    def too_many(self, response: Any, received_s: float) -> str:
        """Return what is wrong with an admission: it is one more in its window than the quota."""
        quota, end = (str(response.headers.get(f"X-RateLimit-{word}", "")) for word in ("Limit", "Reset"))
        if not (quota.isdecimal() and end.isdecimal()):
            return f"X-RateLimit-Limit {quota!r}, X-RateLimit-Reset {end!r}"
        who = (
            f"{response.request.headers.get('Authorization', '')} {quota}"  # each of several quotas has its own window
        )
        window = (who, self.end_of(who, int(end), received_s))
        self.admitted[window] += 1
        return f"{self.admitted[window]} admitted in a window of {quota}" if self.admitted[window] > int(quota) else ""

    def end_of(self, who: str, told: int, received_s: float) -> int:
        """Return by which end a user's window is known: the first one that was told of it, until that is over."""
        known = self.ends.get(who, 0)
        if (who, told) not in self.admitted and received_s < known - CLOCK_S:
            return known
        self.ends[who] = max(told, known)
        return told

    @staticmethod
    def dishonest(headers: Any, sent_s: float, received_s: float) -> str:
        """Return what is wrong with a refusal: whoever waits as it says comes too early, or much too late."""
        told, reset = str(headers.get("Retry-After", "")), str(headers.get("X-RateLimit-Reset", ""))
        if not (told.isdecimal() and reset.isdecimal()):
            return f"Retry-After {told!r}, X-RateLimit-Reset {reset!r}"
        early_s, late_s = int(reset) - (received_s + int(told)), sent_s + int(told) - int(reset)
        off_s = max(early_s, late_s)  # it was decided between the send and the answer
        return f"Retry-After {told} ends {off_s:.1f} s beside the reset" if off_s > CLOCK_S else ""

    @task(1)
    def health(self) -> None:
        """Look whether the platform is well."""
        self.expect("GET", HEALTH[0], 200)


class Jobs(Client):
    """Hand in a document and wait until it is analysed: `JOB analysis` is the time for both."""

    @task
    def analyse(self) -> None:
        """Submit, then read until it is completed; what takes longer than `PATIENCE_S` has failed."""
        began_s = time.perf_counter()
        created = self.expect("POST", ANALYSIS, 202, json={"title": TITLES[0], "text": TEXT})
        if created is not None:
            reads = self.reads_until_done(json.loads(created)["id"], began_s + PATIENCE_S)
            self.tell_job(time.perf_counter() - began_s, None if reads else TimeoutError("not completed in time"))

    def reads_until_done(self, analysis: str, end_s: float) -> bool:
        """Return whether an analysis was completed in time."""
        while time.perf_counter() < end_s:
            gevent.sleep(POLL_S)
            body = self.expect("GET", f"{ANALYSIS}/{analysis}", 200, name=f"{ANALYSIS}/{{id}}")
            if body is None or json.loads(body).get("status") == "completed":
                return body is not None
        return False

    def tell_job(self, seconds: float, error: Exception | None) -> None:
        """Count a job beside the requests that it took."""
        self.environment.events.request.fire(
            request_type="JOB", name="analysis", response_time=seconds * 1000, response_length=0, response=None,
            exception=error, context={},
        )  # fmt: skip


class Health(Client):
    """An impatient orchestrator: every path of the scenario in turn, each of which must answer 200."""

    paths: tuple[str, ...] = HEALTH
    turns = itertools.count()

    @task
    def look(self) -> None:
        """GET the next path."""
        self.expect("GET", self.paths[next(self.turns) % len(self.paths)], 200)
