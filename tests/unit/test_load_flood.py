"""What is said of a flood: whether it saturated the service in each second, and how much it sent meanwhile."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.config import FloodSettings, ScenarioSettings, load_settings
from seatrial.core import UsageError
from seatrial.swarm._flood import Beat, Flooded
from seatrial.swarm._order import prepare


def flooded(*turned_away: int, due: int = 100, **more: Any) -> Flooded:
    """Return a flood of so many arrivals a second, of which as many as said found no place in each."""
    beats = [Beat(at_s=-1, due=0, sent=0), Beat(at_s=0, due=due, sent=due)]
    for number, away in enumerate(turned_away, 1):
        beats.append(Beat(at_s=number, due=(number + 1) * due, sent=beats[-1].sent + due - away))
    known = {"duration_s": len(turned_away), "beats": beats, **more}
    return Flooded(settings=FloodSettings(in_flight=4), **known)


@pytest.mark.parametrize(
    ("flood", "said"),
    [
        (flooded(*[50] * 10), ""),
        (flooded(*[5] * 10), ""),
        (flooded(*[4] * 10), "in 0 of 10 seconds"),
        (flooded(0, *[50] * 9), ""),
        (flooded(0, 0, *[50] * 8), "in 8 of 10 seconds"),
        (flooded(*[0] * 4, 100, *[0] * 5), "it took 900 of 1000 further requests"),
        (flooded(*[0] * 10, due=0), "not saturated"),
        (flooded(*[50] * 10, busy=0.96), "took 96% of a processor"),
        (flooded(*[50] * 10, lag_ms=500.0), ""),
        (flooded(*[50] * 10, lag_ms=500.1), "up to 500.1 ms late, more than 500 ms"),
        (flooded(*[50] * 10, ended=True), "ended before it did"),
        (flooded(*[50] * 10, duration_s=10.5), "ended before it did"),
        (flooded(50, beats=()), "ended before it did"),
    ],
)
def test_saturation_has_to_be_shown(flood: Flooded, said: str) -> None:
    """In nine of ten seconds (one stall shows nothing), by a generator that was on time, to the end of the load."""
    assert said in flood.doubt
    assert bool(flood.doubt) == bool(said)


def test_a_flood_that_goes_on_is_counted_beside_the_load_alone() -> None:
    """What came before the load and after it is not in its figures."""
    flood = flooded(*[50] * 10, duration_s=4.0)
    assert (flood.due, flood.sent) == (400, 200)


COUNTS = st.lists(st.tuples(st.floats(0.01, 3), st.integers(0, 1000)), min_size=1, max_size=10)


@given(counts=COUNTS, cut=st.floats(0, 1))
def test_what_was_sent_adds_up(counts: list[tuple[float, int]], cut: float) -> None:
    """Any two spans together have what the whole has, and nobody claims to know what came after the last beat."""
    beats = [Beat(at_s=0, due=0, sent=0)]
    for seconds, more in counts:
        sent = beats[-1].sent + more
        beats.append(Beat(at_s=beats[-1].at_s + seconds, due=sent, sent=sent))
    flood, end_s = flooded(beats=beats), beats[-1].at_s
    first, second = flood.sent_between(-1, cut * end_s), flood.sent_between(cut * end_s, end_s)
    assert first is not None
    assert second is not None
    assert min(first, second) >= 0
    assert first + second == pytest.approx(sum(more for _, more in counts))
    assert flood.sent_between(0, end_s + 0.01) is None


def test_a_flood_is_bounded(tmp_path: Path) -> None:
    """As the arrivals that are judged, in the profiles that it is for."""
    how: dict[str, Any] = {"root": tmp_path, "limits": None, "environment": {}}
    flood = {"in_flight": 4, "rate_per_s": 200_000, "profiles": ("full",)}
    base = {"rate_per_s": 1, "duration_s": {"quick": 101, "full": 101}, "paths": ("/a",), "flood": flood}
    scenario = ScenarioSettings.model_validate(base)
    with pytest.raises(UsageError, match=r"200000/s for 101 s are 2.02e\+07 arrivals") as caught:
        prepare("s", scenario, profile="full", **how)
    assert (caught.value.slug, caught.value.where) == ("load-too-large", "[load.s.flood] rate_per_s")
    assert prepare("s", scenario, profile="quick", **how).flood is None


def test_a_flood_beside_identities_is_refused(tmp_path: Path) -> None:
    """It goes as nobody: its cheap refusals would be in the cost of a request."""
    file = tmp_path / "seatrial.toml"
    file.write_text(
        '[load.s]\nrate_per_s = 1\npaths = ["/"]\nduration_s = { quick = 1 }\n'
        "identities = 2\n[load.s.flood]\nin_flight = 4\n"
    )
    with pytest.raises(UsageError) as caught:
        load_settings(file)
    assert (caught.value.slug, caught.value.where) == ("load-traffic-contradictory", f"{file}:6")
    assert "`flood`" in caught.value.what
    assert "`identities`" in caught.value.what
