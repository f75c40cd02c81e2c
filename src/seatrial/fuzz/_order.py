"""What the engine is told: the document, how much to send, as whom, and how near to the limits.

what a campaign knows --Scene--> users and addresses, shares of quotas --> Order
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seatrial.config import ContractSettings, LimitSettings, effective, rejections
from seatrial.core import Identities, Identity, Target
from seatrial.fuzz._carried import HEADER
from seatrial.fuzz._messages import Key, Order, Share, Source
from seatrial.openapi import Operation
from seatrial.signin import People

OWN_SHARE, WHOLE_SHARE = 0.6, 0.8
"""How much of its quota an identity may use of its own accord, and with requests about what it made.

The rest is left for requests that are sent once more, and for a limiter that counts more strictly than it promises.
"""

UNLIMITED = 100_000
FEWEST, MOST = 4, 400
CASES_PER_OPERATION = 20
"""Roughly how many requests the engine sends to an operation beside its examples, to guess how many are needed."""

CASES_PER_EXAMPLE = 4
BATCH_COST = 2
"""How much a request counts for, roughly, where some are batches of many things: who has sent some waits for long."""

ADDRESSES = 40
STOP_S = {"quick": 200.0, "full": 900.0}
"""When the fuzzer is stopped where nobody says how long it may take."""

MOST_PROCESSES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A document, where it is served, who may ask, and which limits hold there."""

    settings: ContractSettings
    document: dict[str, Any]
    operations: Mapping[str, Operation]
    target: Target
    identities: Identities
    limits: Sequence[LimitSettings]
    environment: Mapping[str, str]
    profile: str
    people: People | None = None

    @property
    def limited(self) -> list[int]:
        """Return the statuses with which a limiter rejects."""
        return rejections(self.limits)

    @property
    def examples(self) -> int:
        """Return how many examples are generated for each operation."""
        return next((count for name, count in self.settings.examples.items() if name == self.profile), 10)

    @property
    def quota(self) -> float:
        """Return how many requests the strictest limit of the whole service admits."""
        return tightest([limit for limit in self.limits if limit.reach == "service"], self.environment)[0]

    @property
    def window_s(self) -> float:
        """Return the longest window of a limit of the whole service."""
        return tightest([limit for limit in self.limits if limit.reach == "service"], self.environment)[1]

    @property
    def uses(self) -> int:
        """Return how many requests an identity sends of its own accord in a window."""
        return max(1, int(self.quota * OWN_SHARE))


def tightest(limits: Sequence[LimitSettings], environment: Mapping[str, str]) -> tuple[float, float]:
    """Return the smallest quota and the longest window of what is declared."""
    if not limits:
        return UNLIMITED, 0.0
    quota = min(effective(environment, limit.quota_variable, limit.quota) for limit in limits)
    return quota, max(effective(environment, limit.window_variable, limit.window_s) for limit in limits)


def users_of(scene: Scene) -> list[Identity]:
    """Return as many users as can send what is about to be sent without waiting.

    They are of as many organisations: a limiter may count by either; each once, though declared ones come by turns.
    """
    cost = BATCH_COST if any(limit.batch_path for limit in scene.limits) else 1
    cases = cost * len(scene.operations) * (CASES_PER_OPERATION + CASES_PER_EXAMPLE * scene.examples)
    count = min(MOST, max(FEWEST, math.ceil(cases / scene.uses)))
    leased = [scene.identities.lease(1)[0] for _ in range(count)]
    return list({identity.secret: identity for identity in leased if identity.secret}.values())


def order_of(
    scene: Scene, users: Sequence[Identity], *, seed: int, only: Sequence[str], budget_s: float | None
) -> Order:
    """Return what the engine is told."""
    key = key_of(scene.people, users)
    narrow = {limit.path: limit for limit in scene.limits if limit.reach == "path"}
    return Order(
        document=scene.document,
        base_url=scene.target.url,
        seed=seed,
        examples=scene.examples,
        identities=[(each.name, {HEADER: each.name} if key else dict(each.headers)) for each in users],
        addresses=[identity.address for identity in scene.identities.lease_anonymous(ADDRESSES)],
        by_address=scene.target.by_address or scene.target.url,
        uses=scene.uses,
        most=max(scene.uses, int(scene.quota * WHOLE_SHARE)),
        window_s=scene.window_s,
        limited=scene.limited,
        budget_s=budget_s or STOP_S.get(scene.profile, STOP_S["full"]),
        narrow={path: share_of(limit, scene.environment) for path, limit in narrow.items()},
        only=list(only),
        batches={limit.batch_path: limit.batch_field for limit in scene.limits if limit.batch_path},
        processes=scene.settings.processes or min(MOST_PROCESSES, os.cpu_count() or 1),
        key=key,
        sources=_sources(scene.people),
    )


def share_of(limit: LimitSettings, environment: Mapping[str, str]) -> Share:
    """Return how much of the limit of one path a client may use."""
    quota, window_s = tightest([limit], environment)
    return Share(uses=max(1, int(quota * OWN_SHARE)), window_s=window_s)


def key_of(people: People | None, users: Sequence[Identity]) -> Key | None:
    """Return the key of each user, where requests hold it elsewhere than in a header of its own."""
    if people is None or people.carrier.place == "header":
        return None
    secrets = {each.name: each.secret for each in users}
    return Key(place=people.carrier.place, name=people.carrier.name, secrets=secrets)


def _sources(people: People | None) -> dict[str, Source]:
    found = people.tokens() if people else {}
    return {name: Source(means=means, token=token) for name, (means, token) in found.items()}
