"""A load of any size: rows in the order of their arrivals, and figures as if all of them were in memory."""

import itertools
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from accounts import account_of, refusals_of
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.swarm._account import MOST_WORDS, OTHER
from seatrial.swarm._ordering import order_rows
from seatrial.swarm._percentile import POINTS, nearest_rank
from seatrial.swarm._plan import FAILED, LATE, OK, RAISED, TIMEOUT, TURNED_AWAY, UNFINISHED, is_spoilt
from seatrial.swarm._rows import FATES, Row, fate
from seatrial.swarm._spool import Spool, ordered
from seatrial.swarm._statistics import WAITS, figures_of, least_of, total_of

PROPERTY = settings(deadline=None, max_examples=60)
TIMES = st.floats(-1e6, 1e9)
OUTCOMES = st.sampled_from([OK, OK, FAILED, TIMEOUT, UNFINISHED, LATE, TURNED_AWAY, RAISED])
REQUEST = st.tuples(st.sampled_from(["GET /a", "GET /b", "TASK t"]), st.sampled_from([0, 200, 429]), OUTCOMES, TIMES)
ARRIVALS = st.lists(
    st.tuples(st.floats(0, 200), st.sampled_from("uv"), st.lists(REQUEST, min_size=1, max_size=4)), max_size=30
)
Arrival = tuple[float, str, list[tuple[str, int, str, float]]]


def rows_of(arrivals: list[Arrival]) -> list[Row]:
    """Return the rows of arrivals, ten a second."""
    return [
        Row(
            arrival=number, due_s=number / 10, lag_ms=lag_ms, identity=identity, operation=operation, status=status,
            media="m", outcome=outcome, latency_ms=ms, service_ms=ms / 2, cause="" if outcome == OK else outcome,
        )
        for number, (lag_ms, identity, requests) in enumerate(arrivals)
        for operation, status, outcome, ms in requests
    ]  # fmt: skip


def fates(rows: list[Row]) -> Counter[str]:
    """Return what became of the arrivals, by all rows at once."""
    groups = itertools.groupby(rows, key=lambda row: row.arrival)
    return Counter(max((fate(row.outcome) for row in group), key=FATES.index) for _, group in groups)


@PROPERTY
@given(ARRIVALS, st.sampled_from([1, 7, 1 << 19]))
def test_figures_are_those_of_all_rows_at_once(arrivals: list[Arrival], most_held: int) -> None:
    """Whatever memory has room for: percentiles to the last digit, counts, and what a service can have earned."""
    rows = rows_of(arrivals)
    account = account_of(rows, most_held=most_held)
    assert account.total.fates == {**dict.fromkeys(FATES, 0), **fates(rows)}
    timed = [row for row in rows if row.outcome != RAISED]
    if not timed:
        return
    values = total_of(account, duration_s=1.0).values
    latencies = sorted(row.latency_ms for row in timed)
    assert {name: values[name] for name in POINTS} == {n: nearest_rank(latencies, p) for n, p in POINTS.items()}
    for operation, groups in account.by_operation().items():
        own = [row for row in timed if row.operation == operation]
        figures = figures_of(groups, duration_s=1.0)
        assert (figures.count, figures.good) == (len(own), sum(row.outcome == OK for row in own))
        check_least(own, least_of(groups, account.operations[operation], duration_s=1.0).values)
    check_least(rows, least_of(account.groups, account.total, duration_s=1.0).values)


def check_least(rows: list[Row], found: dict[str, float]) -> None:
    """Hold the best figures that a service can have earned against those of rows in memory."""
    began = [row for row in rows if row.kind.began]
    lags = sorted({row.arrival: row.lag_ms for row in began}.values())
    late_ms = WAITS * nearest_rank(lags or [0.0], 99)
    earned = sorted(
        max(row.service_ms - late_ms, 0.0) if row.kind.began else 0.0 for row in rows if row.outcome != RAISED
    )
    assert {name: found[name] for name in POINTS} == {n: nearest_rank(earned, p) for n, p in POINTS.items()}
    due = len({row.arrival for row in rows})
    owed = {
        row.arrival for row in began if row.outcome != OK and not is_spoilt(row.outcome, row.lag_ms, deadline_s=1.0)
    }
    assert found["error_ratio"] == (due - (due - len(owed))) / due


