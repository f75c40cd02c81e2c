"""Policies that contradict themselves are refused when they are read; those that do not are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from promises import PROMISED, PROMISES

from seatrial.config import load_settings
from seatrial.config._contradictions import contradictions
from seatrial.config._settings import LimitSettings, StackSettings
from seatrial.core import UsageError

STACK = StackSettings(services=("api", "redis"))


def limit(**changed: Any) -> LimitSettings:
    """Return a policy that holds together, but for what is changed."""
    return LimitSettings.model_validate({**PROMISES, "quota": 5, "window_s": 1.0, "path": "/a", **changed})


def found(*limits: LimitSettings) -> list[tuple[int, str]]:
    """Return where contradictions are."""
    return [(number, key) for number, key, _ in contradictions(limits, STACK)]


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"exempt": ("/a",)}, "exempt"),
        ({"exempt": ("/b",), "batch_path": "/b"}, "exempt"),
        ({"authenticated_by": (), "anonymous_by": "none"}, "anonymous_by"),
        ({"proxy": "127.0.0.9", "anonymous_by": "none"}, "proxy"),
        ({"algorithm": "token-bucket", "anchor": "clock"}, "anchor"),
        ({"algorithm": "sliding-log", "anchor": "clock"}, "anchor"),
        ({"body": {"a": "b"}}, "body"),
        ({"path_template": "/a/7"}, "path_template"),
        ({"quota_variable": "V", "window_variable": "V"}, "window_variable"),
        ({"quota_elsewhere": 9}, "quota_elsewhere"),
        ({"store": "memcached"}, "store"),
        ({"method": "POST", "body": {"a": "b"}, "bypass_fields": ("c",)}, "bypass_fields"),
        ({"costs": ({"status": 429, "path": "/b"},)}, "costs"),
        ({"costs": ({"status": 422, "path": "/b", "body": {"a": "b"}},)}, "costs"),
        ({"costs": ({"status": 404, "path": "/b"},), "exempt": ("/b",)}, "costs"),
        ({"costs": ({"status": 404, "path": "/b"},), "reach": "path"}, "costs"),
    ],
)
def test_a_policy_that_contradicts_itself_is_found(changed: dict[str, Any], key: str) -> None:
    """Each contradiction is about one key; without it there is none."""
    assert found(limit(**changed)) == [(0, key)]
    assert found(limit()) == []


def test_limits_that_contradict_each_other_are_found() -> None:
    """One name for two, and two quotas for the same requests; another path, method or window is another limit."""
    assert found(limit(), limit(path="/b")) == [(1, "name")]
    assert found(limit(), limit(name="more", quota=9)) == [(1, "quota")]
    assert found(limit(), limit(name="more", quota=9, window_s=60.0)) == []
    assert found(limit(), limit(name="more", quota=9, method="HEAD"), limit(name="other", path="/b")) == []


def test_what_holds_together_passes() -> None:
    """A clock-aligned window, a body with POST, a store of the stack, a knob for another quota."""
    assert found(limit(anchor="clock", method="POST", body={"a": "b"}, store="redis")) == []
    assert found(limit(proxy="127.0.0.9")) == []
    assert found(limit(quota_variable="V", quota_elsewhere=9, window_variable="W", path_template="/a/{i}")) == []


def test_the_line_is_named(tmp_path: Path) -> None:
    """Whoever wrote it finds it."""
    file = tmp_path / "seatrial.toml"
    block = '[[limits]]\nname = "{}"\nquota = 5\nwindow_s = 1\npath = "/a"\n' + PROMISED
    file.write_text(block.format("one") + block.format("two") + 'exempt = ["/a"]\n')
    with pytest.raises(UsageError, match="'two' contradicts itself: /a is limited, and exempt") as error:
        load_settings(file)
    assert (error.value.slug, error.value.where) == ("limits-contradictory", f"{file}:19")
