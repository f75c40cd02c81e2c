"""The two sides of a comparison: what the words of its user mean, and the settings with which each is started.

.             the project's folder as it is
NAME          a commit of its repository, laid out in a folder of its own
NAME:TAG      an image, in place of that of the entry
scheme://     a service that somebody else started
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from seatrial.config import Settings
from seatrial.core import EnvironmentFailure, UsageError
from seatrial.stack import (
    add_worktree,
    address_of,
    check_target,
    commit_of,
    engine_target,
    is_dirty,
    names_of,
    repository_of,
)

Role = Literal["base", "candidate"]
Kind = Literal["folder", "commit", "image", "url"]
ROLES: tuple[Role, Role] = ("base", "candidate")
HERE = "."
ENGINE_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side: what was written, what that is, and the settings and driver with which it is started.

    `commit` is that of a commit, and of a folder without changes of its own; `images` take the place of its services'.
    """

    role: Role
    word: str
    kind: Kind
    settings: Settings = field(repr=False)
    driver: str = ""
    allow_target: str = ""
    commit: str = ""
    dirty: bool = False
    images: Mapping[str, str] = field(default_factory=dict)

    @property
    def same_as(self) -> tuple[str, str]:
        """Return what is equal for sides that are the same."""
        return ("commit", self.commit) if self.commit else (self.kind, self.word.rstrip("/"))


def read_side(role: Role, word: str, settings: Settings, *, driver: str, allowed: Sequence[str]) -> Side:
    """Return what a word means; raises UsageError for one that means nothing, and for a target that is not allowed."""
    plain = Side(role=role, word=word, kind="folder", settings=settings, driver=driver)
    if "://" in word:
        return _of_url(plain, allowed)
    plain = replace(plain, allow_target=named_engine(allowed))
    if word == HERE:
        return _of_folder(plain)
    repository = _repository(settings)
    commit = commit_of(repository, word) if repository else ""
    if commit:
        return replace(plain, kind="commit", commit=commit)
    if ":" in word or _has_image(word):
        return _of_image(plain)
    if repository is None:
        repository_of(project_folder(settings))  # says what is wrong
    raise UsageError(
        f"{word!r} is neither a commit of this repository, nor an image, nor a URL",
        slug="side-unknown",
        where=f"--{role}",
        remedy=f"name a branch, tag or commit of {repository}, an image (NAME:TAG), a URL, or . for the folder",
    )


def named_engine(allowed: Sequence[str]) -> str:
    """Return which of these names is that of the engine's host, where it is not this machine; empty if none is."""
    return next(iter({engine_target()} & {*allowed}), "") if allowed else ""


def _of_url(side: Side, allowed: Sequence[str]) -> Side:
    allow = next(iter(names_of(address_of(side.word)) & {*allowed}), "")
    check_target(side.word, committed=side.settings.targets.allow, allow_target=allow)
    return replace(side, kind="url", driver=side.word, allow_target=allow)


def _of_folder(side: Side) -> Side:
    repository = _repository(side.settings)
    if repository is None:
        return side
    dirty = is_dirty(repository)
    return replace(side, dirty=dirty, commit="" if dirty else commit_of(repository, "HEAD"))


def _of_image(side: Side) -> Side:
    if side.driver != "compose":
        raise UsageError(
            f"an image cannot be started by the driver {side.driver}",
            slug="image-needs-compose",
            where=f"--{side.role} {side.word}",
            remedy="use --stack compose, or name a commit",
        )
    return replace(side, kind="image")


def _has_image(name: str) -> bool:
    try:
        done = subprocess.run(
            ["docker", "image", "inspect", "--format", "{{.Id}}", "--", name],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=ENGINE_S, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def project_folder(settings: Settings) -> Path:
    """Return the folder of the files that are started: that of the compose file, where there is one."""
    stack = settings.stack
    return (settings.root / stack.compose[0]).parent if stack.compose else settings.root / stack.local.directory


def commit_started(settings: Settings) -> str:
    """Return the commit of what would be started here, with a + where its files were changed since.

    Empty where it lies in no repository. Files that are new make no difference: a comparison's own may be among them.
    """
    repository = _repository(settings)
    commit = commit_of(repository, "HEAD") if repository else ""
    return f"{commit}+" if repository and commit and _is_changed(repository) else commit


def _is_changed(repository: Path) -> bool:
    """Return whether files of a commit were changed since, or git does not say that they were not."""
    try:
        return is_dirty(repository, new=False)
    except EnvironmentFailure:
        return True


def _repository(settings: Settings) -> Path | None:
    try:
        return repository_of(project_folder(settings))
    except UsageError:
        return None


def check_different(base: Side, candidate: Side) -> None:
    """Raise UsageError for sides that are the same: there is nothing to compare."""
    if base.same_as == candidate.same_as:
        raise UsageError(
            f"base and candidate are the same: {base.word} and {candidate.word}",
            slug="sides-same",
            where="--base and --candidate",
            remedy="name two versions; how much this machine can tell apart says `seatrial load calibrate`",
        )


def lay_out(side: Side, work: Path) -> Side:
    """Return the side with its files in place: a commit in a folder of its own below a run's work folder."""
    if side.kind != "commit":
        return side
    repository, folder = repository_of(project_folder(side.settings)), work / side.role
    add_worktree(repository, side.commit, folder, work=work)
    return replace(side, settings=_moved(side.settings, repository, folder))


def _moved(settings: Settings, repository: Path, folder: Path) -> Settings:
    """Return settings whose stack is started from another checkout; load files and keys stay where they are."""

    def there(name: str) -> str:
        path = (settings.root / name).resolve()
        return str(folder / path.relative_to(repository)) if path.is_relative_to(repository) else str(path)

    stack = settings.stack
    local = stack.local.model_copy(update={"directory": there(stack.local.directory)})
    moved: dict[str, Any] = {"compose": tuple(there(name) for name in stack.compose), "local": local}
    return settings.model_copy(update={"stack": stack.model_copy(update=moved)})


def images_of(model: Mapping[str, Any], entry: str, image: str) -> dict[str, str]:
    """Return the image for the entry, and for every service that is made of the same one."""
    services, name = model["services"], entry.partition(":")[0]
    own = services[name] or {}
    same = [
        other
        for other, facts in services.items()
        if any(own.get(key) and own[key] == (facts or {}).get(key) for key in ("build", "image"))
    ]
    return dict.fromkeys([name, *same], image)
