"""What was proved of each rate limit, policy by policy, in the words of a reviewer; pages and JSON are made from this.

A run may put a policy to the proof more than once: a refutation stays one, else the first decision counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from seatrial.core import Bypass, CheckResult, Finding, LimitProof, Outcome
from seatrial.record import Record

SUITE = "ratelimit"
WORDS: Mapping[Outcome, str] = {
    Outcome.PASSED: "PROVED",
    Outcome.FAILED: "REFUTED",
    Outcome.INCONCLUSIVE: "INCONCLUSIVE",
    Outcome.BLOCKED: "NOT TESTED",
    Outcome.NOT_APPLICABLE: "NOT TESTED",
    Outcome.NOT_TESTED: "NOT TESTED",
}
LEFT = "NOT TESTED"
CAME: Mapping[str, tuple[str, str]] = {
    "refused": ("PROVED", "refused like the usual request"),
    "not served": ("PROVED", "not served"),
    "no answer": ("PROVED", "not answered, so not served"),
    "another handler": ("PROVED", "admitted by another handler, which is not limited here"),
    "unknown handler": ("INCONCLUSIVE", "admitted beyond a quota, by nobody knows which handler"),
    "limited apart": ("PROVED", "admitted, but a fresh client that writes it so is limited too"),
    "bypass": ("REFUTED", "a fresh client that writes it so is admitted beyond its quota"),
    "as another": ("REFUTED", "admitted, as another way of the same bypass"),
    "unconfirmed": ("INCONCLUSIVE", "admitted once; it was not tried beyond a quota"),
    "not tried": (LEFT, "not tried"),
}
"""What the ways round a limit come to: the verdict, and what happened."""


def is_selected(record: Record) -> bool:
    """Return whether a run was to prove rate limits."""
    chosen = record.started is not None and SUITE in record.started.suites
    return chosen or bool(record.proofs) or any(check.suite == SUITE for check in record.planned.values())


def policies_of(record: Record) -> dict[str, LimitProof]:
    """Return one proof for each policy, with the findings as they were completed later."""
    proofs: dict[str, LimitProof] = {}
    for proof in record.proofs:
        known = proofs.get(proof.policy)
        proofs[proof.policy] = _together(known, proof) if known else proof
    return {name: replace(proof, results=_completed(record, proof.results)) for name, proof in proofs.items()}


def _together(first: LimitProof, again: LimitProof) -> LimitProof:
    checks = dict.fromkeys(result.check for proof in (first, again) for result in proof.results)
    return replace(
        again,
        results=tuple(_decided(check, [first, again]) for check in checks),
        transcripts={**again.transcripts, **first.transcripts},
        lanes=first.lanes + again.lanes,
        headers=again.headers or first.headers,
        bypasses=tuple(_bypasses(first.bypasses + again.bypasses)),
        requests=first.requests + again.requests,
    )


def _decided(check: str, proofs: Iterable[LimitProof]) -> CheckResult:
    found = [result for proof in proofs for result in proof.results if result.check == check]
    decided = [r for wanted in (Outcome.FAILED, Outcome.PASSED) for r in found if r.outcome is wanted]
    return (decided or found[::-1])[0]


def _bypasses(found: Iterable[Bypass]) -> Iterable[Bypass]:
    """Return each way once: the worst that was seen of it."""
    kept: dict[tuple[str, str], Bypass] = {}
    for bypass in found:
        key = bypass.check, bypass.what
        kept[key] = min(kept.get(key, bypass), bypass, key=_seriousness)
    return kept.values()


def _seriousness(bypass: Bypass) -> int:
    return ("REFUTED", "INCONCLUSIVE", "PROVED", LEFT).index(CAME[bypass.came][0])


def _completed(record: Record, results: Sequence[CheckResult]) -> tuple[CheckResult, ...]:
    """Return results whose findings say where they are to be mended and whether they are waived."""
    known = {found.fingerprint: found for result in record.results.values() for found in result.findings}
    return tuple(
        replace(
            result, findings=tuple(_complete(found, known.get(found.fingerprint, found)) for found in result.findings)
        )
        for result in results
    )


def _complete(found: Finding, known: Finding) -> Finding:
    """Return a finding with what became known of it later; its requests are its own, whatever policy it is of."""
    return replace(found, location=known.location, status=known.status, waiver=known.waiver)


def verdict_on(words: Iterable[str]) -> str:
    """Return what a policy comes to: refuted by one claim that is, proved if something is and nothing is open.

    What was not tested is said, and spoils nothing that was; nothing but that is not tested.
    """
    seen = set(words)
    return next((word for word in ("REFUTED", "INCONCLUSIVE", "PROVED") if word in seen), LEFT)


def beside(record: Record) -> list[CheckResult]:
    """Return what else the suite verified, which is not of one policy alone."""
    told = {result.check for proof in record.proofs for result in proof.results}
    planned = [slug for slug, check in record.planned.items() if check.suite == SUITE and slug not in told]
    lost = "the check never ended"
    return [
        record.results.get(slug) or CheckResult(check=slug, outcome=Outcome.INCONCLUSIVE, reason=lost)
        for slug in planned
    ]
