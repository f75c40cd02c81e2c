"""The pages of rate limits, their JSON and SARIF: rebuilt from events, valid, honest, and without a secret."""

import json
import random
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.core import (
    Bypass,
    CheckResult,
    Exchange,
    Finding,
    FindingStatus,
    Lane,
    LimitProof,
    Outcome,
    Request,
    Response,
    Sent,
    Severity,
    Told,
    content,
)
from seatrial.record import (
    AnyEvent,
    CheckFinished,
    CheckPlanned,
    ExchangeRecorded,
    LimitationNoted,
    LimitProved,
    Record,
    Recorder,
    RunStarted,
    read_record,
)
from seatrial.reporting import write_reports
from seatrial.reporting._policies import policies_of
from seatrial.reporting._timeline import BARS, BINS, ROW, draw, runs

SCHEMAS = Path(__file__).parents[1] / "schemas"
EVIL = "<script>alert(1)</script>"
SECRET = "correct-horse-battery-staple"  # noqa: S105 - what must not come out
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1c2VyLTEifQ.c2lnbmF0dXJl"  # noqa: S105 - as above
REFUTED = Finding(
    check="ratelimit.quota-exact",
    severity=Severity.HIGH,
    title=f"4 of 5 requests were admitted, the quota is 3 {EVIL}",
    cause="too-many-admitted",
    operation="GET /a",
    evidence=("x-1", "x-2"),
    replay='for i in $(seq 6); do curl -i -X GET -H "Authorization: Bearer $TOKEN" http://h/a; done',
)


def exchange(id_: str, *, status: int, at_s: float) -> Exchange:
    """Return one request of a proof."""
    return Exchange(
        id=id_,
        operation="GET /a",
        identity="user-1",
        request=Request(
            method="GET",
            url="http://h/a",
            headers=(("Authorization", f"Bearer {TOKEN}"), ("X-Key", SECRET), ("X-Forwarded-For", EVIL)),
        ),
        response=Response(status=status, headers=(("X-RateLimit-Remaining", "0"),), body=SECRET),
        sent_s=100 + at_s,
        received_s=100.01 + at_s,
    )


def sent(at_s: float, *, refused: bool = False) -> Sent:
    """Return one request of a timeline."""
    status = 429 if refused else 200
    return Sent(operation="GET /a", status=status, refused=refused, sent_s=100 + at_s, received_s=100.01 + at_s)


def bypass(what: str, came: Any, **more: Any) -> Bypass:
    """Return one way round."""
    return Bypass(check="ratelimit.query-in-key", cause="query-in-key", what=what, who="user", came=came, **more)


def result(claim: str, outcome: Outcome, reason: str = "", *findings: Finding) -> CheckResult:
    """Return what a claim came to."""
    return CheckResult(check=f"ratelimit.{claim}", outcome=outcome, reason=reason, findings=findings)


RESULTS = (
    result("isolation", Outcome.PASSED),
    result("quota-exact", Outcome.FAILED, REFUTED.title, REFUTED),
    result("query-in-key", Outcome.INCONCLUSIVE, "the window ended before everything was tried"),
    result("window-resets", Outcome.NOT_TESTED, "a window of 60 s does not fit"),
    result("method", Outcome.BLOCKED, "nothing was rejected"),
    result("health-exempt", Outcome.NOT_APPLICABLE, "[[limits]] main does not promise it"),
)
PROOF = LimitProof(
    policy="main",
    quota=3,
    window_s=10.0,
    promises={"method": "GET", "path": "/a"},
    results=RESULTS,
    transcripts={"ratelimit.isolation": ("x-3",)},
    lanes=(Lane(client="user-1", sent=(*(sent(0.1 * n) for n in range(4)), sent(0.5, refused=True))),),
    headers=(
        Told(number=1, status=200, said={"X-RateLimit-Limit": "3"}),
        Told(number=2, status=429, said={"X-RateLimit-Limit": "4"}, untrue={"X-RateLimit-Limit": "says 4, true is 3"}),
    ),
    bypasses=(
        bypass("a query", "bypass", status=200, operation="GET /a?x", admitted=6, asked=6),
        bypass("capitals", "unconfirmed", status=200),
        bypass("a slash", "refused", status=429),
        bypass("backslashes", "not tried"),
    ),
    requests=7,
)
PLANNED = tuple(
    CheckPlanned(
        check=result.check,
        title=f"title of {result.check}",
        suite="ratelimit",
        severity="high",
        cwe=(770,),
        owasp=("API4:2023",),
    )
    for result in (*RESULTS, result("batch-counted", Outcome.PASSED))
)
STARTED = RunStarted(
    run="r",
    version="1",
    started="now",
    stack="local",
    why_stack="w",
    profile="quick",
    seed=7,
    suites=("ratelimit",),
    command="seatrial run",
)
EVENTS: tuple[AnyEvent, ...] = (
    STARTED,
    *PLANNED,
    *(ExchangeRecorded(exchange=exchange(f"x-{n}", status=200 if n < 2 else 429, at_s=0.1 * n)) for n in (1, 2, 3)),
    LimitProved(proof=PROOF),
    *(CheckFinished(result=result) for result in RESULTS),
    CheckFinished(result=result("batch-counted", Outcome.BLOCKED, "no batch counts before its quota is known")),
)
OUTPUTS = ("ratelimit/main.html", "ratelimit.json", "findings.sarif", "report.html")


