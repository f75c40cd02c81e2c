"""What the declared rate limits promise, proved from outside."""

from __future__ import annotations

from seatrial.config import LimitSettings
from seatrial.plugin import Instrument, check


@check(
    "ratelimit.isolation",
    title="one user's requests do not use up another's quota",
    severity="high",
    cwe=(645, 770),
    owasp=("API4:2023", "ASVS 2.4.1"),
)
def test_isolation(instrument: Instrument, limits: tuple[LimitSettings, ...]) -> None:
    """Users are limited independently: a shared bucket lets one client lock out everybody."""
    del limits
    assert instrument.confirms()


@check(
    "ratelimit.quota-exact",
    title="exactly the quota is admitted",
    severity="high",
    presupposes=("ratelimit.isolation",),
    cwe=(193, 362, 367, 682, 770, 799),
    owasp=("API4:2023", "API2:2023", "ASVS 2.4.1", "ASVS 6.3.1", "ASVS 15.4.1", "ASVS 15.4.2"),
)
def test_quota_exact(instrument: Instrument, limits: tuple[LimitSettings, ...]) -> None:
    """Exactly the declared quota is admitted in a window, one after the other and all at once."""
    del limits
    assert instrument.confirms()


@check(
    "ratelimit.rejection-status",
    title="a rejection has the declared status",
    severity="medium",
    presupposes=("ratelimit.isolation",),
    cwe=(393,),
    owasp=("API4:2023",),
)
def test_rejection_status(instrument: Instrument, limits: tuple[LimitSettings, ...]) -> None:
    """A request beyond the quota is answered with the declared status: clients tell it from an outage by that."""
    del limits
    assert instrument.confirms()


@check(
    "ratelimit.headers-truthful",
    title="the headers say what happens",
    severity="medium",
    presupposes=("ratelimit.isolation",),
    cwe=(684,),
    owasp=("API4:2023", "ASVS 2.1.3"),
)
def test_headers_truthful(instrument: Instrument, limits: tuple[LimitSettings, ...]) -> None:
    """Limit, remaining and reset are true on every answer: clients pace themselves by them."""
    del limits
    assert instrument.confirms()


@check(
    "ratelimit.retry-after-honoured",
    title="Retry-After is true",
    severity="medium",
    presupposes=("ratelimit.isolation",),
    cwe=(684,),
    owasp=("API4:2023", "ASVS 2.1.3"),
)
def test_retry_after_honoured(instrument: Instrument, limits: tuple[LimitSettings, ...]) -> None:
    """Whoever waits as long as Retry-After says is admitted, and it asks for no longer than the window lasts."""
    del limits
    assert instrument.confirms()


@check(
    "ratelimit.window-resets",
    title="the quota comes back",
    severity="high",
    presupposes=("ratelimit.isolation",),
    cwe=(645, 682, 799),
    owasp=("API4:2023", "ASVS 2.4.1"),
)
def test_window_resets(instrument: Instrument, limits: tuple[LimitSettings, ...]) -> None:
    """After the window the whole quota is there again, and not twice."""
    del limits
    assert instrument.confirms()


@check(
    "ratelimit.edge-bounded",
    title="a sliding window has no edge",
    severity="high",
    presupposes=("ratelimit.isolation",),
    cwe=(770, 799),
    owasp=("API4:2023", "ASVS 2.4.1"),
)
def test_edge_bounded(instrument: Instrument, limits: tuple[LimitSettings, ...]) -> None:
    """Where a sliding window is promised, no stretch of that length admits more than the quota.

    A window that ends somewhere admits twice as much there, and bursts are what a sliding one is chosen against.
    """
    del limits
    assert instrument.confirms()


@check(
    "ratelimit.refusals-free",
    title="requests that are refused cost nothing",
    severity="medium",
    presupposes=("ratelimit.isolation",),
    cwe=(770,),
    owasp=("API4:2023",),
)
def test_refusals_free(instrument: Instrument, limits: tuple[LimitSettings, ...]) -> None:
    """Whoever goes on asking while he is refused gets his quota back as soon as somebody who waits.

    Clients repeat what fails: a limiter that counts that never lets them in again.
    """
    del limits
    assert instrument.confirms()


@check(
    "ratelimit.health-exempt",
    title="health checks are never limited",
    severity="high",
    cwe=(645,),
    owasp=("API4:2023", "ASVS 15.2.2"),
)
def test_health_exempt(instrument: Instrument, limits: tuple[LimitSettings, ...]) -> None:
    """Exempt paths are never limited and use up nothing: a limited one takes a working instance down."""
    del limits
    assert instrument.confirms()


@check(
    "ratelimit.statuses-counted",
    title="requests cost what is declared for the status they end in",
    severity="high",
    presupposes=("ratelimit.isolation",),
    cwe=(770, 799),
    owasp=("API4:2023", "ASVS 2.4.1"),
)
def test_statuses_counted(instrument: Instrument, limits: tuple[LimitSettings, ...]) -> None:
    """Requests that end in an error count, or are free, as it is declared.

    A limiter that counts what succeeded alone lets a client search for what is there without end.
    """
    del limits
    assert instrument.confirms()


@check(
    "ratelimit.anonymous-by-address",
    title="clients without a token are told apart by address",
    severity="medium",
    cwe=(645, 770, 1389),
    owasp=("API4:2023", "ASVS 15.3.4"),
)
def test_anonymous_by_address(instrument: Instrument, limits: tuple[LimitSettings, ...]) -> None:
    """Unauthenticated clients are limited each by its own source address."""
    del limits
    assert instrument.confirms()


@check(
    "ratelimit.forwarded-for-ignored",
    title="a forged X-Forwarded-For buys no quota",
    severity="high",
    cwe=(348, 770),
    owasp=("API4:2023", "ASVS 4.1.3", "ASVS 15.3.4"),
)
def test_forwarded_for_ignored(instrument: Instrument, limits: tuple[LimitSettings, ...]) -> None:
    """Headers that name another client address do not open a new bucket: anybody can write them."""
    del limits
    assert instrument.confirms()
