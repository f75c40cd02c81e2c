"""What a proof of rate limits needs longer for: `seatrial limits prove --deep`, or `seatrial run --deep`."""

from __future__ import annotations

import pytest

from seatrial.plugin import Instrument, check

pytestmark = pytest.mark.usefixtures("limits")
PRESUPPOSED = ("ratelimit.isolation", "ratelimit.quota-exact")


@check(
    "ratelimit.memory-bounded",
    title="clients that never come again are forgotten",
    severity="high",
    presupposes=PRESUPPOSED,
    cwe=(401, 770),
    owasp=("API4:2023",),
)
def test_memory_bounded(instrument: Instrument) -> None:
    """A second batch of ten thousand new clients costs no more memory: otherwise many addresses fill it."""
    assert instrument.confirms()


@check(
    "ratelimit.buckets-kept",
    title="a client stays refused whoever else comes",
    severity="high",
    presupposes=PRESUPPOSED,
    cwe=(770,),
    owasp=("API4:2023",),
)
def test_buckets_kept(instrument: Instrument) -> None:
    """Cleaning up drops no bucket that is in use, and a full table refuses nobody: a flood would lift the limit."""
    assert instrument.confirms()


@check(
    "ratelimit.store-returns",
    title="limits hold exactly again once their store works",
    severity="high",
    needs=("control",),
    presupposes=PRESUPPOSED,
    cwe=(770, 755),
    owasp=("API4:2023", "ASVS 15.2.2"),
)
def test_store_returns(instrument: Instrument) -> None:
    """After the store was restarted, froze and stopped, a new client gets exactly its quota: no stand-in stays."""
    assert instrument.confirms()


@check(
    "ratelimit.burst-exact",
    title="exactly the quota is admitted of 240 requests in one moment",
    severity="high",
    presupposes=PRESUPPOSED,
    cwe=(362, 367, 770),
    owasp=("API4:2023", "ASVS 15.4.1", "ASVS 15.4.2"),
)
def test_burst_exact(instrument: Instrument) -> None:
    """Over 240 connections at once a new client is admitted its quota, no more and no less: a few would race less."""
    assert instrument.confirms()


@check(
    "ratelimit.load-exact",
    title="exactly the quota is admitted while the service has all it can do",
    severity="high",
    presupposes=PRESUPPOSED,
    cwe=(362, 367, 770),
    owasp=("API4:2023", "ASVS 15.2.2", "ASVS 15.4.1", "ASVS 15.4.2"),
)
def test_load_exact(instrument: Instrument) -> None:
    """Under the load of the first scenario, so much that it saturates the service, a new client gets its quota."""
    assert instrument.confirms()


@check(
    "ratelimit.refusals-cheap",
    title="to refuse costs less than to answer",
    severity="medium",
    presupposes=PRESUPPOSED,
    cwe=(400, 770),
    owasp=("API4:2023", "ASVS 2.4.1", "ASVS 15.2.2"),
)
def test_refusals_cheap(instrument: Instrument) -> None:
    """A refusal takes less time than an answer, in most of 200 pairs: a dear one is what it should prevent."""
    assert instrument.confirms()


@check(
    "ratelimit.noise-bounded",
    title="who goes on asking while he is refused does not slow the others",
    severity="medium",
    presupposes=PRESUPPOSED,
    cwe=(400, 770),
    owasp=("API4:2023", "ASVS 15.2.2"),
)
def test_noise_bounded(instrument: Instrument) -> None:
    """Others wait no more than `noisy_factor` times as long meanwhile: limits are there so that one cannot do that."""
    assert instrument.confirms()
