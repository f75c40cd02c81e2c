"""Every check of ours."""

from __future__ import annotations

from collections.abc import Sequence

from seatrial.core import Severity
from seatrial.fuzz._evidence import Judgement
from seatrial.fuzz._judge import conclude
from seatrial.fuzz.probes._created import created_readable
from seatrial.fuzz.probes._found import as_finding
from seatrial.fuzz.probes._ground import Ground, Probe
from seatrial.fuzz.probes._methods import methods_agree
from seatrial.fuzz.probes._pages import pages_complete
from seatrial.fuzz.probes._repeated import idempotent
from seatrial.fuzz.probes._tenants import tenants_apart

ASKING: Sequence[tuple[str, Severity, Probe]] = (
    ("contract.tenants-apart", Severity.CRITICAL, tenants_apart),
    ("contract.pages-complete", Severity.HIGH, pages_complete),
    ("contract.created-readable", Severity.MEDIUM, created_readable),
    ("contract.idempotent", Severity.MEDIUM, idempotent),
    ("contract.methods-agree", Severity.LOW, methods_agree),
)


def probe(ground: Ground, judgement: Judgement, *, problem: str) -> None:
    """Judge each promise; where the engine or the service broke, nothing more is asked, and nothing passes."""
    for check, severity, look in () if problem else ASKING:
        seen, gap = look(ground)
        findings = [as_finding(each, check, severity, judgement) for each in seen]
        judgement.results.append(conclude(check, findings, gap, problem=problem))
    undecided = ASKING if problem else ()
    judgement.results.extend(conclude(check, (), None, problem=problem) for check, _, _ in undecided)
