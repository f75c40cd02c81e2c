"""What the words of a comparison mean, and from where its sides are started."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from timed_service import git, lay_repository

from seatrial.campaign._sides import check_different, commit_started, images_of, lay_out, named_engine, read_side
from seatrial.config import Settings, load_settings
from seatrial.core import EnvironmentFailure, UsageError
from seatrial.stack import sweep, work_folder

ENTRY = "api:8000"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return the settings of a repository with two versions."""
    return load_settings(lay_repository(tmp_path / "project", old=1, new=2) / "seatrial.toml")


def side(settings: Settings, word: str, *, driver: str = "local", **more: Any) -> Any:
    """Return what a word means."""
    return read_side("base", word, settings, driver=driver, allowed=(), **more)


def test_a_name_of_git_is_a_commit(settings: Settings) -> None:
    """A tag, a branch, a short hash and an expression mean the same commit, a folder without changes too."""
    commit = git(settings.root, "rev-parse", "HEAD")
    found = [side(settings, word) for word in ("new", "main", commit[:9], "HEAD~0", ".")]
    assert {each.commit for each in found} == {commit}
    assert [each.kind for each in found] == ["commit"] * 4 + ["folder"]
    with pytest.raises(UsageError, match="are the same: new and main"):
        check_different(found[0], found[1])


def test_a_changed_folder_is_no_commit(settings: Settings) -> None:
    """Also where only a file is new."""
    (settings.root / "new.txt").write_text("")
    found = side(settings, ".")
    assert (found.kind, found.commit, found.dirty) == ("folder", "", True)
    check_different(side(settings, "HEAD"), found)


def test_what_would_be_started_is_a_commit_and_its_changes(settings: Settings) -> None:
    """A file that is new is no change of it: what a comparison left may be such a one."""
    commit = git(settings.root, "rev-parse", "HEAD")
    (settings.root / "compare.json").write_text("{}")
    assert commit_started(settings) == commit
    file = settings.root / "seatrial.toml"
    file.write_text(file.read_text() + "\n")
    assert commit_started(settings) == f"{commit}+"


def test_what_a_run_left_changes_nothing(settings: Settings) -> None:
    """Also where git was not told to ignore it."""
    (settings.root / ".gitignore").write_text("")
    git(settings.root, "commit", "--quiet", "--all", "--message", "ignores nothing")
    (settings.root / ".seatrial" / "runs").mkdir(parents=True)
    (settings.root / ".seatrial" / "runs" / "x").write_text("")
    assert git(settings.root, "status", "--porcelain")
    assert not side(settings, ".").dirty


def test_an_option_is_no_commit(settings: Settings) -> None:
    """What looks like one is not taken for one by git."""
    with pytest.raises(UsageError, match="neither a commit"):
        side(settings, "--all")


def test_what_has_a_tag_is_an_image(settings: Settings) -> None:
    """On compose; a commit comes first."""
    assert side(settings, "shop:2", driver="compose").kind == "image"
    assert side(settings, "old", driver="compose").kind == "commit"


def test_a_url_is_where_load_may_go(settings: Settings) -> None:
    """Two ways to write one are the same; another host is refused."""
    first, second = side(settings, "http://127.0.0.1:1/"), side(settings, "http://127.0.0.1:1")
    assert (first.kind, first.driver) == ("url", "http://127.0.0.1:1/")
    with pytest.raises(UsageError, match="are the same"):
        check_different(first, second)
    with pytest.raises(UsageError, match="is not this machine"):
        side(settings, "http://192.0.2.1:80")


def test_each_of_two_ports_of_a_host_is_allowed_by_itself(settings: Settings) -> None:
    """Host and port together are what is allowed."""
    allowed = ("192.0.2.1:8001", "192.0.2.1:8002")
    targets = settings.targets.model_copy(update={"allow": allowed})
    settings = settings.model_copy(update={"targets": targets})
    found = [read_side("base", f"http://{one}", settings, driver="", allowed=allowed) for one in allowed]
    assert [each.allow_target for each in found] == [*allowed]
    with pytest.raises(UsageError, match="is not this machine"):
        read_side("base", "http://192.0.2.1:8002", settings, driver="", allowed=allowed[:1])


def test_the_host_of_an_engine_elsewhere_is_allowed_for_what_is_started(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By one of the names that are given; URLs have their own, or their host's."""
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.7:2375")
    given = ("192.0.2.1:*", "192.0.2.7:*")
    assert [named_engine(names) for names in (given, given[:1], ())] == ["192.0.2.7:*", "", ""]
    settings = settings.model_copy(update={"targets": settings.targets.model_copy(update={"allow": given})})
    words = ("new", "http://192.0.2.1:8001")
    found = [read_side("base", word, settings, driver="compose", allowed=given) for word in words]
    assert [each.allow_target for each in found] == ["192.0.2.7:*", "192.0.2.1:*"]


def test_a_folder_of_which_git_says_nothing_is_not_taken_for_a_commit(settings: Settings) -> None:
    """An index that git cannot read is an error, with what git said."""
    (settings.root / ".git" / "index").write_bytes(b"no index")
    with pytest.raises(EnvironmentFailure, match="does not say whether") as caught:
        side(settings, ".")
    assert caught.value.slug == "git-status-failed"
    assert "index" in caught.value.details


def test_a_worktree_goes_whatever_git_was_told_of_another(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a hook, git's variables name its own repository; neither start nor removal follows them."""
    run = "test-sides-hook"
    monkeypatch.setenv("GIT_DIR", str(settings.root / "nowhere"))
    monkeypatch.setenv("GIT_WORK_TREE", str(settings.root / "nowhere"))
    try:
        lay_out(side(settings, "old"), work_folder(run))
    finally:
        sweep(run)
    monkeypatch.undo()
    assert len(git(settings.root, "worktree", "list").splitlines()) == 1


def test_a_commit_is_started_from_its_own_folder(settings: Settings) -> None:
    """Compose files and programs are those of the commit, everything else that of the folder; a sweep removes it."""
    composed = settings.stack.model_copy(update={"compose": ("./compose.yml", "/etc/elsewhere.yml")})
    settings = settings.model_copy(update={"stack": composed})
    run = "test-sides"
    laid = lay_out(side(settings, "old"), work_folder(run))
    try:
        folder = Path(laid.settings.stack.local.directory)
        assert (folder / "takes").read_text() == "1\n"
        assert laid.settings.root == settings.root
        assert laid.settings.stack.compose == (str(folder / "compose.yml"), "/etc/elsewhere.yml")
    finally:
        sweep(run)
    assert not folder.exists()
    assert len(git(settings.root, "worktree", "list").splitlines()) == 1


def test_an_image_is_that_of_all_that_are_made_of_it() -> None:
    """A worker that is built as the entry is gets it too, a database does not."""
    model: dict[str, Any] = {
        "services": {"api": {"build": "."}, "worker": {"build": "."}, "db": {"image": "db"}, "x": None}
    }
    assert images_of(model, ENTRY, "shop:2") == {"api": "shop:2", "worker": "shop:2"}
    model["services"]["api"] = {"image": "db"}
    assert images_of(model, ENTRY, "shop:2") == {"api": "shop:2", "db": "shop:2"}
