"""The pages of a run in a browser: they load nothing, run our script alone, fit a phone, and axe finds nothing."""

from __future__ import annotations

import json
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest
from accounts import account_of, seconds_of
from browser import Browser, browsing

from seatrial.core import (
    Bypass,
    CheckResult,
    Documented,
    Exchange,
    Finding,
    GateResult,
    Lane,
    LimitProof,
    Measurement,
    Outcome,
    Request,
    Response,
    Sent,
    Severity,
    Tally,
    Told,
    Verdict,
)
from seatrial.record import (
    AnyEvent,
    CheckFinished,
    CheckPlanned,
    ContractRead,
    ExchangeRecorded,
    ExchangesCounted,
    GateJudged,
    HistoryRead,
    LimitationNoted,
    LimitProved,
    MeasurementTaken,
    PastGate,
    PastRun,
    Record,
    Recorder,
    RunFinished,
    RunStarted,
)
from seatrial.reporting import write_reports
from seatrial.reporting._addresses import address
from seatrial.reporting.compare import differences_of, write_page
from seatrial.stack import Usage
from seatrial.swarm._failures import Failure
from seatrial.swarm._objectives import Objective
from seatrial.swarm._plan import FAILED, OK, Ledger, Plan
from seatrial.swarm._process import Ending
from seatrial.swarm._report import write_stats
from seatrial.swarm._resources import Sample
from seatrial.swarm._rows import Row
from seatrial.swarm._seconds import looks_of
from seatrial.swarm._slope import Interval

