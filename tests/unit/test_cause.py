"""What tells defects apart: what an error says, without what changes from one request to the next."""

import pytest

from seatrial.core import Outcome
from seatrial.fuzz._cause import MOST_CAUSES, cause_of, held_by, said_in
from seatrial.fuzz._judge import Heard, judge
from seatrial.fuzz._messages import Repeated, Sent, Verdict
from seatrial.openapi import Operation

HELD = held_by("http://h/items/ab12?name=peter&q=x", b'{"title": "my thing"}')


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ('{"error": "Internal error"}', "internal-error"),
        ('{"error": {"code": "db", "message": "no such row: 17"}, "trace": "4f3a-bc"}', "db-no-such-row"),
        ('{"error": "no peter and no my thing"}', "no-and-no"),
        ('{"error": "peters is not \'whoever\'"}', "peters-is-not"),
        ("<h1>Error</h1>\n<p>KeyError: `x`</p>\n", "keyerror"),
        ("Traceback\n  File 7\nValueError: bad value", "valueerror-bad-value"),
        ("", ""),
        ('{"id": 7}', ""),
        ('{"a": "b7f0a1", "error": "aa bb cc dd ee ff gg hh ii"}', "aa-bb-cc-dd-ee-ff-gg-hh"),
    ],
)
def test_an_error_is_known_by_its_words(answer: str, words: str) -> None:
    """Numbers, ids, quoted texts and values of the request are no part of a cause."""
    assert said_in(answer, HELD) == words


def test_values_of_a_request_are_those_of_its_path_query_and_body() -> None:
    """Whatever a client sends may come back in a message."""
    assert {"items", "ab12", "peter", "x", "my thing"} <= HELD


def failed(number: int, detail: str) -> Sent:
    """Return a request that broke the service in a way of its own."""
    verdict = Verdict(name="not_a_server_error", title="Server error", detail=detail)
    return Sent(
        number=number, operation="GET /a", mode="positive", method="GET", url="http://h/a", identity="u", body=b"",
        request_headers=[], at_s=1.0, status=500, verdicts=[verdict],
    )  # fmt: skip


def causes(*details: str) -> list[str]:
    """Return the causes of what is found when requests break a service in these ways."""
    sent = [failed(number, detail) for number, detail in enumerate(details)]
    again = [Repeated(number=s.number, name="not_a_server_error", title="Server error", same=True) for s in sent]
    operations = {"GET /a": Operation(label="GET /a", method="GET")}
    judged = judge(operations, Heard(sent=sent, repeated=again, fatal=""), limited=(), limited_percent=10)
    (result,) = (result for result in judged.results if result.findings)
    assert result.outcome is Outcome.FAILED
    assert len({finding.fingerprint for finding in result.findings}) == len(result.findings)
    return [finding.cause for finding in result.findings]


def test_failures_with_one_cause_are_one_finding() -> None:
    """Requests that break the service in the same way are one finding, whoever sent them."""
    assert causes("500/oops", "500/oops", "500/disk-full") == ["server-error/500/oops", "server-error/500/disk-full"]


def test_what_tells_everything_apart_is_no_cause() -> None:
    """Where each answer says something else, the status alone counts: a finding for each would hide the others."""
    assert causes(*(f"500/{letter}" for letter in "abcdefgh"[: MOST_CAUSES + 1])) == ["server-error/500"]


def test_a_cause_is_a_word_for_waivers() -> None:
    """A cause has no blanks, and no end in a slash."""
    assert cause_of("Undocumented Content-Type", "") == "undocumented-content-type"
    assert cause_of("Response violates schema", "200/properties/name/type").endswith("schema/200/properties/name/type")
