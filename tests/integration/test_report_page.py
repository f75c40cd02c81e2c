"""report.html in a browser: it loads nothing, runs nothing, fits a phone and a sheet, and axe finds nothing."""

from __future__ import annotations

import json
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NoReturn

import pytest
from browser import Browser, browsing

from seatrial.core import (
    CheckResult,
    Documented,
    Exchange,
    Finding,
    GateResult,
    Measurement,
    Outcome,
    Request,
    Response,
    Severity,
    Tally,
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
    LimitationNoted,
    MeasurementTaken,
    Recorder,
    RunFinished,
    RunStarted,
)
from seatrial.reporting import write_reports

AXE = "axe-core@4.14.1"
EVIL = "<img src=http://127.0.0.1:9/x onerror=document.title='owned'><script>document.title='owned'</script>"
LONG = "a-word-that-no-line-holds-" * 20
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
DOCUMENTED = Documented(operation="GET /a", answers=(("200", "application/json"), ("404", "")), inputs=("q",))
BAD = CheckResult(check="a.bad", outcome=Outcome.FAILED, reason=EVIL, findings=(FINDING, replace(FINDING, cause="d")))
GATE = GateResult(
    id="checks.failed == 0", metric="checks.failed", operator="==", threshold=0, value=1, unit="count",
    status=Verdict.FAIL, reason="checks.failed is 1",
)  # fmt: skip
EVENTS: tuple[AnyEvent, ...] = (
    RunStarted(
        run="r", version="1", started="now", stack="local", why_stack="w", profile="quick", seed=7,
        command=f"seatrial run {LONG}",
    ),
    CheckPlanned(check="a.good", title="t", suite="a", severity="high", claim="c", cwe=(770,)),
    CheckPlanned(check="a.bad", title="t", suite="a", severity="high", claim=LONG),
    ContractRead(operations=(DOCUMENTED,)),
    ExchangesCounted(tallies=(Tally(operation="GET /a", status=200, media="application/json", valid=("q",)),)),
    ExchangeRecorded(exchange=EXCHANGE),
    CheckFinished(result=CheckResult(check="a.good", outcome=Outcome.PASSED)),
    CheckFinished(result=BAD),
    MeasurementTaken(measurement=Measurement(name="coverage.total", value=87.5, unit="percent", definition="d")),
    LimitationNoted(note=f"not this {LONG}"),
    GateJudged(gate=GATE),
    GateJudged(gate=replace(GATE, status=Verdict.INCONCLUSIVE, value=None, informational=True)),
    RunFinished(verdict=Verdict.FAIL, reason="checks.failed is 1", duration_s=2.0),
)  # fmt: skip
Require = Callable[[str], str]
Lacks = Callable[[str, str], NoReturn]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the URL of a report with everything that a service may do to one."""
    folder = tmp_path_factory.mktemp("run")
    with Recorder(folder) as recorder:
        for event in EVENTS:
            recorder.emit(event)
    write_reports(folder)
    return (folder / "report.html").as_uri()


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


def test_it_loads_and_runs_nothing(chromium: Browser, page: str) -> None:
    """Opened from a file the page asks for nothing else, no text of a service runs, and nobody has to see to that."""
    chromium.told.clear()
    chromium.open(page)
    assert set(chromium.requests()) == {page}
    assert chromium.value("document.title").startswith("fail")
    assert chromium.value("document.querySelectorAll('script, img, link').length") == 0
    assert chromium.complaints() == []


def test_its_policy_is_in_force(chromium: Browser, page: str) -> None:
    """Were a text not escaped, the browser itself would refuse to run or to load it."""
    chromium.open(page)
    chromium.told.clear()
    chromium.value(f"document.body.insertAdjacentHTML('beforeend', {json.dumps(EVIL)})")
    chromium.value("new Promise(done => setTimeout(done, 200))")
    assert chromium.value("document.title").startswith("fail")
    assert any("Content Security Policy" in complaint for complaint in chromium.complaints())


def test_page_one_is_in_order(chromium: Browser, page: str) -> None:
    """Verdict and reason, gates, what was not verified, findings: this is what a release manager reads."""
    chromium.open(page)
    headings = chromium.value("[...document.querySelectorAll('h1, h2')].map(h => h.textContent)")
    assert headings[:4] == ["fail", "Gates", "Not verified", "Findings"]
    assert "informational" in chromium.value("document.querySelector('#gates').parentNode.innerText")


@pytest.mark.parametrize("fragment", ["gates", f"finding-{FINDING.fingerprint}"])
def test_deep_links_lead_somewhere(chromium: Browser, page: str, fragment: str) -> None:
    """Each section and finding has an address."""
    chromium.open(page)
    chromium.value(f"location.hash = {fragment!r}")
    assert chromium.value("document.querySelector(':target').id") == fragment


@pytest.mark.parametrize("width", [400, 1280])
def test_it_fits(chromium: Browser, page: str, width: int) -> None:
    """Nothing but what scrolls by itself is wider than the window, not even words without an end."""
    chromium.call("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
    chromium.open(page)
    chromium.value("document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert chromium.value("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("media", "scheme"), [("screen", "light"), ("screen", "dark"), ("print", "light")])
@pytest.mark.parametrize("width", [400, 1280])
def test_axe_finds_nothing(chromium: Browser, page: str, axe: str, width: int, media: str, scheme: str) -> None:  # noqa: PLR0913, PLR0917 - fixtures and cases
    """No rule of axe is broken, contrast (AA) among them, in light, dark and print, on a phone and on a desk."""
    chromium.call("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    chromium.call("Emulation.setEmulatedMedia", media=media, features=features)
    chromium.open(page)
    chromium.value("document.querySelectorAll('details').forEach(d => { d.open = true })")
    chromium.value(axe + "; 1")
    found = json.loads(chromium.value("axe.run().then(r => JSON.stringify([r.violations, r.passes.length]))"))
    assert [(each["id"], [node["html"] for node in each["nodes"]][:3]) for each in found[0]] == []
    assert found[1] > 10