TITLES = ("fail", "REFUTED", "compared")
AXE = "axe-core@4.14.1"
EVIL = "<img src=http://127.0.0.1:9/x onerror=document.title='owned'><script>document.title='owned'</script>"
LONG = "a_word_that_no_line_holds_" * 20
FINDING = Finding(
    check="a.bad", severity=Severity.HIGH, title=EVIL, cause="c", operation="GET /a", evidence=("x-1",),
    detail=LONG, replay=f"curl {LONG}", location="a.py:1",
)  # fmt: skip
EXCHANGE = Exchange(
    id="x-1",
    operation="GET /a",
    identity="user-1",
    request=Request(method="GET", url=f"http://h/{LONG}", headers=(("a", EVIL),)),
    response=Response(status=500, headers=(("b", LONG),), body=EVIL * 50),
    sent_s=1.0,
    received_s=1.5,
)
DOCUMENTED = Documented(
    operation="GET /a", answers=(("200", "application/json"), ("404", "")), inputs=("q",), secured=True
)
BAD = CheckResult(
    check="a.bad", outcome=Outcome.FAILED, reason=EVIL, findings=(FINDING, FINDING, replace(FINDING, cause="d"))
)
SENT = Sent(operation="GET /a", status=200, refused=False, sent_s=100.0, received_s=100.1)
REFUSED = replace(SENT, status=429, refused=True, sent_s=100.5, received_s=100.6)
REFUTED = replace(FINDING, check="ratelimit.quota-exact")
UNTRUE = {"X-RateLimit-Limit": LONG}
TRIED = Bypass(check="ratelimit.query-in-key", cause="query-in-key", what=EVIL, who="user", came="bypass", status=200)
PROOF = LimitProof(
    policy="main", quota=3, window_s=10.0, promises={"method": "GET", "path": "/a", "word": LONG},
    results=(
        CheckResult(check="ratelimit.isolation", outcome=Outcome.PASSED),
        CheckResult(check="ratelimit.quota-exact", outcome=Outcome.FAILED, reason=EVIL, findings=(REFUTED,)),
        CheckResult(check="ratelimit.query-in-key", outcome=Outcome.INCONCLUSIVE, reason=LONG),
        CheckResult(check="ratelimit.window-resets", outcome=Outcome.NOT_TESTED, reason=LONG),
    ),
    transcripts={"ratelimit.isolation": ("x-1",)},
    lanes=(
        Lane(client=EVIL, sent=(SENT, REFUSED, replace(SENT, status=0, sent_s=101.0, received_s=101.1))),
        Lane(client="user-2", sent=(SENT,)),
    ),
    headers=(
        Told(number=1, status=200, said={"X-RateLimit-Limit": "3", "X-Else": EVIL}, unjudged=("X-Else",)),
        Told(number=2, status=429, said=UNTRUE, untrue=UNTRUE),
    ),
    bypasses=(
        replace(TRIED, operation=f"GET /a?{LONG}", admitted=6, asked=6),
        replace(TRIED, came="unconfirmed"),
        replace(TRIED, came="refused", status=429),
        replace(TRIED, came="not tried"),
    ),
    requests=7,
)  # fmt: skip
PLAN = Plan(
    name="steady", url="http://127.0.0.1:9", file="", user="", paths=("/a",), rate_per_s=4.0, duration_s=10.0,
    deadline_s=1.0, spacing="constant", seed=1,
)  # fmt: skip
ROW = Row(
    arrival=0, due_s=0.5, lag_ms=1.0, identity="", operation=f"GET /{LONG}", status=200, media="", outcome=OK,
    latency_ms=3.0, service_ms=2.0, cause="",
)  # fmt: skip
ROWS = (ROW, replace(ROW, arrival=1, due_s=1.5, operation=EVIL, status=429, outcome=FAILED, latency_ms=7.0, cause=EVIL))
LOOKS = [
    Sample(at_s=at, usage=Usage(cpu_s=at / 4, memory_bytes=5_000_000, descriptors=None), queue=at, queries=9)
    for at in (0.0, 1.0, 2.0)
]
GATE = GateResult(
    id="checks.failed == 0", metric="checks.failed", operator="==", threshold=0, value=1, unit="count",
    status=Verdict.FAIL, reason="checks.failed is 1",
)  # fmt: skip
EARLIER = tuple(
    PastRun(
        run=f"{EVIL} {number}", time="then", project="", profile="quick", stack="local", asked=LONG, suites=(),
        commit="", verdict=Verdict.FAIL, broke=number == 1, duration_s=2.0, coverage={"total": 80.0 + number},
        gates=(PastGate(id=f"{EVIL} == 0", metric="checks.failed", value=number, unit="count", status=Verdict.FAIL),),
    )
    for number in range(4)
)  # fmt: skip
EVENTS: tuple[AnyEvent, ...] = (
    RunStarted(
        run="r", version="1", started="now", stack="local", why_stack="w", profile="quick", seed=7,
        suites=("a", "ratelimit", "load"), command=f"seatrial run {LONG}",
    ),
    CheckPlanned(check="a.good", title="t", suite="a", severity="high", claim="c", cwe=(770,)),
    CheckPlanned(check="a.bad", title="t", suite="a", severity="high", claim=LONG),
    *(
        CheckPlanned(check=f"ratelimit.{claim}", title=LONG, suite="ratelimit", severity="high", claim=EVIL, cwe=(770,))
        for claim in ("isolation", "quota-exact", "query-in-key", "window-resets", "batch-counted")
    ),
    ContractRead(operations=(DOCUMENTED,)),
    ExchangesCounted(
        tallies=(Tally(operation="GET /a", status=200, media="application/json", valid=("q",), caller=EVIL),)
    ),
    ExchangeRecorded(exchange=EXCHANGE),
    CheckFinished(result=CheckResult(check="a.good", outcome=Outcome.PASSED)),
    CheckFinished(result=BAD),
    LimitProved(proof=PROOF),
    *(CheckFinished(result=result) for result in PROOF.results),
    MeasurementTaken(measurement=Measurement(name="coverage.total", value=87.5, unit="percent", definition="d")),
    LimitationNoted(note=f"not this {LONG}"),
    GateJudged(gate=GATE),
    GateJudged(gate=replace(GATE, status=Verdict.INCONCLUSIVE, value=None, informational=True)),
    HistoryRead(earlier=EARLIER, commit="c" * 40),
    RunFinished(verdict=Verdict.FAIL, reason="checks.failed is 1", duration_s=2.0),
)  # fmt: skip
REACHED = {"lines": 9, "covered": 4, "suites": {"startup": 1, "contract": 3}, "only": {"contract": 3}, "unreached": 5}
NEVER = ", ".join(str(line) for line in range(4, 400, 2))
WHERE = {"only": {"contract": "1-3"}, "unreached": NEVER}
TREE = {
    "schema": "urn:seatrial:coverage:1",
    "incomplete": "",
    "interpreters": [{"service": "api", "python": "3.13", "core": "ctrace"}],
    "late": [],
    "suites": ["startup", "contract"],
    "components": [{"name": name, **REACHED} for name in ("total", "health", "main")],
    "files": [
        {**REACHED, "file": file, "components": components, "where": WHERE}
        for file, components in ((f"svc/{LONG}.py", ["health"]), ("svc/both.py", ["health", "main"]), (EVIL, []))
    ],
}
Require = Callable[[str], str]
Lacks = Callable[[str, str], NoReturn]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run with everything that a service may do to its pages."""
    folder = tmp_path_factory.mktemp("run")
    with Recorder(folder) as recorder:
        for event in EVENTS:
            recorder.emit(event)
    write_load(folder / "load" / "steady")
    (folder / "web").mkdir()
    (folder / "web" / "limited.png").touch()
    (folder / "coverage").mkdir()
    (folder / "coverage" / "components.json").write_text(json.dumps(TREE))
    record = write_reports(folder)
    write_compared(record, folder / "compare.html")
    return folder


def write_compared(record: Record, page: Path) -> None:
    """Write the page that compares the run with one that found and sent nothing, in other conditions."""
    empty = Record(page.parent / "nowhere", started=RunStarted(
        run=EVIL, version="0", started="then", stack="compose", why_stack="", profile="full", seed=1, project=LONG,
    ))  # fmt: skip
    with page.open("w") as stream:
        write_page(differences_of(empty, record), stream)


def write_load(folder: Path) -> None:
    """Write what a scenario left: two arrivals, one of them failed, and what the service used."""
    folder.mkdir(parents=True)
    used = {"cpu_ms_per_request": Interval.exact(250.0), "memory_slope": Interval(value=5.0, low=1.0, high=9.0)}
    write_stats(
        folder / "stats.json", PLAN, account=account_of(ROWS), ledger=Ledger(due=2, started=2, answered=1, failed=1),
        ending=Ending(report={"cpu_s": 0.5, "wall_s": 2.0}, exit_code=0),
        results=[CheckResult(check="load.steady-objectives", outcome=Outcome.FAILED, reason=EVIL)], doubt=LONG,
        failures=[Failure(operation="GET /a", status=500, outcome="failed", cause=EVIL, count=1)], given_up=(),
        used=used, looks=looks_of(LOOKS), seconds=seconds_of(ROWS, rejection=429),
        objectives=[Objective(metric="error_ratio", operator="<=", threshold=0.5)],
    )  # fmt: skip


@pytest.fixture
def page(run: Path) -> str:
    """Return the URL of the run's report."""
    return (run / "report.html").as_uri()


