"""What a local service is built from, and which programs it needs: built once by content, left out where one lacks."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.config import LocalService, Settings
from seatrial.core import EnvironmentFailure, UsageError
from seatrial.stack import _built, _programs
from seatrial.stack._built import COMPLETE, build_key, ensure_built
from seatrial.stack._inside.reaper import process_facts
from seatrial.stack._programs import lacking, version_of, with_available

NUMBERS = st.lists(st.integers(0, 30), min_size=1, max_size=3).map(tuple)
COUNTED = ("sh", "-c", "echo once >> built; cat page > made")


@pytest.fixture
def told() -> list[str]:
    """Return what whoever waits is told."""
    return []


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: list[str]) -> Callable[..., Path]:
    """Return what builds the folder `web`, whose one file is `page`."""
    monkeypatch.setenv("SEATRIAL_CACHE", str(tmp_path / "cache"))
    (tmp_path / "web" / "node_modules").mkdir(parents=True)
    (tmp_path / "web" / "page").write_text("first")

    def run(command: tuple[str, ...] = COUNTED, *, source: str = "web", **options: Any) -> Path:
        service = LocalService(source=source, prepare=(command,), command=("true",))
        return ensure_built("web", service, tmp_path, marks={}, progress=told.append, **options)

    return run


def test_it_is_built_once(build: Callable[..., Path], tmp_path: Path) -> None:
    """The second run takes what the first one made; the project's own folder is left as it is."""
    assert build() == build()
    assert (build() / "built").read_text() == "once\n"
    assert sorted(file.name for file in (tmp_path / "web").iterdir()) == ["node_modules", "page"]


def test_another_content_is_another_build(build: Callable[..., Path], tmp_path: Path) -> None:
    """What it is made from decides, and not what its own commands install."""
    first = build()
    (tmp_path / "web" / "node_modules" / "package").write_text("installed")
    assert build() == first
    (tmp_path / "web" / "page").write_text("second")
    assert (build() / "made").read_text() == "second"
    assert build() != first


def test_what_is_not_kept_is_built_where_it_is(build: Callable[..., Path], tmp_path: Path) -> None:
    """A defective copy goes with its run."""
    assert build(keep=False) == tmp_path / "web"
    assert not (tmp_path / "cache" / "built").exists()


def test_a_command_that_fails_says_so_and_is_tried_again(build: Callable[..., Path], tmp_path: Path) -> None:
    """Its last words are shown; half a build is no build, and takes no room."""
    for _ in range(2):
        with pytest.raises(EnvironmentFailure) as caught:
            build(("sh", "-c", "echo no such package; exit 3"))
        assert (caught.value.slug, caught.value.details) == ("prepare-failed", "no such package")
    assert [path.suffix for path in (tmp_path / "cache" / "built").iterdir()] == [".lock"]


def test_what_hangs_is_ended_with_all_that_it_started(build: Callable[..., Path], tmp_path: Path) -> None:
    """A child that holds the output open neither stays nor is waited for."""
    child = tmp_path / "child"
    child.touch()
    with pytest.raises(EnvironmentFailure) as caught:
        build(("sh", "-c", f"sleep 600 & echo $! > {child}; wait"), given_up=child.read_text)
    assert caught.value.details == "sh was ended: it took more than 900 s, or was given up"
    deadline = time.monotonic() + 30
    while (facts := process_facts(int(child.read_text()))) and facts.state not in "ZX":
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_takes_too_long_is_ended(build: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Though nobody gave it up."""
    monkeypatch.setattr(_built, "PATIENCE_S", 0.0)
    with pytest.raises(EnvironmentFailure) as caught:
        build(("sleep", "600"))
    assert caught.value.details == "sleep was ended: it took more than 0 s, or was given up"


def test_what_nobody_used_for_long_goes(build: Callable[..., Path], tmp_path: Path) -> None:
    """Each change of a source makes another build: only what runs still begin with is kept."""
    first = build()
    (tmp_path / "web" / "page").write_text("second")
    second = build()
    assert first.exists()
    for folder in (first, second):
        os.utime(folder / COMPLETE, (0, 0))
    assert build() == second
    assert (first.exists(), second.exists()) == (False, True)


def test_whoever_waits_for_another_run_is_told(build: Callable[..., Path], told: list[str]) -> None:
    """The other one builds; then there is nothing left to do."""
    folder = build()
    with folder.with_name(f"{folder.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = threading.Thread(target=build, daemon=True)
        waiting.start()
        while told[-1:] != ["waiting for another run that builds web"]:
            time.sleep(0.01)
    waiting.join()
    assert told.count("building web (once)") == 1


def test_a_folder_that_is_not_there_is_named(build: Callable[..., Path]) -> None:
    """Before any command runs."""
    with pytest.raises(UsageError, match="does not exist"):
        build(source="elsewhere")


def test_the_key_knows_where_a_file_is(tmp_path: Path) -> None:
    """A file that moved is another content."""
    service = LocalService(prepare=(COUNTED,))
    (tmp_path / "page").write_text("first")
    before = build_key(service, tmp_path)
    (tmp_path / "page").rename(tmp_path / "moved")
    assert build_key(service, tmp_path) != before


@given(NUMBERS, NUMBERS)
def test_versions_are_compared_as_numbers(found: tuple[int, ...], least: tuple[int, ...]) -> None:
    """20.9 is older than 20.20."""
    said, wanted = (".".join(map(str, numbers)) for numbers in (found, least))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_programs, "version_of", lambda _: said)
        assert bool(lacking(LocalService(programs={"node": wanted}))) == (found < least)


def test_a_program_says_its_version() -> None:
    """Whatever stands around the number."""
    assert version_of("git")[0].isdigit()
    assert version_of("no-such-program") == ""


def local(**services: LocalService) -> Settings:
    """Return settings with these local services, entered at the api."""
    return Settings.model_validate({"stack": {"local": {"services": services}}})


LACKING = LocalService(command=("page",), programs={"no-such-program": "1"}, needs=("api",))


def test_what_cannot_run_here_is_left_out_and_named() -> None:
    """The rest of the stack is started."""
    settings, said = with_available(local(api=LocalService(command=("api",)), web=LACKING))
    assert list(settings.stack.local.services) == ["api"]
    assert said == ("web was not started: there is no no-such-program on this machine",)


def test_what_others_need_cannot_be_left_out() -> None:
    """Neither what requests go to, nor what another service waits for."""
    with pytest.raises(EnvironmentFailure, match="api cannot run here"):
        with_available(local(api=LACKING))
