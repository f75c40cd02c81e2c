"""What the suite about the page makes of what was seen: each defect is one check's, and no data is never a pass."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from by_path import load_suite
from pydantic import ValidationError

from seatrial.browse import Seen
from seatrial.config import PageSettings, StepSettings, WebSettings, load_settings
from seatrial.core import Check, Severity
from seatrial.plugin import Defects, Toured
from seatrial.plugin._outcomes import DefectsFound, Inconclusive, NotApplicable, NotTested

PLAIN = PageSettings(name="list", path="/list", signed_in=True, expect=("Documents",), moment=True)
LIMITED = PageSettings(name="limited", path="/list", signed_in=True, limited=True, expect=("Wait",), moment=True)
GOOD = Seen(moment=True, violations={"light": (), "dark": ()}, headers={"x-frame-options": "DENY"})
WEB = WebSettings(service="web", pages=(PLAIN, LIMITED), interactive_s=2, headers={"X-Frame-Options": "DENY"})
Judged = Callable[..., dict[str, str]]


@pytest.fixture
def suite(pytestconfig: pytest.Config) -> ModuleType:
    """Return the suite, which is loaded by its path, as pytest does."""
    return load_suite(pytestconfig, "web")


@pytest.fixture
def judged(suite: ModuleType) -> Judged:
    """Return what judges both states by every check, and returns what failed, by check."""

    def judge(plain: Seen = GOOD, limited: Seen = GOOD, *, load_s: tuple[float, ...] = (1, 1, 1)) -> dict[str, str]:
        states = [(PLAIN, plain), (LIMITED, limited)]
        toured = Toured(pages={"list": plain, "limited": limited}, load_s=load_s)
        failed: dict[str, str] = {}
        given: dict[str, tuple[Any, ...]] = {
            "pages_work": (states,),
            "states_clear": (states,),
            "accessible": (states, toured),
            "no_secret_in_page": (states,),
            "headers": (WEB, states),
        }
        for name, arguments in given.items():
            check = Check(slug=f"web.{name.replace('_', '-')}", title="", severity=Severity.LOW, suite="web")
            try:
                getattr(suite, f"test_{name}")(*arguments, Defects(check))
            except DefectsFound as found:
                failed[name] = str(found)
        try:
            suite.test_interactive_in_time(WEB, toured)
        except AssertionError as late:
            failed["interactive_in_time"] = str(late)
        return failed

    return judge


def test_nothing_is_wrong_with_a_good_page(judged: Judged) -> None:
    """Every check passes."""
    assert judged() == {}


@pytest.mark.parametrize(
    ("defect", "check"),
    [
        ({"missing": ("Documents",)}, "pages_work"),
        ({"problem": "nothing on the page is #list"}, "pages_work"),
        ({"moment": False}, "pages_work"),
        ({"complaints": ("TypeError: x is undefined",)}, "pages_work"),
        ({"failed": ("http://127.0.0.1/a.js (404)",)}, "pages_work"),
        ({"violations": {"light": (), "dark": (("color-contrast", "too faint"),)}}, "accessible"),
        ({"narrow": True}, "accessible"),
        ({"leaks": ("an address",)}, "no_secret_in_page"),
        ({"headers": {}}, "headers"),
        ({"headers": {"x-frame-options": "DENY, ALLOW"}}, "headers"),
    ],
)
def test_a_defect_is_one_checks(judged: Judged, defect: dict[str, Any], check: str) -> None:
    """A state in which all works fails that check, and no other."""
    good = {name: getattr(GOOD, name) for name in ("moment", "violations", "headers")}
    assert list(judged(Seen(**good | defect))) == [check]


@pytest.mark.parametrize("defect", [{"missing": ("Wait",)}, {"moment": False}, {"problem": "it is blank"}])
def test_a_state_that_is_refused_has_a_check_of_its_own(judged: Judged, defect: dict[str, Any]) -> None:
    """It has to say why, and until when."""
    good = {name: getattr(GOOD, name) for name in ("moment", "violations", "headers")}
    assert list(judged(limited=Seen(**good | defect))) == ["states_clear"]


def test_three_loads_decide(judged: Judged) -> None:
    """All too late is a defect; where one was in time, and one was not, nothing is certain."""
    assert list(judged(load_s=(2.1, 2.5, 9.0))) == ["interactive_in_time"]
    assert judged(load_s=(2.0, 1.5, 0.1)) == {}
    with pytest.raises(Inconclusive, match=r"took 1\.00, 2\.50, 3\.00 s"):
        judged(load_s=(1.0, 2.5, 3.0))


def test_a_page_that_asks_the_service_itself_is_refused(judged: Judged) -> None:
    """Beyond the quota, requests of its scripts fail: what it says then is what counts."""
    good = {name: getattr(GOOD, name) for name in ("moment", "violations", "headers")}
    assert judged(limited=Seen(**good, failed=("http://127.0.0.1/list (429)",))) == {}


def test_a_state_that_was_not_brought_about_proves_nothing(judged: Judged) -> None:
    """It is no defect of the page that a quota was not used up."""
    with pytest.raises(Inconclusive, match="limited: nobody was refused"):
        judged(limited=Seen(doubt="nobody was refused"))


def test_a_load_that_did_not_end_has_no_time(judged: Judged) -> None:
    """Whether it was too slow, or broken, is not known."""
    with pytest.raises(Inconclusive, match="did not end"):
        judged(load_s=())


def test_without_axe_nothing_is_accessible(suite: ModuleType) -> None:
    """It is not tested, and says why, but for what is seen without it."""
    toured = Toured(pages={}, load_s=(1,), without_axe="there is no npm")
    check = Check(slug="web.accessible", title="", severity=Severity.LOW, suite="web")
    with pytest.raises(NotTested, match="there is no npm"):
        suite.test_accessible([(PLAIN, GOOD)], toured, Defects(check))
    with pytest.raises(DefectsFound):
        suite.test_accessible([(PLAIN, Seen(narrow=True))], toured, Defects(check))


def test_nobody_signed_in_keeps_no_secret(suite: ModuleType) -> None:
    """Without such a state the check proves nothing."""
    status = PageSettings(name="status", path="/", expect=("Works",))
    with pytest.raises(NotTested, match="signed_in"):
        suite.test_no_secret_in_page([(status, GOOD)], None)


def test_what_is_not_promised_is_not_applicable(suite: ModuleType) -> None:
    """No header, and no time, is declared."""
    bare = WebSettings(service="web", pages=(PLAIN,))
    with pytest.raises(NotApplicable, match=r"\[web.headers\]"):
        suite.test_headers(bare, [(PLAIN, GOOD)], None)
    with pytest.raises(NotApplicable, match="interactive_s"):
        suite.test_interactive_in_time(bare, Toured(pages={}, load_s=(1,)))


def test_the_example_of_the_guide_loads(tmp_path: Path) -> None:
    """docs/how-to/verify-a-page.md shows what the settings take."""
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "verify-a-page.md").read_text(encoding="utf-8")
    (tmp_path / "seatrial.toml").write_text(page.partition("```toml\n")[2].partition("```")[0], encoding="utf-8")
    web = load_settings(tmp_path / "seatrial.toml").web
    assert web
    assert [page.name for page in web.pages] == ["status", "limited", "down"]


@pytest.mark.parametrize("step", [{}, {"fill": "#token", "click": "button"}])
def test_a_step_is_one_thing(step: dict[str, str]) -> None:
    """It is either typed or clicked."""
    with pytest.raises(ValidationError, match="either `fill` or `click`"):
        StepSettings(**step)


def test_a_quota_is_somebodys() -> None:
    """Who is not signed in has none that could be used up here."""
    with pytest.raises(ValidationError, match="needs `signed_in`"):
        PageSettings(name="limited", path="/", limited=True, expect=("Wait",))
