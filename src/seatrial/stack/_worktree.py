"""A commit of a project's repository as a folder of its own, which goes with the run whatever ends it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from seatrial.core import EnvironmentFailure, UsageError
from seatrial.stack._inside.reaper import note_undo

PATIENCE_S = 120.0
POINTING = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
"""What git tells its hooks of the repository that they run in: here another folder is meant."""

OF_RUNS = ":(exclude,glob)**/.seatrial/**"
NO_HOOKS = ("-c", "core.hooksPath=/dev/null")
GIT = ("env", *(word for name in POINTING for word in ("-u", name)), "git")
"""The program, for whoever starts it himself: it looks at the folder that it is given, whatever hook runs us."""


def repository_of(folder: Path, *, remedy: str = "compare images or URLs, or put the project under git") -> Path:
    """Return the top folder of the repository that a folder lies in; raises UsageError where there is none."""
    done = _run(("git", "-C", str(folder), "rev-parse", "--show-toplevel"))
    if done is None or done.returncode:
        raise UsageError(
            "the project lies in no git repository",
            slug="repository-missing",
            where=str(folder),
            remedy=remedy,
            details=done.stderr.strip()[-1000:] if done else "there is no git program",
        )
    return Path(done.stdout.strip())


def commit_of(repository: Path, name: str) -> str:
    """Return the commit that a name means; empty where it means none."""
    return _git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}") or ""


def common_commit(repository: Path, commit: str) -> str:
    """Return the last commit that the work here has in common with another one; empty where none is known."""
    return _git(repository, "merge-base", commit, "HEAD") or ""


def is_shallow(repository: Path) -> bool:
    """Return whether the clone has the end of the history alone."""
    return _git(repository, "rev-parse", "--is-shallow-repository") == "true"


def is_dirty(repository: Path, *, new: bool = True) -> bool:
    """Return whether the folder differs from its commit, by `new` files too; what runs leave in it is no difference.

    Raises EnvironmentFailure where git does not say.
    """
    files = f"--untracked-files={'normal' if new else 'no'}"
    done = _run(("git", "-C", str(repository), "status", "--porcelain", files, "--", ".", OF_RUNS))
    if done is None or done.returncode:
        raise EnvironmentFailure(
            "git does not say whether the folder differs from its commit",
            slug="git-status-failed",
            where=str(repository),
            remedy="see what `git status` says there, or compare two commits",
            details=_said(done),
        )
    return bool(done.stdout.strip())


def add_worktree(repository: Path, commit: str, folder: Path, *, work: Path) -> None:
    """Lay out a commit in a folder below a run's work folder; raises EnvironmentFailure where that is impossible."""
    note_undo([*GIT, "-C", str(repository), "worktree", "remove", "--force", "--force", str(folder)], work)
    command = ("git", *NO_HOOKS, "-C", str(repository), "worktree", "add", "--quiet", "--detach", str(folder), commit)
    done = _run(command)
    if done is None or done.returncode:
        raise EnvironmentFailure(
            f"git cannot lay out the commit {commit[:12]}",
            slug="worktree-failed",
            where=str(repository),
            remedy="see what git says, and free some space",
            details=_said(done),
        )


def _said(done: subprocess.CompletedProcess[str] | None) -> str:
    return done.stderr.strip()[-1000:] if done else f"it did not end within {PATIENCE_S:g} s"


def _git(folder: Path, *words: str) -> str | None:
    """Return what git printed, None where it refused, or is not there."""
    done = _run(("git", "-C", str(folder), *words))
    return done.stdout.strip() if done and done.returncode == 0 else None


def _run(command: tuple[str, ...]) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(
            command, env=_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S,
            check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None


def _environment() -> Mapping[str, str]:
    return {name: value for name, value in os.environ.items() if name not in POINTING}
