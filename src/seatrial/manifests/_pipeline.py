"""What is wrong with the pipeline that deploys: each flaw with its line and a stable word for its cause."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from seatrial.config import PipelineSettings
from seatrial.manifests._read import Document, Place
from seatrial.manifests._schemas import departures
from seatrial.manifests._workflow import GOES_ON, PINNED, Workflow, admits, confines, goes_on, listed

FILTERED = ("push", "pull_request")


class Flaw(NamedTuple):
    """One thing that is wrong with a file."""

    title: str
    cause: str
    line: int


def malformed(documents: list[Document]) -> Iterator[Flaw]:
    """Yield in what a file departs from the published schema of workflows, and the jobs that nobody has."""
    if len(documents) != 1:
        yield Flaw(f"a workflow is one document, here are {len(documents)}", "documents", 1)
        return
    for number, (line, what) in enumerate(departures(documents[0], "github-workflow")):
        yield Flaw(what, f"schema-{number}", line)
    workflow = Workflow(documents[0])
    for job in workflow.jobs:
        for name in set(workflow.waits_for(job)) - workflow.jobs.keys():
            yield Flaw(
                f"{job} needs {name}, and there is no such job", f"needs-{job}", workflow.line("jobs", job, "needs")
            )


def not_started(workflow: Workflow, pipeline: PipelineSettings) -> Iterator[Flaw]:
    """Yield the events, and the branches of pushes and pull requests, that do not start the workflow."""
    events = workflow.events()
    for event in pipeline.events:
        if event not in events:
            yield Flaw(f"{event} does not start it", f"event-{event}", workflow.line("on"))
    for event in FILTERED:
        for branch in pipeline.branches if event in pipeline.events and event in events else ():
            if not admits(events[event], branch):
                yield Flaw(f"{event} to {branch} does not start it", f"{event}-{branch}", workflow.line("on", event))


def ungated(workflow: Workflow, pipeline: PipelineSettings) -> Iterator[Flaw]:
    """Yield by which ways a deployment gets past the gate, or past another job that has not passed."""
    for name in (pipeline.deploy, pipeline.gate):
        if name not in workflow.jobs:
            yield Flaw(f"there is no job {name}", f"missing-{name}", workflow.line("jobs"))
            return
    yield from _not_awaited(workflow, pipeline)
    line = workflow.line("jobs", pipeline.deploy, "if")
    awaited = workflow.before(pipeline.deploy)
    if found := goes_on(workflow.condition("jobs", pipeline.deploy), awaited, pipeline.gate):
        what = f"{pipeline.deploy} runs though a job before it failed, or was skipped: {found}"
        sound = f"!failure() && !cancelled() && needs.{pipeline.gate}.result == 'success'"
        yield Flaw(f"{what}; leave it out, or write {sound}", "goes-on", line)
    for job in sorted({*workflow.before(pipeline.deploy), pipeline.gate} & workflow.jobs.keys()):
        yield from _never_fails(workflow, job)


def _not_awaited(workflow: Workflow, pipeline: PipelineSettings) -> Iterator[Flaw]:
    deploy = pipeline.deploy
    awaited, line = workflow.before(deploy), workflow.line("jobs", deploy, "needs")
    if pipeline.gate not in awaited:
        yield Flaw(f"{deploy} does not wait for the gate {pipeline.gate}", "gate-not-awaited", line)
    for job in sorted(workflow.jobs.keys() - awaited - workflow.after(deploy) - {deploy, pipeline.gate}):
        yield Flaw(f"{deploy} does not wait for {job}", f"not-awaited-{job}", line)


def _never_fails(workflow: Workflow, job: str) -> Iterator[Flaw]:
    """Yield where a job goes on, and is green, though something in it failed."""
    steps = range(len(workflow.document.items("jobs", job, "steps")))
    for place in (("jobs", job), *(("jobs", job, "steps", number) for number in steps)):
        if workflow.document.mapping(*place).get("continue-on-error", False) is not False:
            line = workflow.line(*place, "continue-on-error")
            yield Flaw(f"{job} is green though it failed: continue-on-error", f"never-fails-{job}", line)


def deployed_from_elsewhere(workflow: Workflow, pipeline: PipelineSettings) -> Iterator[Flaw]:
    """Yield that a deployment is not confined to the branches that are released."""
    deploy, branches = pipeline.deploy, pipeline.deploys_from
    own = GOES_ON.search(workflow.condition("jobs", deploy))  # where another job is skipped, it runs all the same
    jobs = {deploy, *(() if own else workflow.before(deploy))} & workflow.jobs.keys()
    confined = any(confines(workflow.condition("jobs", job), branches) for job in jobs)
    if deploy in workflow.jobs and not confined and not _started_by_branches_alone(workflow, pipeline):
        what = f"{deploy} is not confined to {' and '.join(branches)}: no `if` of it compares github.ref"
        yield Flaw(what, "any-branch", workflow.line("jobs", deploy, "if"))


def _started_by_branches_alone(workflow: Workflow, pipeline: PipelineSettings) -> bool:
    push = workflow.events().get("push")
    named = set(listed(push.get("branches"))) if isinstance(push, dict) else set()
    return workflow.events().keys() == {"push"} and bool(named) and named <= set(pipeline.deploys_from)


def unprotected(workflow: Workflow, pipeline: PipelineSettings) -> Iterator[Flaw]:
    """Yield that a deployment happens outside of an environment, whose rules could hold it."""
    if pipeline.deploy in workflow.jobs and not workflow.document.at("jobs", pipeline.deploy, "environment"):
        line = workflow.line("jobs", pipeline.deploy)
        yield Flaw(f"{pipeline.deploy} names no environment, whose rules would protect it", "no-environment", line)


def overpowered(workflow: Workflow) -> Iterator[Flaw]:
    """Yield where the token of a job may do what nobody said, or what all jobs are allowed to write."""
    given = workflow.document.at("permissions")
    if given == "write-all" or (isinstance(given, dict) and "write" in given.values()):
        what = "every job may write: a permission to write belongs to the job that needs it"
        yield Flaw(what, "all-may-write", workflow.line("permissions"))
    for name, job in workflow.jobs.items():
        line = workflow.line("jobs", name, "permissions")
        if job.get("permissions") == "write-all":
            yield Flaw(f"{name} may write everything", f"writes-all-{name}", line)
        elif given is None and "permissions" not in job:
            yield Flaw(f"{name} has whatever permissions the repository gives", f"unstated-{name}", line)


def unpinned(workflow: Workflow) -> Iterator[Flaw]:
    """Yield the actions whose owner may put something else behind their name."""
    for used, place in workflow.uses():
        if not PINNED.search(used):
            digest = "by its digest (@sha256:...)" if used.startswith("docker://") else "by the full hash of a commit"
            yield Flaw(f"{used} is not pinned {digest}", f"unpinned-{used}", workflow.line(*place))


def unbounded(workflow: Workflow) -> Iterator[Flaw]:
    """Yield the jobs that may hang for the six hours that are the default."""
    for name, job in workflow.jobs.items():
        if "timeout-minutes" not in job and "uses" not in job:
            yield Flaw(f"{name} has no timeout-minutes", f"no-timeout-{name}", workflow.line("jobs", name))


def called_in(workflow: Workflow, jobs: Iterable[str]) -> str:
    """Return the workflow, which is not read, that one of these jobs calls; empty where none does."""
    return next(filter(None, map(workflow.calls, jobs)), "")


def looked_after(workflow: Workflow, pipeline: PipelineSettings) -> list[str]:
    """Return the jobs in which a deployment may be looked at, and taken back."""
    return [pipeline.deploy, *sorted(workflow.after(pipeline.deploy))]


def unverified(workflow: Workflow, pipeline: PipelineSettings) -> Iterator[Flaw]:
    """Yield that nobody looks at what was deployed, or takes it back where it does not work."""
    jobs = looked_after(workflow, pipeline)
    looks, back = workflow.step(pipeline.verify, jobs), workflow.step(pipeline.rollback, jobs)
    line = workflow.line("jobs", pipeline.deploy)
    if looks is None:
        yield Flaw(f"no step with the id {pipeline.verify} looks at what was deployed", "not-verified", line)
    if back is None:
        yield Flaw(f"no step with the id {pipeline.rollback} takes it back", "no-rollback", line)
    if looks and back and not _wakes(workflow, looks, back):
        what = (
            f"{pipeline.rollback} does not run where {pipeline.verify} failed: it has to come after it, if: failure()"
        )
        yield Flaw(what, "rollback-never", workflow.line("jobs", back[0], "steps", back[1]))


def _wakes(workflow: Workflow, looks: tuple[str, int], back: tuple[str, int]) -> bool:
    """Return whether a step runs because another failed: a later one of its job, or of one that waits for that."""
    places: tuple[Place, ...] = (("jobs", back[0]), ("jobs", back[0], "steps", back[1]))
    woken = any(re.search(r"\bfailure\s*\(\s*\)", workflow.condition(*place)) for place in places)
    later = back[1] > looks[1] if back[0] == looks[0] else looks[0] in workflow.before(back[0])
    return woken and later
