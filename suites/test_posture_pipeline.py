"""What the pipeline promises that deploys the stack: nothing gets past its gate."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from seatrial.config import PipelineSettings, PostureSettings
from seatrial.manifests import (
    Flaw,
    Unreadable,
    Workflow,
    called_in,
    deployed_from_elsewhere,
    looked_after,
    malformed,
    not_started,
    overpowered,
    read_documents,
    unbounded,
    ungated,
    unpinned,
    unprotected,
    unverified,
)
from seatrial.plugin import Defects, check, declared, not_applicable, not_tested

VALID = ("posture.pipeline-valid",)


@pytest.fixture
def pipeline(posture: PostureSettings) -> PipelineSettings:
    """Return what the pipeline promises."""
    return declared(posture.pipeline, "[posture.pipeline]")


@pytest.fixture
def workflow(pipeline: PipelineSettings, tree: Path) -> Workflow:
    """Return the workflow, which is valid: every check of it presupposes that."""
    return Workflow(read_documents(tree / pipeline.file)[0])


def note(flaws: Iterable[Flaw], pipeline: PipelineSettings, defects: Defects) -> None:
    """Note each flaw with its line, and fail where there is one."""
    for flaw in flaws:
        place = f"{pipeline.file}:{flaw.line}"
        defects.add(f"{flaw.title} ({place})", cause=flaw.cause, location=place)
    defects.none()


@check("posture.pipeline-valid", title="the pipeline's file is a workflow", severity="high")
def test_pipeline_valid(pipeline: PipelineSettings, tree: Path, defects: Defects) -> None:
    """The file parses, keeps to the published schema of workflows, and each job that is waited for is there.

    GitHub runs nothing of a file that is no workflow, and nobody is told but who looks.
    """
    try:
        flaws = list(malformed(read_documents(tree / pipeline.file)))
    except Unreadable as error:
        flaws = [Flaw(f"it cannot be read: {error}", "unreadable", error.line)]
    note(flaws, pipeline, defects)


@check("posture.pipeline-events", title="the pipeline runs when it should", severity="medium", presupposes=VALID)
def test_pipeline_events(workflow: Workflow, pipeline: PipelineSettings, defects: Defects) -> None:
    """Each event of `[posture.pipeline] events` starts it, pushes and pull requests to each of `branches`."""
    if not pipeline.events:
        not_applicable("[posture.pipeline] events is not declared")
    note(not_started(workflow, pipeline), pipeline, defects)


@check(
    "posture.pipeline-gated",
    title="nothing is deployed that did not pass",
    severity="high",
    presupposes=VALID,
    cwe=(693,),
)
def test_pipeline_gated(workflow: Workflow, pipeline: PipelineSettings, defects: Defects) -> None:
    """The job that deploys waits for the gate and every other job, and no job before it is green though it failed.

    What does not wait deploys what the gate is about to refuse.
    """
    note(ungated(workflow, pipeline), pipeline, defects)


@check(
    "posture.pipeline-branch",
    title="only what was merged is deployed",
    severity="high",
    presupposes=VALID,
    cwe=(284,),
)
def test_pipeline_branch(workflow: Workflow, pipeline: PipelineSettings, defects: Defects) -> None:
    """The job that deploys, or one that it waits for, runs on `deploys_from` alone: its `if` compares github.ref.

    Otherwise whoever may push a branch, or start the pipeline by hand, deploys it.
    """
    note(deployed_from_elsewhere(workflow, pipeline), pipeline, defects)


@check(
    "posture.pipeline-environment",
    title="a deployment is in a protected environment",
    severity="medium",
    presupposes=VALID,
    cwe=(284,),
)
def test_pipeline_environment(workflow: Workflow, pipeline: PipelineSettings, defects: Defects) -> None:
    """The job that deploys names an environment: its reviewers and secrets are nobody else's.

    That the environment has rules is the repository's setting, which no file shows.
    """
    if called := called_in(workflow, [pipeline.deploy]):
        not_tested(f"{pipeline.deploy} calls {called}, and what is in there is not read")
    note(unprotected(workflow, pipeline), pipeline, defects)


@check(
    "posture.pipeline-permissions",
    title="each job may do what it needs",
    severity="medium",
    presupposes=VALID,
    cwe=(250, 732),
)
def test_pipeline_permissions(workflow: Workflow, pipeline: PipelineSettings, defects: Defects) -> None:
    """Permissions are stated, those to write job by job: the default may let the token of every job write."""
    note(overpowered(workflow), pipeline, defects)


@check(
    "posture.pipeline-actions-pinned",
    title="each action is the one that was read",
    severity="high",
    presupposes=VALID,
    cwe=(829, 1357),
)
def test_pipeline_actions_pinned(workflow: Workflow, pipeline: PipelineSettings, defects: Defects) -> None:
    """Each action of others is pinned by the full hash of a commit: whoever owns a tag can move it, and has secrets."""
    note(unpinned(workflow), pipeline, defects)


@check("posture.pipeline-timeouts", title="no job hangs for hours", severity="low", presupposes=VALID, cwe=(400,))
def test_pipeline_timeouts(workflow: Workflow, pipeline: PipelineSettings, defects: Defects) -> None:
    """Each job has `timeout-minutes`: by default one that hangs holds its runner, and a deployment, for six hours."""
    note(unbounded(workflow), pipeline, defects)


@check(
    "posture.pipeline-rollback",
    title="what does not work is taken back",
    severity="medium",
    presupposes=VALID,
)
def test_pipeline_rollback(workflow: Workflow, pipeline: PipelineSettings, defects: Defects) -> None:
    """After the deployment the step `verify` looks at it, and where that fails the step `rollback` runs."""
    if not pipeline.verify or not pipeline.rollback:
        not_applicable("[posture.pipeline] verify or rollback is not declared")
    found = list(unverified(workflow, pipeline))
    if found and (called := called_in(workflow, looked_after(workflow, pipeline))):
        not_tested(f"{called} is called, and what is in there is not read: it may be there")
    note(found, pipeline, defects)
