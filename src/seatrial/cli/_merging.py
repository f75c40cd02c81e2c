"""What `seatrial merge` does: one record of all shards, judged by the rules that they left open.

shards --read_parts--> parts --events, files--> a new run --coverage, matrix, rules--> verdict --> every report
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec

from seatrial.campaign import (
    SUITES,
    Options,
    check_patch,
    commit_here,
    commit_started,
    digest_of,
    in_suite_order,
    new_run_id,
    note_left_out,
    point_latest,
    resolve_out,
    tell_matrix,
    with_patch_base,
)
from seatrial.cli._options import config_path, run_directory, run_place
from seatrial.cli._say import say
from seatrial.config import Settings, load_settings
from seatrial.core import CheckResult, EnvironmentFailure, Evidence, GateResult, Outcome, UsageError, Verdict
from seatrial.gate import (
    Value,
    collect_values,
    comparable,
    decide,
    judge,
    postpone,
    read_comparisons,
    stored_for,
)
from seatrial.plugin import look_back, write_ending
from seatrial.record import (
    CheckFinished,
    GateJudged,
    LimitationNoted,
    MeasurementTaken,
    NothingToMeasure,
    Part,
    Record,
    Recorder,
    RunFailed,
    RunFinished,
    RunStarted,
    check_alike,
    clear_run,
    lines_of,
    missing,
    read_parts,
    read_told,
)
from seatrial.reporting import summarise

COVERAGE = "coverage."
OfCoverage = CheckFinished | MeasurementTaken | NothingToMeasure
WORST_FIRST = (
    Outcome.FAILED,
    Outcome.INCONCLUSIVE,
    Outcome.BLOCKED,
    Outcome.NOT_TESTED,
    Outcome.PASSED,
    Outcome.NOT_APPLICABLE,
)
MEASURED = frozenset({Outcome.PASSED, Outcome.FAILED, Outcome.INCONCLUSIVE})


def merge_runs(runs: Sequence[str], *, out: str, config: str) -> int:
    """Merge shards into a new run, print its verdict, and return the exit code; raises SeatrialError."""
    settings = load_settings(config_path(config).resolve())
    places = [run_place(run, config) for run in runs]
    if not any(place.is_dir() for place in places):
        run_directory(runs[0], config)  # a shard may be lost; where all are, their names are wrong
    parts, unread = read_parts(places)
    if not parts:
        raise _nothing(unread)
    check_alike(parts)
    settings = _based(parts[0], settings)
    _check_here(parts[0], settings)
    stored = stored_for(parts[0].started.profile, settings)
    started = _started(parts, settings)
    directory = _make(resolve_out(out, settings.root, started.run), parts)
    with Recorder(directory) as recorder:
        _write(recorder, started, parts, settings)
        record = read_told(directory)
        recorder.subscribe(record.add)
        _judge(recorder, record, parts, settings, stored=stored, gaps=missing(parts, unread))
        if not out:
            point_latest(settings.root, directory)
        took_s = record.finished.duration_s if record.finished else 0.0
        write_ending(record, recorder, settings, took_s=lambda: took_s)
    for line in summarise(record):
        say(line)
    ended = record.finished.verdict if record.finished else Verdict.INCONCLUSIVE
    return record.failure.exit_code if record.failure else ended.exit_code


def _based(part: Part, settings: Settings) -> Settings:
    """Return the settings with the git base that the shards were given."""
    return with_patch_base(settings, Options(patch_base=part.shard.patch_base)) if settings.coverage else settings


def _nothing(unread: Sequence[str]) -> EnvironmentFailure:
    return EnvironmentFailure(
        "not one shard can be read",
        slug="shards-unreadable",
        where="; ".join(unread),
        remedy="name directories that `seatrial run --shard I/N` wrote",
    )


def _check_here(part: Part, settings: Settings) -> None:
    """Refuse to judge shards by the rules, or map them onto the source, of something else; raises UsageError.

    A git base that is not there is refused too, and a comparison that is none.
    """
    here = {"configuration": digest_of(settings)[:12], "commit": commit_here(settings)}
    theirs = {"configuration": part.shard.configuration[:12], "commit": part.shard.commit}
    for name, value in here.items():
        if value != theirs[name]:
            raise UsageError(
                f"the {name} here is not that of the shards: {value or 'none'}, not {theirs[name] or 'none'}",
                slug="shards-differ",
                where=str(settings.root / settings.config_file),
                remedy="merge where the commit of the shards is checked out, with the --config that they had",
            )
    check_patch(settings, Options(only=part.shard.suites))
    read_comparisons(settings)


def _started(parts: Sequence[Part], settings: Settings) -> RunStarted:
    """Return what the merged run begins with: all that its shards have in common."""
    suites = in_suite_order(suite for part in parts for suite in part.started.suites)
    return msgspec.structs.replace(
        parts[0].started,
        run=new_run_id(),
        started=min(part.started.started for part in parts),
        why_stack=f"merged from shards {', '.join(part.shard.name for part in parts)}",
        command=parts[0].shard.repeat,
        suites=tuple(suites),
        budget_s={},  # each shard had one of its own, and says where it took longer
        project=settings.root.name,  # a machine may check out into a folder of another name
        shard=None,
        merged=tuple(part.started.run for part in parts),
        machine=", ".join(dict.fromkeys(part.started.machine for part in parts)),
    )


def _make(directory: Path, parts: Sequence[Part]) -> Path:
    """Make the directory of the merged run, with the files that shards have beside their events."""
    if any(part.directory.resolve() == directory.resolve() for part in parts):
        raise UsageError(
            "the merged run would take the place of one of its shards",
            slug="out-occupied",
            where=str(directory),
            remedy="name a new or empty directory with --out DIR",
        )
    try:
        directory.mkdir(parents=True, exist_ok=True)
        clear_run(directory)
        for part in parts:
            _copy(part.directory / "blobs", directory / "blobs")
            _copy(part.directory / "load", directory / "load")
            _copy(part.directory / "web", directory / "web")
            _copy(part.directory / "logs", directory / "logs" / f"shard-{part.shard.number}")
    except OSError as error:
        raise EnvironmentFailure(
            f"cannot write the run's directory: {error.strerror or error}",
            slug="record-unwritable",
            where=str(directory),
            remedy="free disk space or choose another directory with --out DIR",
        ) from error
    return directory


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)


def _write(recorder: Recorder, started: RunStarted, parts: Sequence[Part], settings: Settings) -> None:
    """Write down what the shards have, but for what is to be said of all of them together."""
    recorder.emit(started)
    for part in parts:
        left_out = note_left_out(part.started.suites, part.shard, tuple(SUITES))
        recorder.adopt(lines_of(part, partial(_is_kept, left_out=left_out)))
    for note in _notes(started, parts):
        recorder.emit(LimitationNoted(note=note))
    for event in _coverage(parts, settings, recorder.directory / "coverage"):
        recorder.emit(event)


def _is_kept(event: object, left_out: str) -> bool:
    """Return whether an event holds of all shards too: what one did not select, or did not reach, another may have."""
    match event:
        case LimitationNoted(note=note):
            return note != left_out
        case MeasurementTaken(measurement=measurement):
            return not measurement.name.startswith(COVERAGE)
        case NothingToMeasure(metric=metric):
            return not metric.startswith(COVERAGE)
        case CheckFinished(result=result):
            return not result.check.startswith(COVERAGE)
        case _:
            return True


def _notes(started: RunStarted, parts: Sequence[Part]) -> Iterator[str]:
    if left_out := note_left_out(started.suites, parts[0].shard, tuple(SUITES)):
        yield left_out.replace("left to other shards", "not there, as their shards are missing")
    if len({part.started.seed for part in parts}) > 1:
        seeds = ", ".join(f"{part.shard.name} {part.started.seed}" for part in parts)
        yield f"each shard had a seed of its own, by which it is repeated: {seeds}"


def _coverage(parts: Sequence[Part], settings: Settings, out: Path) -> Iterator[OfCoverage]:
    """Yield the figures of what all shards executed together, and how the checks of coverage ended."""
    measured = [part for part in parts if any(result.outcome in MEASURED for result in _of_coverage(part).values())]
    evidence = _united(measured, settings, out)
    yield from (MeasurementTaken(measurement=measurement) for measurement in evidence.measurements)
    yield from (NothingToMeasure(metric=metric, reason=reason) for metric, reason in evidence.nothing.items())
    together = [{result.check: result for result in evidence.results}, *map(_of_coverage, parts)]
    for check in sorted({check for results in together for check in results}):
        results = [results[check] for results in together if check in results]
        yield CheckFinished(result=min(results, key=lambda result: WORST_FIRST.index(result.outcome)))


def _united(parts: Sequence[Part], settings: Settings, out: Path) -> Evidence:
    if not parts or settings.coverage is None:
        return Evidence()
    from seatrial.cover.recorded import unite  # noqa: PLC0415 - coverage takes its time

    folders = {f"shard {part.shard.name}": part.directory / "coverage" for part in parts}
    return unite(folders, settings.coverage, root=settings.root, out=out)


def _of_coverage(part: Part) -> dict[str, CheckResult]:
    """Return how a shard's checks of coverage ended, each with the shard's name where it says why."""
    return {
        check: replace(result, reason=f"shard {part.shard.name}: {result.reason}" if result.reason else "")
        for check, result in part.record.results.items()
        if check.startswith(COVERAGE)
    }


def _judge(  # noqa: PLR0913 - by keyword, each is needed once
    recorder: Recorder,
    record: Record,
    parts: Sequence[Part],
    settings: Settings,
    *,
    stored: Mapping[str, Value],
    gaps: Sequence[str],
) -> None:
    """Write down matrix, gates and verdict; where something is not there, no rule says anything of the whole."""
    tell_matrix(record, recorder)
    if gaps:
        recorder.emit(RunFailed(reason=str(_incomplete(gaps, parts)), exit_code=EnvironmentFailure.exit_code))
    gates = _gates(record, parts, settings, stored=stored, whole=not gaps)
    for gate in gates:
        recorder.emit(GateJudged(gate=gate))
    verdict, reason = decide(record, gates, on_inconclusive=settings.gate.on_inconclusive)
    look_back(record, recorder, settings)
    took = max(part.record.finished.duration_s if part.record.finished else 0.0 for part in parts)
    recorder.emit(RunFinished(verdict=verdict, reason=reason, duration_s=took))


def _incomplete(gaps: Sequence[str], parts: Sequence[Part]) -> EnvironmentFailure:
    return EnvironmentFailure(
        f"not all shards are there: {'; '.join(gaps)}",
        slug="shards-incomplete",
        where=", ".join(str(part.directory) for part in parts),
        remedy="run again what is missing, and merge it with the others",
    )


def _gates(
    record: Record, parts: Sequence[Part], settings: Settings, *, stored: Mapping[str, Value], whole: bool
) -> list[GateResult]:
    """Judge the rules that the shards left open, over all of them."""
    suites = set(parts[0].shard.suites)
    rules = comparable(settings.gate.parsed, whole=suites >= set(SUITES))
    left_open = {gate.metric for part in parts for gate in part.record.gates}
    if not whole:
        return postpone(rules, applies=left_open.__contains__, reason="it needs all shards, whole")
    values = collect_values(record, settings.waivers, today=dt.datetime.now(dt.UTC).date())
    compared = read_comparisons(settings, commit=commit_started(settings))
    held = partial(judge, rules, values, applies=left_open.__contains__, baseline=stored)
    return held(nothing=record.nothing, compared=compared)