def written(directory: Path, *events: AnyEvent) -> Path:
    """Return a directory with the reports of events."""
    with Recorder(directory) as recorder:
        recorder.register_secret("key", SECRET)
        for event in events or EVENTS:
            recorder.emit(event)
    write_reports(directory)
    return directory


def load(directory: Path, name: str = "ratelimit.json") -> dict[str, Any]:
    """Return a JSON report."""
    loaded: dict[str, Any] = json.loads((directory / name).read_text())
    return loaded


def check_schemas(directory: Path) -> None:
    """Raise ValidationError unless both JSON reports keep to their published schemas."""
    ours = json.loads((content("reports") / "schema" / "ratelimit-1.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(ours)
    jsonschema.Draft202012Validator(ours).validate(load(directory))
    sarif = json.loads((SCHEMAS / "sarif-2.1.0.json").read_text())
    jsonschema.Draft4Validator(sarif).validate(load(directory, "findings.sarif"))


class Page(HTMLParser):
    """The headings of a page in order, and what it would load or run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.headings: list[str] = []
        self.loads: list[str] = []
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of headings and of whatever is not in the page itself."""
        self._inside = tag == "h2"
        if tag in {"script", "link", "img", "iframe"} or any(name in {"src", "onload"} for name, _ in attrs):
            self.loads.append(tag)

    def handle_data(self, data: str) -> None:
        """Take note of a heading's text."""
        if self._inside and data.strip():
            self.headings.append(data.strip())


def test_outputs_keep_to_their_schemas(tmp_path: Path) -> None:
    """JSON by our schema and SARIF by the published one, of a run with every outcome and of one with nothing."""
    check_schemas(written(tmp_path / "all"))
    check_schemas(written(tmp_path / "none", STARTED))


def test_words_for_a_reviewer(tmp_path: Path) -> None:
    """Each outcome has its word; one refuted claim refutes the policy."""
    (policy,) = load(written(tmp_path))["policies"]
    words = {claim["check"].partition(".")[2]: claim["verdict"] for claim in policy["claims"]}
    assert words == {
        "isolation": "PROVED",
        "quota-exact": "REFUTED",
        "query-in-key": "INCONCLUSIVE",
        "window-resets": "NOT TESTED",
        "method": "NOT TESTED",
        "health-exempt": "NOT TESTED",
    }
    assert policy["verdict"] == "REFUTED"
    assert policy["counts"] == {"PROVED": 1, "REFUTED": 1, "INCONCLUSIVE": 1, "NOT TESTED": 3}
    assert [way["verdict"] for way in policy["bypasses"]] == ["REFUTED", "INCONCLUSIVE", "PROVED", "NOT TESTED"]


def test_what_was_not_tested_comes_first(tmp_path: Path) -> None:
    """The page begins with what is not known, with each reason, before any claim."""
    page = (written(tmp_path) / "ratelimit" / "main.html").read_text()
    assert Page(page).headings[:2] == ["Not tested", "Claims"]
    first = page[: page.index('id="claims"')]
    for left in ("a window of 60 s does not fit", "nothing was rejected", "does not promise it", "backslashes"):
        assert left in first
    assert "before its quota is known" in first, "what is not of one policy alone"
    assert "2 of 7 requests got no answer" in first
    assert list(load(tmp_path)["policies"][0]).index("not_tested") < list(load(tmp_path)["policies"][0]).index("claims")


def test_a_refutation_has_its_requests_and_a_line(tmp_path: Path) -> None:
    """What is refuted stands with its transcript and curl, on the page and in the JSON; what holds with its own."""
    directory = written(tmp_path)
    claims = {claim["check"]: claim for claim in load(directory)["policies"][0]["claims"]}
    assert claims["ratelimit.quota-exact"]["transcript"] == ["x-1", "x-2"]
    assert claims["ratelimit.quota-exact"]["findings"][0]["replay"] == REFUTED.replay
    assert claims["ratelimit.isolation"]["transcript"] == ["x-3"]
    shown = {shown["id"]: shown for shown in load(directory)["policies"][0]["exchanges"]}
    assert set(shown) == {"x-1", "x-2", "x-3"}
    assert "$TOKEN" in shown["x-1"]["curl"]
    page = (directory / "ratelimit" / "main.html").read_text()
    assert "for i in $(seq 6); do curl" in page
    assert "says 4, true is 3" in page


def test_a_header_that_nothing_tells_about_does_not_hold(tmp_path: Path) -> None:
    """What cannot be held against anything is not said to be true."""
    told = Told(number=1, status=200, said={"X-RateLimit-Reset": "7"}, unjudged=("X-RateLimit-Reset",))
    directory = written(tmp_path, STARTED, LimitProved(proof=replace(PROOF, headers=(told,))))
    check_schemas(directory)
    page = (directory / "ratelimit" / "main.html").read_text()
    section = page[page.index('id="headers"') : page.index('id="ways"')]
    assert "NOT TESTED" in section
    assert "holds" not in section


def test_nothing_tested_is_no_proof(tmp_path: Path) -> None:
    """A policy of which nothing could be tried is NOT TESTED, and its page says so everywhere."""
    nothing = tuple(result("quota-exact", Outcome.NOT_TESTED, "there are no users") for _ in range(1))
    proof = LimitProof(policy="main", quota=3, window_s=1.0, promises={}, results=nothing)
    directory = written(tmp_path, STARTED, LimitProved(proof=proof))
    check_schemas(directory)
    page = (directory / "ratelimit" / "main.html").read_text()
    assert load(directory)["verdict"] == "NOT TESTED"
    assert "<h1>NOT TESTED</h1>" in page
    assert "PROVED</span>" not in page
    assert "No request was sent." in page


def test_a_proof_that_never_came_is_said(tmp_path: Path) -> None:
    """Where the suite was selected and no proof ended, the JSON and the report say so, and there is no page."""
    directory = written(tmp_path, STARTED, *PLANNED)
    assert load(directory)["verdict"] == "INCONCLUSIVE"
    assert {claim["reason"] for claim in load(directory)["beside"]} == {"the check never ended"}
    assert "No limit was put to the proof." in (directory / "report.html").read_text()
    assert not (directory / "ratelimit").exists()


def test_another_suite_has_no_pages(tmp_path: Path) -> None:
    """Without the suite there are neither pages nor a section; SARIF is always there."""
    directory = written(tmp_path, RunStarted(**{**_fields(STARTED), "suites": ("health",)}))
    assert not (directory / "ratelimit.json").exists()
    assert "Rate limits" not in (directory / "report.html").read_text()
    assert load(directory, "findings.sarif")["runs"][0]["results"] == []


def _fields(event: RunStarted) -> dict[str, Any]:
    return {name: getattr(event, name) for name in event.__struct_fields__ if name != "at_s"}


@pytest.mark.parametrize("name", OUTPUTS)
def test_no_secret_comes_out(tmp_path: Path, name: str) -> None:
    """Neither a registered secret nor a token stands in any output, not even in part."""
    text = (written(tmp_path) / name).read_text()
    assert ("{{secret:" in text) == (Path(name).suffix != ".html" or name == "report.html")
    for hidden in (SECRET, TOKEN, TOKEN.split(".")[2]):
        assert hidden not in text


def test_the_page_needs_nothing_else(tmp_path: Path) -> None:
    """The page loads nothing and runs our script alone, foreign text stays text, tables and drawings have names."""
    page = (written(tmp_path) / "ratelimit" / "main.html").read_text()
    assert Page(page).loads == ["script"]  # ours, within the page and known by its hash
    assert EVIL not in page
    assert page.count("<table") == page.count("<caption")
    assert not re.findall(r"<th(?! scope)[ >]", page)
    assert '<svg viewBox="0 0 ' in page
    assert 'role="img" aria-labelledby="drawn"' in page
    assert "@media print" in page
    assert "prefers-color-scheme: dark" in page


def test_the_report_links_the_pages(tmp_path: Path) -> None:
    """report.html names each policy with its verdict, and leads to its page, which is there."""
    directory = written(tmp_path)
    (link,) = re.findall(r'href="(ratelimit/[^"]+)"', (directory / "report.html").read_text())
    assert (directory / link).is_file()


def test_a_refutation_outlives_a_second_proof() -> None:
    """A policy proved twice: what was refuted stays so, what was open is as the second proof has it."""
    record = read_record_of(PROOF, replace(PROOF, results=tuple(_passed(r.check) for r in RESULTS)))
    merged = policies_of(record)["main"]
    outcomes = {result.check.partition(".")[2]: result.outcome for result in merged.results}
    assert outcomes["quota-exact"] is Outcome.FAILED
    assert outcomes["query-in-key"] is Outcome.PASSED
    assert merged.requests == 14
    assert [way.came for way in merged.bypasses] == ["bypass", "unconfirmed", "refused", "not tried"]


def _passed(check: str) -> CheckResult:
    return CheckResult(check=check, outcome=Outcome.PASSED)


def read_record_of(*proofs: LimitProof) -> Record:
    """Return a record with proofs in it."""
    record = Record(Path())
    for proof in proofs:
        record.add(LimitProved(proof=proof))
    return record


def lane(client: str, *moments: tuple[float, bool | None]) -> dict[str, Any]:
    """Return a client's requests as ratelimit.json has them."""
    words = {True: "refused", False: "admitted", None: "unanswered"}
    requests = [{"at_s": at_s, "took_s": 0.001, "came": words[refused]} for at_s, refused in moments]
    return {"client": client, "requests": requests}


def test_five_hundred_requests_stay_readable() -> None:
    """However many requests a client sent, it takes one row, one bar a moment, and loses none of them."""
    many = lane("user", *((n / 100, n % 100 > 59) for n in range(500)))
    drawing = draw([many, lane("other", (4.9, False))], window_s=5.0)
    first, second = drawing.rows
    assert len(first.bars) <= BARS
    assert sum(int(bar.says.split()[0]) for bar in first.bars) == 500
    assert all(abs(bar.y + bar.height / 2 - first.y) <= ROW / 2 for bar in first.bars)
    assert {bar.came for bar in first.bars} == {"admitted", "refused"}
    above = [bar.y + bar.height <= first.y + 0.01 for bar in first.bars if bar.came == "admitted"]
    below = [bar.y >= first.y for bar in first.bars if bar.came == "refused"]
    assert all(above + below)
    assert second.bars[0].height < first.y
    assert drawing.hidden == 0


@settings(max_examples=20)
@given(st.integers(1, 70), st.integers(1, 60), st.randoms(use_true_random=True))
def test_a_timeline_has_few_bars_and_says_what_one_is_of(clients: int, requests: int, chance: random.Random) -> None:
    """However many clients sent however much: all that is drawn of each stands in some bar."""
    lanes = [
        lane(f"u{n}", *sorted((chance.uniform(0, 9), chance.choice((False, True))) for _ in range(requests)))
        for n in range(clients)
    ]
    drawing = draw(lanes, window_s=10.0)
    assert sum(len(row.bars) for row in drawing.rows) <= BARS
    assert all(sum(int(bar.says.split()[0]) for bar in row.bars) == requests for row in drawing.rows)
    apart = {
        (int(BINS * one["at_s"] / 10), one["came"], each["client"]) for each in lanes[:60] for one in each["requests"]
    }
    assert (drawing.each_s == 0) is (len(apart) <= BARS)


def test_what_was_not_answered_is_shown_as_that() -> None:
    """Where nobody knows what the limiter did, a request stands on the line, neither above nor below."""
    (row,) = draw([lane("user", (0, False), (1, None), (2, True))], window_s=3.0).rows
    assert [bar.came for bar in row.bars] == ["admitted", "unanswered", "refused"]
    assert row.bars[1].y < row.y < row.bars[1].y + row.bars[1].height
    assert runs(lane("user", (0, False), (1, None), (2, None))) == "1 admitted, 2 unanswered"
    told = [
        replace(sent(0.1), status=status, refused=refused) for status, refused in ((200, False), (0, False), (0, True))
    ]
    assert [one.came for one in told] == ["admitted", "unanswered", "refused"]


def test_too_many_clients_are_counted() -> None:
    """What is not drawn is said to be missing."""
    assert draw([lane(f"user-{n}", (0.0, False)) for n in range(75)], window_s=1.0).hidden == 15


def test_order_in_words() -> None:
    """The order of admissions and refusals is told in words, cut where it turns too often."""
    assert runs(lane("user", (0, False), (1, False), (2, True))) == "2 admitted, 1 refused"
    assert runs(lane("user", *((n, n % 2 == 0) for n in range(20)))).endswith("and 12 turns more")


def sarif_of(directory: Path, *findings: Finding, note: str = "") -> dict[str, Any]:
    """Return the SARIF run of a failed check of any suite."""
    failed = CheckResult(check="health.basic", outcome=Outcome.FAILED, reason="r", findings=findings)
    planned = CheckPlanned(check="health.basic", title="t", suite="health", severity="low", claim="c")
    written(directory, STARTED, planned, CheckFinished(result=failed), LimitationNoted(note=note or "n"))
    check_schemas(directory)
    run: dict[str, Any] = load(directory, "findings.sarif")["runs"][0]
    return run


def test_sarif_has_findings_of_every_suite(tmp_path: Path) -> None:
    """Each finding has its rule, level, place and fingerprint; what was not verified is a notification."""
    finding = Finding(
        check="health.basic", severity=Severity.LOW, title="t", cause="c", operation="GET /a b", location="app/a b.py:7"
    )
    run = sarif_of(tmp_path, finding, replace(finding, cause="d", location="compose.yml"), note="not this")
    one, other = run["results"]
    assert run["tool"]["driver"]["rules"][one["ruleIndex"]]["id"] == "health.basic"
    assert one["level"] == "note"
    assert set(one["partialFingerprints"].values()) == {finding.fingerprint}
    (place,) = one["locations"]
    assert place["physicalLocation"]["artifactLocation"] == {"uri": "app/a%20b.py", "uriBaseId": "%SRCROOT%"}
    assert place["physicalLocation"]["region"] == {"startLine": 7}
    assert place["logicalLocations"][0]["fullyQualifiedName"] == "GET /a b"
    assert other["locations"][0]["physicalLocation"]["region"] == {"startLine": 1}
    assert {"level": "note", "message": {"text": "not this"}} in run["invocations"][0]["toolExecutionNotifications"]


@pytest.mark.parametrize(("location", "uri"), [("", "seatrial.toml"), ("a.py:0", "a.py"), ("/a.py", "file:///a.py")])
def test_sarif_places_each_result(tmp_path: Path, location: str, uri: str) -> None:
    """Code scanning refuses a whole file for one result without a file or a line: each has both."""
    finding = Finding(check="health.basic", severity=Severity.LOW, title="t", cause="c", location=location)
    (place,) = sarif_of(tmp_path, finding)["results"][0]["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == uri
    assert place["physicalLocation"]["region"]["startLine"] == 1


def test_sarif_suppresses_what_is_waived(tmp_path: Path) -> None:
    """A waived finding is suppressed with the reason; one that is not says so."""
    waived = Finding(
        check="health.basic",
        severity=Severity.LOW,
        title="t",
        cause="c",
        status=FindingStatus.WAIVED,
        waiver="until May, by ops: known",
    )
    one, other = sarif_of(tmp_path, waived, replace(waived, cause="d", status=FindingStatus.FLAKY, waiver=""))[
        "results"
    ]
    assert one["suppressions"] == [
        {"kind": "external", "status": "accepted", "justification": "until May, by ops: known"}
    ]
    assert other["suppressions"] == []
    assert other["properties"]["status"] == "flaky"


def test_sarif_rules_have_references(tmp_path: Path) -> None:
    """Every check of the run is a rule with its CWE and OWASP tags, and the last exchange stands with a finding."""
    (run,) = load(written(tmp_path), "findings.sarif")["runs"]
    rules = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
    assert set(rules) == {check.check for check in PLANNED}
    assert rules["ratelimit.quota-exact"]["properties"]["tags"] == [
        "security",
        "external/cwe/cwe-770",
        "OWASP-API4:2023",
    ]
    (found,) = run["results"]
    assert found["webRequest"]["target"] == "http://h/a"
    assert found["webResponse"]["statusCode"] == 429


def test_reports_are_rebuilt_the_same(tmp_path: Path) -> None:
    """Rebuilding gives the same bytes."""
    directory = written(tmp_path)
    first = {name: (directory / name).read_bytes() for name in OUTPUTS}
    assert read_record(directory).proofs
    write_reports(directory)
    assert first == {name: (directory / name).read_bytes() for name in OUTPUTS}
