"""The metrics: exposed, true, of bounded size; and what they show of a flood of probes."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from seatrial.config import HealthSettings, MetricsSettings, Settings
from seatrial.core import Identity
from seatrial.http import IdentityPool
from seatrial.plugin import check, inconclusive, not_applicable

LABELS = r'\{(?:[^"{}]|"(?:[^"\\]|\\.)*")*\}'
"""A value in quotes may hold braces: those of a route's parameters."""

SAMPLE = re.compile(rf"(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:{LABELS})? +(?P<value>\S+)(?: +-?\d+)?")
FORMATS = ("text/plain", "application/openmetrics-text")
REQUESTS = 10
FLOOD = 60
AT_ONCE = 12
TRIES = 3


def read(client: httpx.Client, metrics: MetricsSettings) -> str:
    """Return the metrics as text; fails when they are not there."""
    answer = client.get(metrics.path)
    assert answer.status_code == httpx.codes.OK, f"GET {metrics.path} answers {answer.status_code}"
    return answer.text


def total(text: str, name: str) -> float:
    """Return the sum of a metric over all its labels; fails when there is none."""
    found = [match for match in map(SAMPLE.fullmatch, text.splitlines()) if match and match["name"] == name]
    assert found, f"there is no metric {name}"
    return sum(float(match["value"]) for match in found)


def rises(client: httpx.Client, metrics: MetricsSettings, name: str, act: Callable[[], object]) -> Iterator[float]:
    """Yield by how much a counter rises when something is done, up to three times: others may use the service too."""
    for _ in range(TRIES):
        before = total(read(client, metrics), name)
        act()
        yield total(read(client, metrics), name) - before


@check("health.metrics-exposed", title="metrics can be collected", severity="medium")
def test_metrics_exposed(client: httpx.Client, metrics: MetricsSettings) -> None:
    """The metrics are in the Prometheus text format: a collector drops the whole answer over one line that is not."""
    answer = client.get(metrics.path)
    assert answer.status_code == httpx.codes.OK, f"GET {metrics.path} answers {answer.status_code}"
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    assert kind in FORMATS, f"GET {metrics.path} answers {kind or 'no media type'}"
    samples = [line for line in answer.text.splitlines() if line and not line.startswith("#")]
    assert samples, f"GET {metrics.path} has no sample"
    for line in samples:
        assert SAMPLE.fullmatch(line), f"GET {metrics.path} has a line that is no sample: {line[:80]}"


EXPOSED = ("health.metrics-exposed",)


@check("health.metrics-count-requests", title="every request is counted", severity="medium", presupposes=EXPOSED)
def test_metrics_count_requests(client: httpx.Client, metrics: MetricsSettings, settings: Settings) -> None:
    """The counter of requests rises by each of ten requests: alarms on error rates divide by it."""
    if not metrics.requests:
        not_applicable("[metrics] requests is not declared")

    def ask() -> None:
        for _ in range(REQUESTS):
            client.get(settings.stack.ready)

    risen = min(rises(client, metrics, metrics.requests, ask))
    assert risen >= REQUESTS, f"{metrics.requests} rises by {risen:g} when {REQUESTS} requests are sent"


@check(
    "health.metrics-bounded",
    title="clients cannot make the metrics grow",
    severity="medium",
    presupposes=EXPOSED,
    cwe=(770,),
    owasp=("API4:2023",),
)
def test_metrics_bounded(client: httpx.Client, metrics: MetricsSettings) -> None:
    """No label repeats the path of a request: each made-up one would cost memory, here and in the collector."""
    marker = f"no-such-{secrets.token_hex(8)}"
    client.get(f"/{marker}")
    assert marker not in read(client, metrics), f"{metrics.path} repeats the path of a request that found nothing"


@pytest.fixture
def served(
    settings: Settings, client_as: Callable[[Identity | None], httpx.Client], identities: IdentityPool
) -> Callable[[], object]:
    """Return a function that asks for something of the service's business, as a fresh user where there are users."""
    path = settings.auth.protected if settings.auth and settings.auth.protected else settings.stack.ready
    return lambda: client_as(identities.lease(1)[0] if settings.auth else None).get(path)


@check(
    "health.probe-flood-bounded",
    title="a flood of probes is no flood of queries",
    severity="medium",
    presupposes=(*EXPOSED, "health.readiness-answers"),
    cwe=(770,),
    owasp=("API4:2023",),
)
def test_probe_flood_bounded(
    client: httpx.Client, served: Callable[[], object], metrics: MetricsSettings, health: HealthSettings
) -> None:
    """Sixty readiness probes lead to a quarter as many database queries at the most: anybody may send probes."""
    if not metrics.queries or not health.readiness:
        not_applicable("[metrics] queries or [health] readiness is not declared")
    path: str = health.readiness
    statuses: set[int] = set()

    def flood() -> None:
        with ThreadPoolExecutor(AT_ONCE) as senders:
            statuses.update(senders.map(lambda _: client.get(path).status_code, range(FLOOD)))

    most = FLOOD // 4
    served()  # a counter that does not count what needs the database proves nothing about probes
    bounded = any(rise <= most for rise in rises(client, metrics, metrics.queries, flood))
    if statuses != {httpx.codes.OK}:
        inconclusive(f"{path} answers {sorted(statuses)} under {FLOOD} probes")
    if not total(read(client, metrics), metrics.queries):
        inconclusive(f"{metrics.queries} has not counted any query yet")
    assert bounded, f"{FLOOD} probes of {path} lead to more than {most} database queries"
