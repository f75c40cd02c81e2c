"""What is found wrong with a pipeline: each flaw of its own, and none of one that is as it should be."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial import manifests
from seatrial.config import PipelineSettings
from seatrial.manifests import Document, Flaw, Workflow
from seatrial.manifests._workflow import admits, confines, goes_on

MAIN = "github.ref == 'refs/heads/main'"
SHA = "1" * 40
SOUND: dict[str, Any] = {
    "on": {"push": {"branches": ["main"]}, "pull_request": None, "workflow_dispatch": None},
    "permissions": {"contents": "read"},
    "jobs": {
        "lint": {"runs-on": "u", "timeout-minutes": 1, "steps": [{"uses": f"a/b@{SHA}"}, {"uses": "./here"}]},
        "gate": {"runs-on": "u", "timeout-minutes": 1, "steps": [{"run": "seatrial run"}]},
        "deploy": {
            "runs-on": "u", "timeout-minutes": 1, "needs": ["lint", "gate"], "if": MAIN, "environment": "production",
            "steps": [{"run": "x"}, {"id": "look", "run": "y"}, {"id": "back", "if": "failure()", "run": "z"}],
        },
        "told": {"runs-on": "u", "timeout-minutes": 1, "needs": "deploy", "steps": [{"run": "echo"}]},
    },
}  # fmt: skip
SETTINGS = PipelineSettings(
    file="ci.yml", events=("push", "pull_request"), branches=("main",), verify="look", rollback="back"
)


def flaws(document: dict[str, Any]) -> set[str]:
    """Return the causes of everything that is found wrong."""
    workflow = Workflow(Document(document))
    found: list[Iterator[Flaw]] = [manifests.malformed([Document(document)])]
    found += [
        judge(workflow, SETTINGS)
        for judge in (
            manifests.not_started, manifests.ungated, manifests.deployed_from_elsewhere, manifests.unprotected,
            manifests.unverified,
        )
    ]  # fmt: skip
    found += [judge(workflow) for judge in (manifests.overpowered, manifests.unpinned, manifests.unbounded)]
    return {flaw.cause for each in found for flaw in each}


def test_what_is_sound_has_no_flaw() -> None:
    """Nothing is made up, also not of what comes after the deployment."""
    assert flaws(SOUND) == set()


def changed(*place: str | int, value: Any) -> Callable[[dict[str, Any]], None]:
    """Return what puts a value at a place."""

    def change(document: dict[str, Any]) -> None:
        *parents, last = place
        inner: Any = document
        for step in parents:
            inner = inner[step]
        inner[last] = value

    return change


DEPLOY = ("jobs", "deploy")


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (changed(*DEPLOY, "needs", value=["lint"]), "gate-not-awaited"),
        (changed(*DEPLOY, "needs", value=["gate"]), "not-awaited-lint"),
        (changed(*DEPLOY, "needs", value=["gate", "lint", "none"]), "needs-deploy"),
        (changed(*DEPLOY, "if", value=f"always() && {MAIN}"), "goes-on"),
        (changed("jobs", "gate", "continue-on-error", value=True), "never-fails-gate"),
        (changed("jobs", "gate", "steps", 0, "continue-on-error", value=True), "never-fails-gate"),
        (changed("jobs", "gate", "continue-on-error", value="${{ matrix.may }}"), "never-fails-gate"),
        (changed(*DEPLOY, "if", value="github.event_name == 'push'"), "any-branch"),
        (changed(*DEPLOY, "environment", value=""), "no-environment"),
        (changed("permissions", value="write-all"), "all-may-write"),
        (changed("permissions", value={"contents": "write"}), "all-may-write"),
        (changed("permissions", value=None), "unstated-lint"),
        (changed("jobs", "lint", "permissions", value="write-all"), "writes-all-lint"),
        (changed("jobs", "lint", "steps", 0, "uses", value="a/b@v1"), "unpinned-a/b@v1"),
        (changed("jobs", "lint", "steps", 0, "uses", value=f"a/b@{SHA[1:]}"), f"unpinned-a/b@{SHA[1:]}"),
        (changed("jobs", "lint", "steps", 0, "uses", value="docker://a:1"), "unpinned-docker://a:1"),
        (changed("jobs", "gate", value={"uses": "a/b/.github/c.yml@v1"}), "unpinned-a/b/.github/c.yml@v1"),
        (changed("jobs", "lint", "timeout-minutes", value=None), "schema-0"),
        (changed(*DEPLOY, "steps", 1, "id", value="else"), "not-verified"),
        (changed(*DEPLOY, "steps", 2, "id", value="else"), "no-rollback"),
        (changed(*DEPLOY, "steps", 2, "if", value="success()"), "rollback-never"),
        (changed("on", "push", "branches", value=["develop"]), "push-main"),
        (changed("on", value=["push"]), "event-pull_request"),
    ],
)  # fmt: skip
def test_each_flaw_is_found(change: Callable[[dict[str, Any]], None], cause: str) -> None:
    """One change makes one pipeline that lets something past."""
    document = copy.deepcopy(SOUND)
    change(document)
    assert cause in flaws(document)


def test_a_rollback_may_be_a_job_of_its_own() -> None:
    """It waits for the deployment, and runs where that failed."""
    document = copy.deepcopy(SOUND)
    back = document["jobs"]["deploy"]["steps"].pop()
    del back["if"]
    document["jobs"]["told"] |= {"if": "failure()", "steps": [back]}
    assert flaws(document) == set()
    document["jobs"]["told"]["if"] = MAIN
    assert flaws(document) == {"rollback-never"}


def test_a_job_without_a_limit_may_hang() -> None:
    """Also where nothing else is wrong."""
    document = copy.deepcopy(SOUND)
    del document["jobs"]["lint"]["timeout-minutes"]
    assert flaws(document) == {"no-timeout-lint"}


def test_a_workflow_that_one_branch_starts_is_confined() -> None:
    """No condition is needed where nothing else starts it."""
    document = copy.deepcopy(SOUND)
    document["jobs"]["deploy"]["if"] = "success()"
    document["on"] = {"push": {"branches": ["main"]}}
    assert "any-branch" not in flaws(document)
    document["on"]["push"]["branches"].append("develop")
    assert "any-branch" in flaws(document)


ATOMS = st.sampled_from(
    [
        (MAIN, {"main"}), ("github.ref_name == 'develop'", {"develop"}),
        ("github.event_name == 'push'", {"main", "develop"}),
        ("contains(github.ref, '&& || (')", {"main", "develop"}),
    ]
)  # fmt: skip
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: st.tuples(st.sampled_from(["&&", "||"]), inner, inner).map(
        lambda made: (
            f"({made[1][0]}) {made[0]} ({made[2][0]})",
            made[1][1] & made[2][1] if made[0] == "&&" else made[1][1] | made[2][1],
        )
    ),
    max_leaves=6,
)


@given(CONDITIONS)
def test_what_is_called_confined_is(condition: tuple[str, set[str]]) -> None:
    """A condition that may hold on another branch is never taken for one that confines."""
    text, holds_on = condition
    assert not confines(text, ["main"]) or holds_on <= {"main"}
    assert confines(MAIN, ["main"])
    assert confines(f"({text}) && {MAIN}", ["main"])
    assert confines("'refs/heads/main' == github.ref", ["main"])


@pytest.mark.parametrize(
    ("filters", "admitted"),
    [
        (None, True),
        ({"branches": ["ma*"]}, True),
        ({"branches": ["**", "!main"]}, False),
        ({"branches": ["!main", "main"]}, True),
        ({"branches-ignore": ["main"]}, False),
        ({"branches-ignore": ["dev"]}, True),
        ({"tags": ["v*"]}, False),
        ({"types": ["opened"]}, True),
    ],
)
def test_filters_of_branches(filters: Any, admitted: bool) -> None:
    """As GitHub has it: the last pattern that fits decides, and tags alone let no branch in."""
    assert admits(filters, "main") is admitted


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("", ""),
        (MAIN, ""),
        (f"always() && {MAIN}", "always()"),
        ("!failure() && !cancelled()", "failure()"),  # a gate that was skipped is let through
        ("!failure() && !cancelled() && needs.gate.result == 'success'", ""),
        ("!failure() && !cancelled() && needs.gate.result == 'success' || always()", "failure()"),
        ("always() && needs.gate.result == 'success'", "always()"),  # and lint failed
        ("always() && (needs.gate.result == 'success') && needs.lint.result == 'success'", "always()"),
        ("always() && needs.gate.result=='success' && needs.lint.result == 'success'", ""),
    ],
)
def test_a_condition_may_demand_success_in_its_own_words(condition: str, found: str) -> None:
    """One that lifts what is usual has to say all of it again."""
    assert goes_on(condition, ["lint", "gate"], "gate") == found


def test_who_runs_in_any_case_is_confined_by_its_own_condition() -> None:
    """A job that was skipped on other branches keeps back nobody who does not ask."""
    document = copy.deepcopy(SOUND)
    document["jobs"]["gate"]["if"] = MAIN
    document["jobs"]["deploy"]["if"] = ""
    assert flaws(document) == set()
    document["jobs"]["deploy"]["if"] = "always() && needs.gate.result != 'failure'"
    assert flaws(document) == {"any-branch", "goes-on"}


def test_a_branch_may_be_named_alone() -> None:
    """As a text, in place of a list of one."""
    document = copy.deepcopy(SOUND)
    document["on"] = {"push": {"branches": "main"}}
    document["jobs"]["deploy"]["if"] = "success()"
    assert "any-branch" not in flaws(document)


def test_a_workflow_that_is_called_is_told() -> None:
    """What it does is not known."""
    document = copy.deepcopy(SOUND)
    document["jobs"]["deploy"] = {"needs": ["lint", "gate"], "if": MAIN, "uses": "./.github/workflows/deploy.yml"}
    workflow = Workflow(Document(document))
    assert manifests.called_in(workflow, manifests.looked_after(workflow, SETTINGS)) == "./.github/workflows/deploy.yml"
    assert manifests.called_in(workflow, ["lint"]) == ""
