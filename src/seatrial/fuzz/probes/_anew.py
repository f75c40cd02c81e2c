"""A recorded finding of a check of ours, looked for once more by that check.

What asks by itself asks anew, with the recorded requests as those that went through before; what looks at answers looks
at those that the recorded requests get now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seatrial.config import ContractSettings
from seatrial.core import Exchange, Finding, FindingStatus, Identities, Identity, Target
from seatrial.fuzz._authentication import Stranger
from seatrial.fuzz._evidence import as_exchange
from seatrial.fuzz._messages import Sent
from seatrial.fuzz.probes._ask import FIRST_NUMBER, Asker
from seatrial.fuzz.probes._found import Seen
from seatrial.fuzz.probes._ground import Besides, Ground, Probe
from seatrial.fuzz.probes._look import ASKING, LOOKING
from seatrial.openapi import operations_of

BY_ASKING: Mapping[str, Probe] = {check: probe for check, _, probe in ASKING}
BY_LOOKING: Mapping[str, Probe] = {check: probe for check, _, probe in LOOKING}
OF_SECRETS = "-holds-a-secret"
NOT_ASKED = "nothing is asked about it any more"
Answer = tuple[bool | None, str]
"""Whether a finding is still there, None where nothing can be said, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anew:
    """A service that is up, and what its project declares; `identities` are users that nothing was sent for yet."""

    settings: ContractSettings
    besides: Besides
    identities: Identities
    url: str
    limited: Sequence[int] = (429,)

    def ask(
        self, finding: Finding, steps: Sequence[Exchange], document: Mapping[str, Any], people: Mapping[str, Identity]
    ) -> tuple[Answer, list[Exchange]]:
        """Let the check of a finding ask about its operation again, and return what was sent too."""
        headers = {name: each.headers for name, each in people.items()}
        queries = {name: each.query for name, each in people.items()}
        send = Stranger(
            [], target=Target(url=self.url), limited=self.limited, window_s=0, users=headers, queries=queries
        ).send
        asker = Asker(
            send,
            users=headers,
            queries=queries,
            organisations={name: each.organisation for name, each in people.items()},
            identities=self.identities,
            base_url=self.url,
            limited=self.limited,
        )
        still, reason = self._look(finding, BY_ASKING[finding.check], steps, document, asker)
        found = (None, NOT_ASKED) if still is False and not asker.kept else (still, reason)
        return found, [as_exchange(sent) for sent in asker.kept]

    def look(self, finding: Finding, answers: Sequence[Exchange], document: Mapping[str, Any]) -> Answer:
        """Let the check of a finding look at answers of today."""
        if finding.cause.endswith(OF_SECRETS):
            return None, "the record does not keep the secrets of its run"
        nobody = Asker(
            lambda _sent, _who: None, users={}, queries={}, organisations={}, identities=self.identities, base_url=""
        )
        return self._look(finding, BY_LOOKING[finding.check], answers, document, nobody)

    def _look(
        self,
        finding: Finding,
        probe: Probe,
        exchanges: Sequence[Exchange],
        document: Mapping[str, Any],
        asker: Asker,
    ) -> Answer:
        operations = operations_of(document)
        if finding.operation not in operations:
            return None, f"{finding.operation} is not documented any more"
        ground = Ground(
            operations=operations,
            sent=[as_sent(number, each) for number, each in enumerate(exchanges, 1)],
            settings=self.settings,
            besides=self.besides,
            limited=self.limited,
            ask=asker,
            about=finding.operation,
        )
        seen, gap = probe(ground)
        mine = [each for each in seen if each.operation == finding.operation and not _of_then(each)]
        return _answer(finding, mine) or ((None, gap.reason) if gap else (False, "looked for, and not seen"))


def _answer(finding: Finding, seen: Sequence[Seen]) -> Answer | None:
    """Return what is said by what was seen today, None where nothing was.

    Another cause at the same operation may hide this one: an answer of 500 has no form that could be wrong.
    """
    alike = [each for each in seen if each.cause == finding.cause]
    sure = next((each for each in alike if each.status is FindingStatus.CONFIRMED), None)
    if sure or alike:
        return (True, sure.title) if sure else (None, f"{alike[0].title}: seen, but not a second time")
    others = ", ".join(dict.fromkeys(each.title for each in seen))
    return (None, f"not seen, but something else is wrong there: {others}") if others else None


def _of_then(seen: Seen) -> bool:
    """Return whether something is seen in the record alone, and not when that is sent today."""
    return seen.status is FindingStatus.FLAKY and all(sent.number < 0 for sent in seen.steps)


def as_sent(number: int, exchange: Exchange) -> Sent:
    """Return an exchange of the record as something that was sent."""
    request, response = exchange.request, exchange.response
    return Sent(
        number=number - FIRST_NUMBER,  # below all that is sent now
        operation=exchange.operation,
        mode="positive",
        method=request.method,
        url=request.url,
        identity=exchange.identity,
        request_headers=list(request.headers),
        body=request.body.encode(),
        at_s=exchange.sent_s,
        status=response.status if response else 0,
        response_headers=list(response.headers) if response else [],
        response_body=response.body if response else "",
        elapsed_s=exchange.received_s - exchange.sent_s,
    )
