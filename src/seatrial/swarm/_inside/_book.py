"""The books of a run: one row a request, one entry an arrival, and a few requests in full."""

from __future__ import annotations

import csv
from typing import IO, TYPE_CHECKING, Any

import gevent
from geventhttpclient.response import HTTPParseError

from seatrial.swarm._histogram import Histogram
from seatrial.swarm._inside._clock import Clock
from seatrial.swarm._inside._fence import ElsewhereError
from seatrial.swarm._inside._recorder import Recorder
from seatrial.swarm._inside._samples import Samples
from seatrial.swarm._inside._visit import MARK, Judged, Open, Visit, current_visit
from seatrial.swarm._percentile import nearest_rank
from seatrial.swarm._plan import COLUMNS, ELSEWHERE, FAILED, OK, RAISED, TASK, TIMEOUT, UNFINISHED, Ledger, is_spoilt

if TYPE_CHECKING:
    from seatrial.swarm._inside._shown import Shown  # whose import has Locust patch the process

LIMITED = 429
MOST_OPERATIONS = 200
SPEAKING = {"CatchResponseError", "ElsewhereError", "ElsewhereRequestError", "StatusError"}
"""Exceptions whose text says all."""

SETUP = Visit(index=-1, due_s=0.0)


class Book:
    """Write down what Locust's `request` event and the end of each arrival say."""

    def __init__(self, file: IO[str], clock: Clock, *, deadline_s: float, shown: Shown | None = None) -> None:
        self.shown = shown
        self.ledger = Ledger()
        self.samples = Samples()
        self.recorder = Recorder()
        self.lags = Histogram()
        self.proven = 0
        self.rows = 0
        self.failed_rows = 0
        self.limited = 0
        self._recent_ms: list[float] = []
        self._clock = clock
        self._deadline_s = deadline_s
        self._deadline_ms = deadline_s * 1000
        self._operations: set[str] = set()
        self._writer = csv.writer(file, lineterminator="\n")
        self._writer.writerow(COLUMNS)

    def on_request(  # noqa: PLR0913, PLR0917 - what Locust's event says
        self,
        request_type: str,
        name: str,
        response_time: float = 0.0,
        response: Any = None,
        exception: BaseException | None = None,
        context: dict[str, Any] | None = None,
        response_length: int = 0,
        **_: object,
    ) -> None:
        """Take in one judged request: Locust calls this for each."""
        now = self._clock.now()
        visit = current_visit() or SETUP
        since = now - (response_time or 0.0) / 1000
        sent = (context or {}).get(MARK) or Open("", since, since)
        ended_s = sent.answered_s or now
        latency_ms, service_ms = (ended_s - sent.begins_s) * 1000, (ended_s - sent.sent_s) * 1000
        status = int(getattr(response, "status_code", 0) or 0)
        outcome = ELSEWHERE if sent.elsewhere else self._outcome(exception, latency_ms)
        if outcome == ELSEWHERE or (outcome == FAILED and _unanswered(status, exception)):
            latency_ms = service_ms = self._deadline_ms  # no answer is no quick answer
        elif outcome == TIMEOUT:
            latency_ms = self._deadline_ms
        if sent in visit.opened:
            visit.opened.remove(sent)
        judged = Judged(
            operation=self._operation(request_type, name),
            status=status,
            media=_media(response),
            outcome=outcome,
            latency_ms=latency_ms,
            service_ms=service_ms,
            cause=sent.elsewhere or explain(exception, status, visit.headers),
            length=response_length or 0,
        )
        self._row(visit, judged)
        self.samples.take(visit, judged, response, span_s=(sent.begins_s, now))

    def _outcome(self, exception: BaseException | None, latency_ms: float) -> str:
        if isinstance(exception, ElsewhereError):
            return ELSEWHERE
        if isinstance(exception, gevent.Timeout) or latency_ms >= self._deadline_ms:
            return TIMEOUT
        return FAILED if exception is not None else OK

    def _operation(self, method: str, name: str) -> str:
        """Return `METHOD name`, or one name for all when a user forgot to name its requests."""
        operation = " ".join(f"{method} {name.split('?', 1)[0]}".split())
        if operation in self._operations or len(self._operations) < MOST_OPERATIONS:
            self._operations.add(operation)
            return operation
        return f"{method} (other)"

    def begin(self, visit: Visit) -> None:
        """Enter that an arrival begins."""
        visit.began_s = self._clock.now()
        self.ledger.started += 1
        self.lags.record(visit.lag_ms)

    def close(self, visit: Visit, task: str, *, error: BaseException | None = None, killed: bool = False) -> None:
        """Enter what became of an arrival; each leaves at least one row."""
        if killed:
            self._abandon(visit, task)
            self.ledger.unfinished += 1
            return
        if not visit.rows:
            cause = explain(error, 0, visit.headers) or "the task sent no request"
            self._task_row(visit, task, FAILED, cause)
        elif error is not None and not visit.failures:
            self._task_row(visit, task, RAISED, explain(error, 0, visit.headers))
        if visit.failures:
            self.ledger.failed += 1
            self.proven += bool(visit.proven)
        else:
            self.ledger.answered += 1

    def drop(self, visit: Visit, task: str, outcome: str, cause: str) -> None:
        """Enter an arrival that never began: nobody answered it, so it counts at the deadline."""
        self.ledger.dropped += 1
        visit.began_s = self._clock.now()
        self._task_row(visit, task, outcome, cause)

    @property
    def lag_ms(self) -> float:
        """Return what 99 % of the arrivals began late by, so far."""
        return self.lags.percentile(99) if self.lags.counts else 0.0

    def take_recent(self) -> dict[str, float | None]:
        """Return p50 and p99 of the latencies since the last call; None where nothing ended meanwhile."""
        ordered, self._recent_ms = sorted(self._recent_ms), []
        return {f"p{percent}_ms": nearest_rank(ordered, percent) if ordered else None for percent in (50, 99)}

    def _abandon(self, visit: Visit, task: str) -> None:
        """Enter an arrival that was still under way when its time was over."""
        cause = "not answered when the load ended"
        for sent in visit.opened or [Open(f"{TASK} {task}", visit.due_s, visit.began_s)]:
            now = self._clock.now()
            self._row(
                visit,
                Judged(
                    operation=sent.operation,
                    outcome=UNFINISHED,
                    latency_ms=max((now - sent.begins_s) * 1000, self._deadline_ms),
                    service_ms=(now - sent.sent_s) * 1000,
                    cause=cause,
                ),
            )

    def _task_row(self, visit: Visit, task: str, outcome: str, cause: str) -> None:
        """Enter a failure that no request shows; where none was sent, it is no quick answer either."""
        operation, deadline_ms = f"{TASK} {task}", self._deadline_ms
        judged = Judged(
            operation=operation, outcome=outcome, latency_ms=deadline_ms, service_ms=deadline_ms, cause=cause
        )
        self._row(visit, judged)

    def _row(self, visit: Visit, judged: Judged) -> None:
        arrival = (visit.index, visit.due_s, visit.lag_ms, visit.identity)
        request = (judged.operation, judged.status, judged.media, judged.outcome)
        self._writer.writerow((*arrival, *request, judged.latency_ms, judged.service_ms, judged.cause))
        self.rows += 1
        if visit is SETUP:
            return
        visit.rows += 1
        self.recorder.record(judged)
        if self.shown:
            self.shown.take(judged)
        self.limited += judged.status == LIMITED
        if judged.outcome != RAISED:
            self._recent_ms.append(judged.latency_ms)
        if judged.outcome != OK:
            visit.failures += 1
            visit.proven += not is_spoilt(judged.outcome, visit.lag_ms, deadline_s=self._deadline_s)
            self.failed_rows += 1


def _unanswered(status: int, error: BaseException | None) -> bool:
    """Return whether the whole answer never came: half of one has a status, and is none all the same."""
    cut = isinstance(error, (OSError, HTTPParseError)) and getattr(error, "response", None) is None
    return cut or not status


def explain(error: BaseException | None, status: int, secrets: dict[str, str]) -> str:
    """Return why a request failed, in one short line that keeps the identity's headers to itself."""
    if error is None:
        return ""
    kind, text = type(error).__name__, str(error)
    if kind == "LocustBadStatusCode":
        return f"HTTP {status}"
    for value in secrets.values():
        for secret in filter(None, (value, value.rpartition(" ")[2])):  # with its scheme, and without
            text = text.replace(secret, "{{secret}}")
    return " ".join((text if kind in SPEAKING else f"{kind}: {text}").split())[:200]


def _media(response: Any) -> str:
    headers = getattr(response, "headers", None) or {}
    return str(headers.get("content-type") or "").split(";", 1)[0].strip().lower()
