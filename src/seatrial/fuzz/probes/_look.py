"""Every check of ours: those that ask by themselves first, so that the others judge their answers too."""

from __future__ import annotations

from collections.abc import Sequence

from seatrial.core import Severity
from seatrial.fuzz._evidence import Judgement
from seatrial.fuzz._judge import conclude
from seatrial.fuzz.probes._answers import errors_discreet, errors_enveloped, status_named
from seatrial.fuzz.probes._created import created_readable
from seatrial.fuzz.probes._found import as_finding
from seatrial.fuzz.probes._ground import Ground, Probe
from seatrial.fuzz.probes._methods import methods_agree
from seatrial.fuzz.probes._pages import pages_complete
from seatrial.fuzz.probes._repeated import idempotent
from seatrial.fuzz.probes._tenants import tenants_apart
from seatrial.fuzz.probes._time import in_time
from seatrial.fuzz.probes._traces import trace_ids

ASKING: Sequence[tuple[str, Severity, Probe]] = (
    ("contract.tenants-apart", Severity.CRITICAL, tenants_apart),
    ("contract.pages-complete", Severity.HIGH, pages_complete),
    ("contract.created-readable", Severity.MEDIUM, created_readable),
    ("contract.idempotent", Severity.MEDIUM, idempotent),
    ("contract.methods-agree", Severity.LOW, methods_agree),
    ("contract.in-time", Severity.MEDIUM, in_time),
)
LOOKING: Sequence[tuple[str, Severity, Probe]] = (
    ("contract.status-named", Severity.LOW, status_named),
    ("contract.errors-enveloped", Severity.MEDIUM, errors_enveloped),
    ("contract.errors-discreet", Severity.MEDIUM, errors_discreet),
    ("contract.trace-ids", Severity.MEDIUM, trace_ids),
)


def probe(ground: Ground, judgement: Judgement, *, problem: str) -> None:
    """Judge each promise; where the engine or the service broke, nothing more is asked, and nothing passes."""
    for check, severity, look in (*(() if problem else ASKING), *LOOKING):
        seen, gap = look(ground)
        findings = [as_finding(each, check, severity, judgement) for each in seen]
        judgement.results.append(conclude(check, findings, gap, problem=problem))
    undecided = ASKING if problem else ()
    judgement.results.extend(conclude(check, (), None, problem=problem) for check, _, _ in undecided)
