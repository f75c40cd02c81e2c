"""ratelimit.json: the proof of every rate limit for machines, as reports/schema/ratelimit-1.schema.json says."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, TextIO

from seatrial.core import Bypass, CheckResult, Exchange, Finding, Lane, LimitProof, Outcome, curl_for
from seatrial.record import CheckPlanned, Record
from seatrial.reporting._policies import CAME, LEFT, WORDS, beside, policies_of, verdict_on

LIMITS_SCHEMA = "urn:seatrial:ratelimit:1"
DIGITS = 6


def write_ratelimit(_record: Record, stream: TextIO, *, limits: dict[str, Any]) -> None:
    """Write what was proved, what was not tested first."""
    json.dump(limits, stream, indent=1, ensure_ascii=False)
    stream.write("\n")


def limits_of(record: Record) -> dict[str, Any]:
    """Return the proofs as JSON data."""
    policies = [_policy(record, proof) for proof in policies_of(record).values()]
    others = [_claim(record, result, ()) for result in beside(record)]
    started = record.origin
    return {
        "schema": LIMITS_SCHEMA,
        "run": started.run,
        "project": started.project,
        "stack": started.stack,
        "profile": started.profile,
        "fault": started.fault,
        "repeat": started.command,
        "verdict": verdict_on(claim["verdict"] for group in _claims(policies, others) for claim in group),
        "not_tested": _left(others),
        "policies": policies,
        "beside": others,
    }


def _claims(policies: Iterable[dict[str, Any]], others: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    return [*(policy["claims"] for policy in policies), others]


def _left(claims: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    kept = ("check", "title", "outcome", "reason")
    return [{name: claim[name] for name in kept} for claim in claims if claim["verdict"] == LEFT]


def _policy(record: Record, proof: LimitProof) -> dict[str, Any]:
    claims = [_claim(record, result, proof.transcripts.get(result.check, ())) for result in proof.results]
    shown = dict.fromkeys(id_ for claim in claims for id_ in claim["transcript"])
    answered = sum(bool(sent.status) for lane in proof.lanes for sent in lane.sent)
    began_s = min((sent.sent_s for lane in proof.lanes for sent in lane.sent), default=0.0)
    return {
        "policy": proof.policy,
        "page": f"ratelimit/{proof.policy}.html",
        "verdict": verdict_on(claim["verdict"] for claim in claims),
        "counts": {word: sum(claim["verdict"] == word for claim in claims) for word in dict.fromkeys(WORDS.values())},
        "not_tested": _left(claims),
        "quota": proof.quota,
        "window_s": proof.window_s,
        "declared": dict(proof.promises),
        "claims": claims,
        "exchanges": [_exchange(record.exchanges[id_], began_s) for id_ in shown if id_ in record.exchanges],
        "headers": [asdict(told) for told in proof.headers],
        "bypasses": [_bypass(bypass) for bypass in proof.bypasses],
        "requests": {"sent": proof.requests, "answered": answered},
        "timeline": [_lane(lane, began_s) for lane in proof.lanes],
    }


def _claim(record: Record, result: CheckResult, transcript: Sequence[str]) -> dict[str, Any]:
    check = record.planned.get(result.check) or CheckPlanned(check=result.check, title="", suite="", severity="")
    evidence = dict.fromkeys(id_ for finding in result.findings for id_ in finding.evidence)
    return {
        "check": result.check,
        "title": check.title,
        "claim": check.claim,
        "severity": check.severity,
        "cwe": list(check.cwe),
        "owasp": list(check.owasp),
        "verdict": WORDS[result.outcome],
        "outcome": result.outcome.value,
        "reason": result.reason,
        "findings": [_finding(finding) for finding in result.findings],
        "transcript": list(evidence if result.outcome is Outcome.FAILED else transcript),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {**asdict(finding), "evidence": list(finding.evidence), "fingerprint": finding.fingerprint}


def _exchange(exchange: Exchange, began_s: float) -> dict[str, Any]:
    """Return an exchange with its times since the first request of the proof."""
    times = {"at_s": round(exchange.sent_s - began_s, DIGITS), "took_s": _took_s(exchange.sent_s, exchange.received_s)}
    told = {name: value for name, value in asdict(exchange).items() if name not in {"sent_s", "received_s"}}
    return {**told, **times, "curl": curl_for(exchange)}


def _took_s(sent_s: float, received_s: float) -> float:
    return round(received_s - sent_s, DIGITS)


def _bypass(bypass: Bypass) -> dict[str, Any]:
    verdict, says = CAME[bypass.came]
    return {**asdict(bypass), "verdict": verdict, "says": says}


def _lane(lane: Lane, began_s: float) -> dict[str, Any]:
    came = Counter(sent.came for sent in lane.sent)
    return {
        "client": lane.client,
        **{word: came[word] for word in ("admitted", "refused", "unanswered")},
        "requests": [
            {
                "at_s": round(sent.sent_s - began_s, DIGITS),
                "took_s": _took_s(sent.sent_s, sent.received_s),
                "operation": sent.operation,
                "status": sent.status,
                "refused": sent.refused,
                "came": sent.came,
            }
            for sent in lane.sent
        ],
    }
