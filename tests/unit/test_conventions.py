"""What headers say in each convention: figures, what is wrong with them, and the limit that is meant."""

from __future__ import annotations

import pytest

from seatrial.config import LimitSettings
from seatrial.throttle import Answer, Instant, Policy
from seatrial.throttle._conventions import convention_of, read_figure
from seatrial.throttle._partition import judge_partition

FIGURES = ("limit", "remaining", "reset")
TWICE, MALFORMED, NO_NUMBER = "there more than once", "no structured field", "no whole number"


def policy(convention: str) -> Policy:
    """Return ten requests in a minute."""
    settings = {"quota": 10, "window_s": 60.0, "path": "/a", "headers": convention}
    return Policy.declared(LimitSettings.model_validate(settings), {})


def answer(*headers: tuple[str, str]) -> Answer:
    """Return an answer with headers, in order."""
    now = Instant(0.0, 0.0)
    return Answer(method="GET", path="/a", status=200, headers=headers, sent=now, received=now, client="user")


def told(convention: str, *headers: tuple[str, str]) -> tuple[object, ...]:
    """Return the three figures, and the window of the policy."""
    declared, found = policy(convention), convention_of(policy(convention))
    assert found
    figures = [read_figure(declared, answer(*headers), figure) for figure in FIGURES]  # type: ignore[arg-type]
    return (*figures, found.window_s(declared, answer(*headers)))


@pytest.mark.parametrize("prefix", ["X-RateLimit", "RateLimit"])
def test_a_figure_may_have_a_header_of_its_own(prefix: str) -> None:
    """Those are read as they stand, and the policy of the draft with them."""
    headers = [(f"{prefix}-{name}", value) for name, value in (("Limit", "10"), ("Remaining", "9"), ("Reset", "41"))]
    convention = "x-ratelimit-delta" if prefix.startswith("X") else "ietf-draft-6"
    assert told(convention, *headers) == (10, 9, 41, None)
    assert told(convention, (f"{prefix}-Limit", '10, 10;w=1;name="per-ip"'), *headers[1:]) == (10, 9, 41, None)
    assert told(convention, (f"{prefix}-Limit", "10"), headers[0])[0] == TWICE
    assert [told(convention, (f"{prefix}-Limit", said))[0] for said in ("10, 9", "-1, 9;w=1")] == [NO_NUMBER] * 2
    assert told("ietf-draft-6", ("RateLimit-Policy", "10;w=60"), ("RateLimit-Limit", "ten"))[::3] == (NO_NUMBER, 60)


@pytest.mark.parametrize(
    ("said", "figures"),
    [
        ("limit=10, remaining=9, reset=41", (10, 9, 41)),
        ("limit=10,remaining=9", (10, 9, "missing")),
        ("limit=10, remaining=-1, reset=2.5", (10, NO_NUMBER, NO_NUMBER)),
        ('limit="10", remaining=?1, reset=(1 2)', (NO_NUMBER, NO_NUMBER, NO_NUMBER)),
        ("limit=10, limit=9, remaining=9, reset=41", (TWICE,) * 3),
        ("10 of 10", (MALFORMED,) * 3),
    ],
)
def test_figures_may_stand_in_a_dictionary(said: str, figures: tuple[object, ...]) -> None:
    """They stand in one header, or on several lines; what is no whole number from 0 on tells nothing."""
    assert told("ietf-draft-7", ("RateLimit", said))[:3] == figures
    lines = [("RateLimit", member) for member in said.split(", ")]
    assert told("ietf-draft-7", *lines)[:3] == figures


def test_nothing_said_is_missing() -> None:
    """Without any header, each figure is missing, but for the reset of the last draft, which may be left out."""
    assert told("ietf-draft-7") == ("missing",) * 3 + (None,)
    assert told("ietf-draft-8", ("RateLimit", '"a";r=9'), ("RateLimit-Policy", '"a";q=10')) == (10, 9, None, None)
    assert told("ietf-draft-8", ("RateLimit", '"a";r=9;t=41')) == ("missing", 9, 41, None)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_several_limits_the_declared_one_is_read(order: tuple[int, int]) -> None:
    """It is known by its quota and window, wherever it stands."""
    limits = ['"hour";q=100;w=3600', '"minute";q=10;w=60']
    left = ['"hour";r=40;t=1800', '"minute";r=9;t=41']
    said = [", ".join(rows[n] for n in order) for rows in (limits, left)]
    assert told("ietf-draft-8", ("RateLimit-Policy", said[0]), ("RateLimit", said[1])) == (10, 9, 41, 60)


def test_a_list_of_other_things_is_none_of_limits() -> None:
    """Names are strings, each stands once, and a window is a whole number of seconds."""
    assert told("ietf-draft-8", ("RateLimit", "a;r=9;t=41"))[1] == MALFORMED
    assert told("ietf-draft-8", ("RateLimit", '"a";r=9, "a";r=8'))[1] == TWICE
    assert told("ietf-draft-8", ("RateLimit-Policy", '"a";q=10;w=1.5'))[3] == NO_NUMBER
    assert told("ietf-draft-8", ("RateLimit-Policy", '"a";q=10;w='))[3] == MALFORMED
    assert told("ietf-draft-8", ("RateLimit-Policy", ""))[0] == "missing"


@pytest.mark.parametrize(
    ("said", "causes"),
    [
        ('qu="requests";pk=:c2hhZG93:', []),
        ("qu=requests", ["policy-unit-no-string"]),
        ('qu=7;pk="shadow"', ["policy-unit-no-string", "policy-key-no-bytes"]),
        ("pk=:MTkyLjAuMi43:", ["policy-key-tells-whom"]),
        ("pk=:MjAwMTpkYjg6OjE=:", ["policy-key-tells-whom"]),
        ("pk=:YW5uQGFjbWUuZXhhbXBsZQ==:", ["policy-key-tells-whom"]),
    ],
)
def test_a_policy_names_its_unit_and_keeps_its_key_to_itself(said: str, causes: list[str]) -> None:
    """Of every limit that is told: a unit is a string, a key bytes that say nobody's address."""
    answers = answer(("RateLimit-Policy", f'"hour";q=100;w=3600, "minute";q=10;w=60;{said}'))
    assert [defect.cause for defect in judge_partition(policy("ietf-draft-8"), answers)] == causes
    assert list(judge_partition(policy("ietf-draft-7"), answers)) == []


def test_a_key_of_what_remains_is_one_too() -> None:
    """What is said of it stands beside the header that has it."""
    (defect,) = judge_partition(policy("ietf-draft-8"), answer(("RateLimit", '"minute";r=9;pk=:MTkyLjAuMi43:')))
    assert (defect.cause, defect.title.split()[0]) == ("remaining-key-tells-whom", "RateLimit")
