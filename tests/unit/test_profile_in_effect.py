"""Which profile turned the knobs of a stack: the run's own, that of whoever started it, or nobody's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seatrial.campaign import Options, profile_in_effect
from seatrial.config import Settings, StackSettings
from seatrial.config._settings import ProfileSettings
from seatrial.stack import Choice

LOCAL = Choice(driver="local", why="")
URL = "http://127.0.0.1:9"
REMOTE = Choice(driver="remote", why="", url=URL)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings whose quick profile turns a knob."""
    quick = ProfileSettings(environment={"WINDOW": "5"})
    return Settings(root=tmp_path, stack=StackSettings(profile={"quick": quick}))


def leave_up(root: Path, url: str, profile: str) -> dict[str, str]:
    """Write down that a stack is up."""
    (root / ".seatrial").mkdir()
    state = {"url": url, "profile": profile, "driver": "local"}
    (root / ".seatrial" / "stack.json").write_text(json.dumps(state))
    return state


def test_a_stack_that_is_started_here_has_the_profile_of_the_run(settings: Settings) -> None:
    """Its knobs are turned as the run asks for."""
    assert profile_in_effect(settings, Options(profile="quick"), None, LOCAL) == "quick"
    assert settings.stack.knobs("quick") == {"WINDOW": "5"}
    assert settings.stack.knobs("full") == {}


def test_a_stack_that_is_up_has_the_profile_that_it_was_started_with(settings: Settings) -> None:
    """Whatever profile the run asks for, and whether it names the stack or its URL."""
    state = leave_up(settings.root, URL, "full")
    assert profile_in_effect(settings, Options(profile="quick", stack="up"), state, LOCAL) == "full"
    assert profile_in_effect(settings, Options(profile="quick", stack=URL), None, REMOTE) == "full"


def test_a_url_has_none(settings: Settings) -> None:
    """Nobody here turned the knobs of somebody else's stack: what is declared holds."""
    assert profile_in_effect(settings, Options(profile="quick", stack=URL), None, REMOTE) == ""
    leave_up(settings.root, "http://127.0.0.1:10", "quick")
    assert profile_in_effect(settings, Options(profile="quick", stack=URL), None, REMOTE) == ""
    assert settings.stack.knobs("") == {}
