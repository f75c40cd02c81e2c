"""A run in several parts: which suites each has, and what it says of itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.campaign import SUITES, Options, as_shard, digest_of, note_left_out, suite_named
from seatrial.campaign._shards import divide, read_shard
from seatrial.config import GateSettings, Settings
from seatrial.core import UsageError

CHECKS = st.dictionaries(st.sampled_from([*SUITES, "own", "another"]), st.integers(1, 40), min_size=1)


@given(CHECKS, st.integers(1, 5), st.randoms())
def test_every_suite_is_in_one_share_whoever_divides(checks: dict[str, int], count: int, chance: object) -> None:
    """No suite is lost or run twice but coverage, which goes with what it measures; their order is no matter."""
    apart = checks.keys() - {"coverage"} or checks.keys()
    if count > len(apart):
        with pytest.raises(UsageError, match="shard-invalid"):
            divide(checks, count)
        return
    shares = [share.split() for share in divide(checks, count)]
    assert sorted(suite for share in shares for suite in share if suite in apart) == sorted(apart)
    assert all(shares)
    shuffled = list(checks.items())
    chance.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis hands out a Random
    assert [share.split() for share in divide(dict(shuffled), count)] == shares
    for share in shares:
        measured = any(suite_named(suite).needs == "instrumented" for suite in share if suite != "coverage")
        assert ("coverage" in share) == ("coverage" in checks and (measured or share == ["coverage"]))


def test_shares_are_as_even_as_whole_suites_can_be() -> None:
    """The largest suites are apart, the small ones fill up."""
    assert divide({"health": 10, "contract": 25, "ratelimit": 30, "load": 8, "logs": 6}, 3) == (
        "ratelimit",
        "contract",
        "health logs load",
    )


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "1/0", "a/b", "1/3/3", "-1/3", "1 / 3", "01/3", ""])
def test_what_is_no_shard_is_refused(text: str) -> None:
    """The message shows what is accepted."""
    with pytest.raises(UsageError, match="shard-invalid") as caught:
        read_shard(text)
    assert "1/3, 2/3 and 3/3" in caught.value.remedy


def test_a_shard_of_some_suites_divides_those() -> None:
    """`--only` says what is divided, and the line that repeats all shards has it."""
    options = as_shard(Options(only=("health", "logs")), "2/2", {"health": 2, "logs": 1})
    assert (options.only, options.asked, options.shares) == (("logs",), ("health", "logs"), ("health", "logs"))
    assert Options.from_json(options.to_json()) == options


def test_a_digest_goes_by_what_is_said_and_not_by_where() -> None:
    """Two checkouts of one commit have one digest; another rule is another."""
    one = Settings(root=Path("/a"))
    assert digest_of(one) == digest_of(Settings(root=Path("/b")))
    assert digest_of(one) != digest_of(Settings(gate=GateSettings(rules=("checks.passed >= 2",))))


def test_what_others_have_is_not_called_left_out() -> None:
    """A run that is no shard has left out what it has not; a shard tells what others have from what nobody has."""
    assert note_left_out(("health",), None, ("health", "logs")) == "not selected in this run: logs"
    assert note_left_out(("health", "logs"), None, ("health", "logs")) == ""
