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
