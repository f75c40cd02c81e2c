"""Where the work on a project left a git base: what is before that is no change of it."""

from __future__ import annotations

from pathlib import Path

from seatrial.core import UsageError
from seatrial.stack import commit_of, common_commit, is_shallow, repository_of

KEY = "[coverage] patch_base"
DEEPEN = (
    "the clone is shallow: fetch the whole history, with `git fetch --unshallow`, `fetch-depth: 0` of actions/checkout "
    'or `GIT_DEPTH: "0"` of GitLab'
)


def find_base(base: str, root: Path) -> tuple[Path, str]:
    """Return the repository of a project, and the commit at which its work left `base`; raises UsageError."""
    repository = repository_of(root, remedy=f"put the project under git, or leave out {KEY} and --patch-base")
    tip = commit_of(repository, base)
    if not tip:
        what = f"the git base {base!r} is no commit, branch or tag that this repository has"
        raise _unknown(
            what, repository, f"fetch it (git fetch origin), or name another one: {KEY}, or --patch-base REF"
        )
    commit = common_commit(repository, tip)
    if not commit:
        what = f"the work here and the git base {base!r} have no commit in common"
        raise _unknown(what, repository, f"name the branch that the work began from: {KEY}, or --patch-base REF")
    return repository, commit


def _unknown(what: str, repository: Path, remedy: str) -> UsageError:
    remedy = f"{DEEPEN}; or {remedy}" if is_shallow(repository) else remedy
    return UsageError(what, slug="patch-base-unknown", where=f"{KEY} (looked in {repository})", remedy=remedy)
