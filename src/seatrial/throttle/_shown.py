"""How defects and measurements are told: findings, exchanges without secrets, and a line that repeats them."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Sequence

from seatrial.core import Exchange, Finding, Measurement, Request, Response, Severity, Target
from seatrial.throttle._claims import Defect
from seatrial.throttle._ledger import Ledger
from seatrial.throttle._policy import Policy
from seatrial.throttle._replay import drained, line
from seatrial.throttle._wire import JSON, USUAL_VERSION, Answer, unsaid

_numbers = itertools.count(1)
LATE = "the longest that a request took to leave after its clock was read; each verdict's interval has it in it"
PRESSED = {
    "refusal_cost": "how many times as long as an answer a refusal takes, the median of pairs",
    "noise_factor": "how many times as long a client waits while another one goes on asking, the median of pairs",
    "load_started": "of the arrivals that were due while the quota was asked for under load, the share that began",
}


class Album:
    """Exchanges that are shown, each once."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._kept: dict[Answer, Exchange] = {}

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """Return everything that was shown."""
        return tuple(self._kept.values())

    def show(self, answers: Sequence[Answer]) -> list[Exchange]:
        """Return the exchanges of answers."""
        return [self._kept.get(answer) or self._keep(answer) for answer in answers]

    def pairs(self, answers: Sequence[Answer]) -> zip[tuple[Answer, Exchange]]:
        """Return answers with their exchanges."""
        return zip(answers, self.show(answers), strict=True)

    def _keep(self, answer: Answer) -> Exchange:
        secret = tuple((name, f"{{{{secret:{answer.client}}}}}") for name in answer.secret)
        url, kind = self._target.url + answer.path, (JSON,) if answer.sent_body else ()
        shown = self._kept[answer] = Exchange(
            id=f"proof-{os.getpid()}-{next(_numbers)}",
            operation=f"{answer.method} {answer.path}",
            identity=answer.client,
            request=Request(
                method=answer.method,
                url=url,
                headers=(*unsaid((*secret, *kind), answer.extra), *answer.extra),
                body=answer.sent_body.decode(),
                version="" if answer.version == USUAL_VERSION else answer.version,
            ),
            response=Response(status=answer.status, headers=answer.headers, body=answer.body),
            sent_s=answer.sent.s,
            received_s=answer.received.s,
        )
        return shown


def tell(check: str, severity: Severity, defect: Defect, policy: Policy, album: Album) -> Finding:
    """Return a finding with the exchanges that show it."""
    turns = defect.replay or drained(defect.answers, policy.shows)
    shown = album.show(defect.answers)
    return Finding(
        check=check,
        severity=severity,
        title=defect.title,
        cause=defect.cause,
        operation=shown[-1].operation,
        evidence=tuple(exchange.id for exchange in shown),
        replay=line(turns, {answer: exchange for turn in turns for answer, exchange in album.pairs(turn.answers)}),
    )


def measure(policy: Policy, ledger: Ledger, seconds: float) -> tuple[Measurement, ...]:
    """Return what the proof cost and saw; what was not seen is left out."""
    name = policy.settings.name
    ratio = "from a window's first request to the first answer of the next one, of the declared window: an upper bound"
    rows = (
        ("ratelimit.requests", ledger.requests or None, "count", f"sent to prove {name}"),
        ("ratelimit.seconds", seconds, "s", f"duration of the proof of {name}"),
        ("ratelimit.repeated", ledger.repeated, "count", "steps that were tried again, as they had decided nothing"),
        ("ratelimit.send_error", 1000 * ledger.late_s, "ms", LATE),
        ("ratelimit.admitted", ledger.admitted, "count", f"admitted in one window, one by one; quota {policy.quota}"),
        ("ratelimit.window_ratio", ledger.window_ratio, "ratio", ratio),
    )
    return _measured(rows)


def measure_deep(policy: Policy, ledger: Ledger, seconds: float) -> tuple[Measurement, ...]:
    """Return what the deep stage cost and saw."""
    name, grew = policy.settings.name, "by which a service grew with a second batch of clients that never come again"
    rows = (
        ("ratelimit.deep_requests", ledger.requests or None, "count", f"sent in the deep stage of {name}"),
        ("ratelimit.deep_seconds", seconds, "s", f"duration of the deep stage of {name}"),
        *((f"ratelimit.{figure}", ledger.figures.get(figure), "ratio", told) for figure, told in PRESSED.items()),
        *((f"ratelimit.growth.{service}", bytes_, "bytes", grew) for service, bytes_ in ledger.growth.items()),
    )
    return _measured(rows)


def _measured(rows: Iterable[tuple[str, float | None, str, str]]) -> tuple[Measurement, ...]:
    return tuple(
        Measurement(name=name, value=value, unit=unit, definition=definition)
        for name, value, unit, definition in rows
        if value is not None
    )
