"""From what services handed in and other tools recorded to checks, figures and reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from seatrial.config import CoverageSettings
from seatrial.core import CheckResult, Evidence, Outcome
from seatrial.cover._checks import MAPPED, judge_collected, judge_mapped
from seatrial.cover._combine import DATA, combine
from seatrial.cover._figures import Summaries, components_of, measure
from seatrial.cover._handed_in import HandedIn, interpreters
from seatrial.cover._lines import Model, join, lines_of
from seatrial.cover._merge import merge_in
from seatrial.cover._places import Places
from seatrial.cover._reach import COMPONENTS, describe
from seatrial.cover._reports import write_attribution, write_json, write_reports


def evaluate(  # noqa: PLR0913 - by keyword, each is needed once
    handed_in: Sequence[HandedIn],
    settings: CoverageSettings,
    places: Places,
    *,
    inside: str,
    out: Path,
    late: Sequence[Mapping[str, str | int]] = (),
) -> Evidence:
    """Judge the data, write every report and return the figures; `inside` is the source as the services have it.

    `late` are those that arrived in a phase after its suite began, as `Phases.late` has them.
    There is no figure unless every service handed in all that it executed, and all that is merged in could be read.
    Raises EnvironmentFailure and OSError.
    """
    merged = merge_in(settings, places)
    collected = judge_collected(handed_in, merged.gaps)
    if settings.services and not any(service.files for service in handed_in):
        nothing = CheckResult(check=MAPPED, outcome=Outcome.INCONCLUSIVE, reason="there is no data to map")
        return Evidence(results=(collected, nothing))
    mapped, ran, summaries = _read(handed_in, settings, places, inside, out)
    unread = [file for file in places.relative(places.files) if file not in ran]
    gap = collected.reason or (f"cannot be parsed: {', '.join(unread)}" if unread else "")
    model, components = join(ran, merged.model), components_of(settings, places, merged.components)
    write_attribution(model, late, out / "attribution.json")
    unit = {each.suite for each in settings.merge}
    known = {name: [file for file in files if file in model] for name, files in components.items()}
    told = describe(model, known, unit=unit, gap=gap, interpreters=interpreters(handed_in), late=late)
    write_json(told, out / COMPONENTS)
    measurements = () if gap else measure(model, components, summaries, merged=bool(settings.merge))
    evidence = Evidence(results=(collected, mapped), measurements=measurements)
    return _with_patch(evidence, model, settings.patch_base, places, out, gap) if settings.patch_base else evidence


def _with_patch(  # noqa: PLR0913, PLR0917 - what a patch is held against
    evidence: Evidence, model: Model, base: str, places: Places, out: Path, gap: str
) -> Evidence:
    """Write down what the patch against a git base has left uncovered, and add its figure."""
    from seatrial.cover import _patch, _patched  # noqa: PLC0415 - for whoever has a git base

    patch = _patch.read_patch(base, places.root)
    changed = _patched.changed_lines(patch, model, places.root)
    write_json(_patched.describe_patch(patch, changed, model, gap=gap), out / "patch.json")
    figure = _patched.measure_patch(changed)
    if gap:
        return evidence
    if figure is None:
        return replace(evidence, nothing={_patched.METRIC: _patched.NOTHING.format(base=base)})
    return replace(evidence, measurements=(*evidence.measurements, figure))


def _read(
    handed_in: Sequence[HandedIn], settings: CoverageSettings, places: Places, inside: str, out: Path
) -> tuple[CheckResult, Model, Summaries]:
    """Return how the services' data maps, what they executed, and coverage's own summary of each file."""
    if not settings.services:
        return CheckResult(check=MAPPED, outcome=Outcome.PASSED), {}, {}
    combined = combine(handed_in, places=places, inside=inside, file=out / DATA)
    try:
        summaries = write_reports(combined, places, out)
        unread = [name for name in places.files if name not in summaries]
        return judge_mapped(combined, handed_in, unread, places), lines_of(combined.data, places), summaries
    finally:
        combined.data.close(force=True)