@pytest.fixture(params=["report.html", "ratelimit/main.html", "compare.html"])
def each(run: Path, request: pytest.FixtureRequest) -> str:
    """Return the URL of each page of the run."""
    name: str = request.param
    return (run / name).as_uri()


@pytest.fixture(scope="module")
def chromium(require: Require) -> Iterator[Browser]:
    """Return a browser for all tests of this file."""
    with browsing(require("chromium")) as browser:
        yield browser


@pytest.fixture(scope="module")
def axe(require: Require, lacks: Lacks, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the source of axe, from the registry that npm knows."""
    folder = tmp_path_factory.mktemp("axe")
    command = [require("npm"), "pack", AXE, "--silent", "--pack-destination", str(folder)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        lacks("npm", f"npm cannot fetch {AXE}")
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        source = archive.extractfile("package/axe.min.js")
        assert source is not None
        return source.read().decode()


def test_it_loads_nothing_and_runs_nothing_foreign(chromium: Browser, each: str) -> None:
    """Opened from a file a page asks for nothing else, no text of a service runs, and nobody has to see to that."""
    chromium.told.clear()
    chromium.open(each)
    assert set(chromium.requests()) == {each}
    assert chromium.value("document.title").startswith(TITLES)
    ours = int(not each.endswith("compare.html"))  # known by its hash
    assert chromium.value("document.querySelectorAll('script, img, link').length") == ours
    assert chromium.complaints() == []


def test_its_policy_is_in_force(chromium: Browser, each: str) -> None:
    """Were a text not escaped, the browser itself would refuse to run or to load it."""
    chromium.open(each)
    chromium.told.clear()
    chromium.value(f"document.body.insertAdjacentHTML('beforeend', {json.dumps(EVIL)})")
    chromium.value("new Promise(done => setTimeout(done, 200))")
    assert chromium.value("document.title").startswith(TITLES)
    assert any("Content Security Policy" in complaint for complaint in chromium.complaints())


def test_page_one_is_in_order(chromium: Browser, page: str) -> None:
    """Verdict and reason, gates, what was not verified, findings: this is what a release manager reads."""
    chromium.open(page)
    headings = chromium.value("[...document.querySelectorAll('h1, h2')].map(h => h.textContent)")
    assert headings[:4] == ["fail", "Gates", "Not verified", "Findings"]
    assert "informational" in chromium.value("document.querySelector('#gates').parentNode.innerText")


@pytest.mark.parametrize(
    ("each", "drawings", "headings"),
    [
        (
            "report.html",
            14,
            ["Rate limits", "Who was let in", "History", "The contract, exercised", "Load", "Error budget", "Pictures"],
        ),
        ("ratelimit/main.html", 1, ["Not tested", "Refuted", "What the headers said", "Ways round it"]),
        ("compare.html", 0, ["Conditions that differ", "Findings", "Gates", "The contract, exercised", "Load"]),
    ],
    indirect=["each"],
)
def test_all_of_it_is_there(chromium: Browser, each: str, drawings: int, headings: list[str]) -> None:
    """What the other tests look at has every section that needs a proof or a load, and its drawings."""
    chromium.open(each)
    assert chromium.value("document.querySelectorAll('svg').length") == drawings
    assert set(headings) <= set(chromium.value("[...document.querySelectorAll('h2')].map(h => h.textContent)"))
    ids = chromium.value("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))


def test_pictures_of_a_page_are_linked(chromium: Browser, run: Path, page: str) -> None:
    """Each by the name of its state, to its place in the run's folder."""
    chromium.open(page)
    links = chromium.value("[...document.querySelectorAll('#pictures ~ ul a')].map(a => [a.textContent, a.href])")
    assert links == [["limited", (run / "web" / "limited.png").as_uri()]]


@pytest.mark.parametrize(
    "fragment",
    [
        "gates",
        f"finding-{FINDING.fingerprint}",
        "check-a.good",
        address("gate", GATE.id),
        address("operation", DOCUMENTED.operation),
        "load-steady",
        "coverage-health",
        address("coverage", "main\nsvc/both.py"),
    ],
)
def test_deep_links_lead_somewhere(chromium: Browser, page: str, fragment: str) -> None:
    """Each section, finding, check, gate, operation and load has an address, and is shown there, folded or not."""
    chromium.call("Page.navigate", url="about:blank")  # so that the page is loaded once more, and by its address
    chromium.open(f"{page}#{fragment}")
    assert chromium.value("document.querySelector(':target').id") == fragment
    assert chromium.value("document.querySelector(':target').checkVisibility()")


def test_the_coverage_tree_opens_by_keyboard(chromium: Browser, page: str) -> None:
    """Each component and each file in it is reached and unfolded without a pointer, and without our script."""
    chromium.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        chromium.open(page)
        for fold in (".tree > details", ".tree > details > details"):
            chromium.value(f"document.querySelector('{fold} > summary').focus()")
            for kind in ("keyDown", "keyUp"):
                chromium.call(
                    "Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", text="\r", windowsVirtualKeyCode=13
                )
            assert chromium.value(f"document.querySelector('{fold}').open")
        told = chromium.value("document.querySelector('.tree > details > details').innerText")
    finally:
        chromium.call("Emulation.setScriptExecutionDisabled", value=False)
    assert "the fuzzer (contract) alone, 3: 1-3" in told
    assert "by no request, 5: 4, 6, 8" in told


def test_a_filter_shows_what_has_all_words(chromium: Browser, page: str) -> None:
    """Text and outcome leave those rows that have both, unfold them, say how many, and give all back when empty."""
    chromium.open(page)
    shown = "[...document.querySelectorAll('#checks ~ details tr[data-row]')].filter(r => r.checkVisibility()).length"
    every = chromium.value("document.querySelectorAll('#checks ~ details tr[data-row]').length")
    first = chromium.value(shown)
    typed = "{const i = document.querySelector('#checks + .filter %s'); i.value = '%s'; i.dispatchEvent(new Event('input'))}"  # noqa: E501 - one expression
    chromium.value(typed % ("input", "A.GOOD"))
    assert chromium.value(shown) == 1
    assert (
        chromium.value("document.querySelector('#checks + .filter output').textContent")
        == f"1 of the {every} on this page"
    )
    chromium.value(typed % ("select", "failed"))
    assert chromium.value(shown) == 0
    chromium.value("location.hash = 'check-a.good'")  # a link finds what is filtered away
    assert (
        chromium.value("new Promise(done => setTimeout(() => done(document.querySelector(':target').hidden)))") is False
    )
    assert chromium.value(shown) >= first


def test_a_drawing_tells_its_values(chromium: Browser, page: str) -> None:
    """By keyboard: the slider says what the lines show, the buttons make the drawing wider, and its points move."""
    chromium.open(page)
    chromium.value("document.querySelectorAll('details').forEach(d => { d.open = true })")
    chromium.value("document.querySelector('.tools input').focus()")
    chromium.value("window.wide = document.querySelector('.pane svg').getBoundingClientRect().width")
    for kind in ("keyDown", "keyUp"):
        chromium.call(
            "Input.dispatchKeyEvent", type=kind, key="ArrowRight", code="ArrowRight", windowsVirtualKeyCode=39
        )
    told = chromium.value("document.querySelector('.tools output').textContent")
    assert told == "at 1.5 s about p50 7, p99 7, max 7 ms"
    assert chromium.value("document.activeElement.ariaValueText") == told
    chromium.value("document.querySelectorAll('.tools button')[1].click()")
    assert chromium.value("document.querySelector('.pane svg').getBoundingClientRect().width / wide") > 1.5
    points = "document.querySelector('.pane polyline').getAttribute('points').split(' ').map(p => +p.split(',')[0])"
    assert chromium.value(points) == [70 + 2 * 28, 70 + 2 * 84]  # 10 s are 560 units, from 70 on


def test_a_drawing_shows_the_moment_that_is_looked_at(chromium: Browser, page: str) -> None:
    """However wide it is made, what is chosen stays in view, and what is chosen then comes into it."""
    chromium.open(page)
    chromium.value("document.querySelectorAll('details').forEach(d => { d.open = true })")
    choose = "{const s = document.querySelector('.tools input'); s.value = %s; s.dispatchEvent(new Event('input'))}"
    place = "(() => { const c = document.querySelector('.cursor').getBoundingClientRect(), "
    place += "p = document.querySelector('.pane').getBoundingClientRect(); return (c.x - p.x) / p.width })()"
    chromium.value(choose % 1)
    chromium.value("for (let n = 0; n < 4; n++) document.querySelectorAll('.tools button')[1].click()")
    assert 0 <= chromium.value(place) <= 1
    there = chromium.value("document.querySelector('.pane').scrollLeft")
    assert there > 0
    chromium.value(choose % 0)
    assert 0 <= chromium.value(place) <= 1
    assert chromium.value("document.querySelector('.pane').scrollLeft") < there


def test_it_is_whole_without_the_script(chromium: Browser, page: str) -> None:
    """Where no script may run nothing is missing but what the script adds."""
    chromium.open(page)
    own = "(() => { const page = document.querySelector('main').cloneNode(true); "
    own += "page.querySelectorAll('.filter, .tools, script').forEach(e => e.remove()); "
    own += "return page.textContent.replace(/\\s+/g, ' ') })()"
    told = chromium.value(own)
    chromium.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        chromium.open(page)
        assert chromium.value(own) == told
        assert chromium.value("document.querySelectorAll('.filter, .tools').length") == 0
    finally:
        chromium.call("Emulation.setScriptExecutionDisabled", value=False)


@pytest.mark.parametrize("width", [400, 1280])
def test_it_fits(chromium: Browser, each: str, width: int) -> None:
    """Nothing but what scrolls by itself is wider than the window, not even words without an end."""
    chromium.call("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
    chromium.open(each)
    chromium.value("document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert chromium.value("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("media", "scheme"), [("screen", "light"), ("screen", "dark"), ("print", "light")])
@pytest.mark.parametrize("width", [400, 1280])
def test_axe_finds_nothing(chromium: Browser, each: str, axe: str, width: int, media: str, scheme: str) -> None:  # noqa: PLR0913, PLR0917 - fixtures and cases
    """No rule of axe is broken, contrast (AA) among them, in light, dark and print, on a phone and on a desk."""
    chromium.call("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    chromium.call("Emulation.setEmulatedMedia", media=media, features=features)
    chromium.open(each)
    chromium.value("document.querySelectorAll('details').forEach(d => { d.open = true })")
    chromium.value(axe + "; 1")
    found = json.loads(chromium.value("axe.run().then(r => JSON.stringify([r.violations, r.passes.length]))"))
    assert [(broken["id"], [node["html"] for node in broken["nodes"]][:3]) for broken in found[0]] == []
    assert found[1] > 10
