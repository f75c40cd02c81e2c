"""What was sent, in the words of the record."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from seatrial.core import CheckResult, Exchange, Request, Response
from seatrial.fuzz._messages import Sent


@dataclass(slots=True)
class Judgement:
    """Results so far, and the exchanges that show them."""

    results: list[CheckResult] = field(default_factory=list)
    exchanges: dict[str, Exchange] = field(default_factory=dict)

    def show(self, sent: Sent) -> str:
        """Keep an exchange as evidence, once, and return its id."""
        exchange = as_exchange(sent)
        self.exchanges[exchange.id] = exchange
        return exchange.id


def as_exchange(sent: Sent) -> Exchange:
    """Return a request as an exchange of the record."""
    response = Response(status=sent.status, headers=tuple(sent.response_headers), body=sent.response_body)
    return Exchange(
        id=f"contract-{os.getpid()}-{sent.number}",
        operation=sent.operation,
        identity=sent.identity,
        request=Request(method=sent.method, url=sent.url, headers=tuple(sent.request_headers), body=sent.request_body),
        response=response if sent.status else None,
        sent_s=sent.at_s,
        received_s=sent.at_s + sent.elapsed_s,
        error="" if sent.status else "no answer",
    )
