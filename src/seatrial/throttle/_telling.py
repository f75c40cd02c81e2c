"""A proof as the record keeps it: claims with what shows them, requests, what headers said, and ways round it.

Nothing here has a secret in it: clients are named, and what their requests carried is in the exchanges.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from seatrial.core import CheckResult, LimitProof, Outcome
from seatrial.throttle._networks import fresh_address, of_network
from seatrial.throttle._policy import Policy
from seatrial.throttle._promises import promises
from seatrial.throttle._scene import Scene
from seatrial.throttle._shown import Album
from seatrial.throttle._variants import Variant, variants

DECLARED = (
    "algorithm",
    "anchor",
    "reach",
    "method",
    "path",
    "path_template",
    "exempt",
    "authenticated_by",
    "anonymous_by",
    "proxy",
    "rejection_status",
    "headers",
    "retry_after",
    "bypass_headers",
    "bypass_values",
    "bypass_paths",
    "bypass_methods",
    "bypass_fields",
    "costs",
    "store",
    "batch_path",
)
"""What of a [[limits]] block is told: bodies are not, which may hold a password."""


def tell_proof(scene: Scene, results: Iterable[CheckResult], album: Album) -> LimitProof:
    """Return what a reviewer wants to know of a proof that is over."""
    policy, journal, results = scene.policy, scene.ledger.journal, tuple(results)
    return LimitProof(
        policy=policy.settings.name,
        quota=policy.quota,
        window_s=policy.window_s,
        promises=_promises(policy),
        results=results,
        transcripts=_transcripts(scene, results, album),
        lanes=journal.lanes(scene.heard),
        headers=journal.headers,
        bypasses=journal.matrix(_ways_round(policy)),
        requests=scene.ledger.requests,
    )


def _ways_round(policy: Policy) -> Iterator[Variant]:
    yield from variants(policy)
    if promises(policy, "network-bounded"):
        yield of_network(fresh_address())


def _promises(policy: Policy) -> dict[str, str]:
    declared = policy.settings.model_dump(mode="json")
    declared["store"] += f" ({policy.settings.store_down} while it is down)" if declared["store"] else ""
    declared["costs"] = [f"{cost.status} {'counts' if cost.counts else 'is free'}" for cost in policy.settings.costs]
    told = {name: declared[name] for name in DECLARED if declared[name] not in ("", [], {}, None)}
    return {name: ", ".join(value) if isinstance(value, list) else str(value) for name, value in told.items()}


def _transcripts(scene: Scene, results: Iterable[CheckResult], album: Album) -> Mapping[str, tuple[str, ...]]:
    """Return the exchanges of claims that hold: those that are refuted have them in their findings."""
    kept = scene.ledger.journal.transcripts
    held = {result.check: kept.get(result.check.partition(".")[2], []) for result in results if _holds(result)}
    return {check: tuple(shown.id for shown in album.show(answers)) for check, answers in held.items() if answers}


def _holds(result: CheckResult) -> bool:
    return result.outcome is Outcome.PASSED