@PROPERTY
@given(st.lists(st.lists(TIMES, max_size=3000), max_size=3), st.integers(1, 500))
def test_each_place_has_its_value_wherever_it_is_kept(values: list[list[float]], most_held: int) -> None:
    """In memory, or in many runs on the disk; and whoever reads all gets all."""
    spool = Spool(most_held=most_held)
    series = [spool.series() for _ in values]
    for one, own in zip(series, values, strict=True):
        for value in own:
            one.add(value)
            spool.make_room(1)
    expected = sorted(itertools.chain(*values))
    found = ordered(series)
    assert len(found) == len(expected)
    places = {0, len(expected) // 2, len(expected) - 1} if expected else set()
    assert [found[place] for place in sorted(places)] == [expected[place] for place in sorted(places)]
    assert sorted(itertools.chain(*series)) == expected


def test_many_values_on_the_disk_are_found_by_halves() -> None:
    """More than are looked at one by one, of either sign, and many of them equal."""
    values = [((number * 7919) % 5003 - 2500) / 7 for number in range(9000)] + [1.5] * 3000
    spool = Spool(most_held=400)
    series = spool.series()
    for value in values:
        series.add(value)
        spool.make_room(1)
    found, expected = ordered([series]), sorted(values)
    assert [found[place] for place in range(0, len(values), 97)] == expected[::97]


ROWS = st.lists(st.tuples(st.integers(-1, 40), st.integers(0, 9)), max_size=60)


@PROPERTY
@given(ROWS, st.integers(1, 8), st.integers(1, 40))
def test_rows_stand_in_the_order_of_their_arrivals(rows: list[tuple[int, int]], window: int, chunk: int) -> None:
    """Those of one as they were, none lost or there twice, one that was cut left out; whatever is read at once."""
    lines = [f"{arrival},{place},{'x' * width}\n" for place, (arrival, width) in enumerate(rows)]
    with TemporaryDirectory() as folder:
        file = Path(folder) / "requests.csv"
        file.write_text("".join(["header\n", *lines, "7,cu"]))
        order_rows(file, window=window, chunk=chunk)
        assert file.read_text() == "".join(["header\n", *sorted(lines, key=lambda line: int(line.split(",")[0]))])
        assert [one.name for one in Path(folder).iterdir()] == ["requests.csv"]


@PROPERTY
@given(ARRIVALS, st.integers(1, 4), st.floats(0.05, 1.0))
def test_who_passed_a_quota_is_known_by_what_was_sent_last(arrivals: list[Arrival], quota: int, window: float) -> None:
    """The same as by all instants of an identity at once."""
    rows = rows_of(arrivals)
    over = set()
    for name in "uv":
        times = [row.due_s for row in rows if row.identity == name and row.kind.is_http]
        if any(sum(start <= at <= start + window for at in times) > quota for start in times):
            over.add(name)
    assert refusals_of(rows, [(float(quota), window)]).over == over


def test_causes_that_never_end_are_told_together() -> None:
    """A service may give each failure another text: from some number on, they are one."""
    arrival: Arrival = (0.0, "u", [("GET /a", 200, FAILED, 1.0)])
    rows = rows_of([arrival] * (MOST_WORDS + 50))
    for number, row in enumerate(rows):
        row.cause = str(number)
    (group,) = account_of(rows).groups
    assert group.causes[OTHER] > 1
    assert len(group.causes) <= MOST_WORDS
    assert sum(group.causes.values()) == len(rows)
