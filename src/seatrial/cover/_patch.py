"""The patch: which lines of the project changed since its work left a git base, as diff-cover reads them.

git base --merge-base--> commit --git diff--> diff-cover's GitDiffReporter --> file -> lines, as the folder has them now
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from diff_cover.command_runner import CommandError, execute  # type: ignore[import-untyped]
from diff_cover.diff_reporter import GitDiffReporter  # type: ignore[import-untyped]
from diff_cover.git_diff import GitDiffError, GitDiffTool  # type: ignore[import-untyped]
from diff_cover.util import to_unescaped_filename  # type: ignore[import-untyped]

from seatrial.core import EnvironmentFailure
from seatrial.cover._patch_base import find_base
from seatrial.stack import GIT

DIFF = (
    *("diff", "-U0", "--no-color", "--no-ext-diff", "--no-textconv", "--no-relative", "--find-renames"),
    *("--src-prefix=a/", "--dst-prefix=b/"),
)
"""A diff as diff-cover reads it, whatever somebody has configured git to show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """Lines (from 1) that are new or otherwise than in `commit`, where the work left `base`, by file of the project.

    Of `new` files, which git does not know yet, that is every line.
    """

    base: str
    commit: str
    files: Mapping[str, frozenset[int]]
    new: frozenset[str] = frozenset()


class _FolderDiff(GitDiffTool):  # type: ignore[misc]  # it has no types
    """Diff the folder as it is now, once.

    Its parent has a diff each of what is committed, staged and neither: an edit above a committed line shifts that one.
    """

    def __init__(self, repository: Path) -> None:
        super().__init__("...", ignore_whitespace=False)
        self._git = [*GIT, "-C", str(repository)]

    def diff_committed(self, compare_branch: str) -> str:
        """Return what differs from a commit, whether that is committed, staged or neither."""
        return str(execute([*self._git, *DIFF, compare_branch, "--"])[0])

    def untracked(self) -> list[str]:
        """Return the files that git does not know yet, and is not told to ignore."""
        listed = execute([*self._git, "ls-files", "--exclude-standard", "--others"])[0]
        return [str(to_unescaped_filename(line)) for line in listed.splitlines() if line]


def read_patch(base: str, root: Path) -> Patch:
    """Return what changed since the work left `base`; raises UsageError and EnvironmentFailure."""
    repository, commit = find_base(base, root)
    tool = _FolderDiff(repository)
    reporter = GitDiffReporter(commit, git_diff=tool, ignore_staged=True, ignore_unstaged=True)
    try:
        changed = {path: frozenset(reporter.lines_changed(path)) for path in reporter.src_paths_changed()}
        new = tool.untracked()
    except (CommandError, GitDiffError) as error:
        raise EnvironmentFailure(
            f"git does not say what changed since {commit[:12]}: {str(error).strip()[-1000:]}",
            slug="patch-unreadable",
            where=str(repository),
            remedy=f"see what `git diff {commit[:12]}` says there",
        ) from error
    folder = root.resolve()
    files = {os.path.relpath(repository / path, folder): lines for path, lines in changed.items() if lines}
    unknown = frozenset(os.path.relpath(repository / path, folder) for path in new)
    return Patch(base=base, commit=commit, files=files, new=unknown)
