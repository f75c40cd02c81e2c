"""Fuzz a served contract: the engine in a child process, identities by turns, outcomes and the matrix.

document --Order--> child (Schemathesis) --Sent lines--> judge --> Evidence
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO

import httpx
import msgspec

from seatrial.config import ContractSettings, LimitSettings, effective
from seatrial.core import EnvironmentFailure, Evidence, Identities, Progress, Target
from seatrial.fuzz._document import fetch_document, operations_of
from seatrial.fuzz._judge import judge, judge_authentication
from seatrial.fuzz._matrix import measure, unseen
from seatrial.fuzz._messages import Broken, Doing, Done, Message, Order, Sent

IDENTITIES = {"quick": 60, "full": 400}
ADDRESSES = {"quick": 40, "full": 200}
SHARE_OF_QUOTA = 0.6
"""How much of its quota an identity may use: what is in flight must not tip it over."""

UNLIMITED = 10_000
TIMEOUT_S = 10.0
_decoder = msgspec.json.Decoder(Message)


@dataclass(slots=True)
class Heard:
    """What the child told."""

    sent: list[Sent] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    fatal: str = "the engine ended before its time"


def run_contract(  # noqa: PLR0913 - what a campaign knows, by keyword
    settings: ContractSettings,
    *,
    target: Target,
    identities: Identities,
    limits: Sequence[LimitSettings],
    environment: Mapping[str, str],
    profile: str,
    seed: int,
    run: str,
    progress: Progress,
) -> Evidence:
    """Fuzz the document that the target serves; raises UsageError or EnvironmentFailure for one that is none."""
    url = target.url + settings.document
    document = fetch_document(url)
    operations = operations_of(document)
    uses, window_s = _spare(limits, environment)
    examples = next((count for name, count in settings.examples.items() if name == profile), 10)
    order = Order(
        document=document,
        base_url=target.url,
        seed=seed,
        examples=examples,
        identities=[(i.name, dict(i.headers)) for i in identities.lease(IDENTITIES.get(profile, 60))],
        addresses=[i.address for i in identities.lease_anonymous(ADDRESSES.get(profile, 40))],
        uses=uses,
        window_s=window_s,
    )
    heard = _listen(order, run=run, progress=progress)
    with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as client:
        sender = _Sender(client, identities)
        judgement = judge(
            operations,
            heard.sent,
            again=sender.again,
            limited_percent=settings.rate_limited_percent,
            broken=heard.fatal,
        )
        judge_authentication(operations, heard.sent, without=sender.without, judgement=judgement, problem=heard.fatal)
    notes = [*unseen(operations, heard.sent), *(f"not fuzzed: {message}" for message in heard.broken)]
    return Evidence(
        results=tuple(judgement.results),
        measurements=measure(operations, heard.sent),
        exchanges=tuple(judgement.exchanges),
        notes=tuple(notes),
    )


def _spare(limits: Sequence[LimitSettings], environment: Mapping[str, str]) -> tuple[int, float]:
    """Return how often one identity may be used, and in how many seconds."""
    if not limits:
        return UNLIMITED, 0.0
    quota = min(effective(environment, limit.quota_variable, limit.quota) for limit in limits)
    window_s = max(effective(environment, limit.window_variable, limit.window_s) for limit in limits)
    return max(1, int(quota * SHARE_OF_QUOTA)), window_s


def _listen(order: Order, *, run: str, progress: Progress) -> Heard:
    """Run the child and take in what it tells."""
    environment = {**os.environ, "SEATRIAL_RUN": run, "SEATRIAL_OWNER": str(os.getpid()), "NO_PROXY": "*"}
    heard = Heard()
    child = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "seatrial.fuzz._child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )
    try:
        _hand_over(child, order)
        _take_in(child.stdout, heard, progress)
        _, errors = child.communicate()
        if child.returncode and heard.fatal:
            heard.fatal = f"{heard.fatal}: {errors.decode(errors='replace').strip().splitlines()[-1:]}"
    finally:
        child.kill()
        child.wait()
    return heard


def _hand_over(child: subprocess.Popen[bytes], order: Order) -> None:
    if child.stdin is None:
        raise EnvironmentFailure("the engine cannot be started", slug="contract-engine")
    with contextlib.suppress(BrokenPipeError):  # it ended at once: its output says why
        child.stdin.write(msgspec.json.encode(order))
        child.stdin.close()
    child.stdin = None


def _take_in(stream: IO[bytes] | None, heard: Heard, progress: Progress) -> None:
    phase = ""
    for line in stream or ():
        match _decoder.decode(line):
            case Sent() as sent:
                heard.sent.append(sent)
                if len(heard.sent) % 50 == 0:
                    progress(f"{phase}: {len(heard.sent)} requests")
            case Doing() as doing:
                phase = doing.phase
                progress(phase)
            case Broken() as broken:
                heard.broken.append(broken.message.splitlines()[0] if broken.message else "unknown")
                heard.fatal = broken.message if broken.fatal else heard.fatal
            case Done():
                heard.fatal = ""


class _Sender:
    """Send recorded requests again, each as somebody who was never seen before."""

    def __init__(self, client: httpx.Client, identities: Identities) -> None:
        self._client = client
        self._identities = identities

    def again(self, sent: Sent) -> int:
        """Send a request once more; 0 when no answer comes."""
        return self._send(sent, dict(self._identities.lease(1)[0].headers) if sent.identity else {})

    def without(self, sent: Sent) -> int:
        """Send a request once more without credentials."""
        return self._send(sent, {})

    def _send(self, sent: Sent, headers: dict[str, str]) -> int:
        kept = {"content-type", "accept"}
        headers |= {name: value for name, value in sent.request_headers if name.lower() in kept}
        try:
            answer = self._client.request(sent.method, sent.url, headers=headers, content=sent.body)
        except httpx.HTTPError:
            return 0
        return answer.status_code
