"""Whose quota a request counts in: what a client writes otherwise must not make it somebody else."""

from __future__ import annotations

import pytest

from seatrial.plugin import Instrument, check

pytestmark = pytest.mark.usefixtures("limits")
USERS = ("ratelimit.isolation",)


@check(
    "ratelimit.sibling-headers-ignored",
    title="no other header that names an address buys quota",
    severity="high",
    cwe=(348, 770),
    owasp=("API4:2023", "ASVS 4.1.3", "ASVS 15.3.4"),
)
def test_sibling_headers_ignored(instrument: Instrument) -> None:
    """X-Real-IP, Forwarded and their like open no new bucket: a proxy that does not set them passes them on."""
    assert instrument.confirms()


@check(
    "ratelimit.junk-token",
    title="a token that is none buys no quota",
    severity="high",
    cwe=(307, 770),
    owasp=("API2:2023", "API4:2023", "ASVS 6.3.1"),
)
def test_junk_token(instrument: Instrument) -> None:
    """Requests with tokens that do not verify count for their address: otherwise each made-up one is a new bucket."""
    assert instrument.confirms()


@check(
    "ratelimit.tenant-header",
    title="a header that names a tenant buys no quota",
    severity="high",
    presupposes=USERS,
    cwe=(290, 770),
    owasp=("API4:2023", "ASVS 4.1.3"),
)
def test_tenant_header(instrument: Instrument) -> None:
    """Who asks is told by the token alone: a header such as X-Org-Id is written by the client."""
    assert instrument.confirms()


@check(
    "ratelimit.body-field-in-key",
    title="another value in the body buys no quota",
    severity="high",
    presupposes=USERS,
    cwe=(307, 770),
    owasp=("API4:2023", "API2:2023", "ASVS 6.3.1"),
)
def test_body_field_in_key(instrument: Instrument) -> None:
    """Declared fields of the body open no new bucket: otherwise each name that is tried brings a quota of its own."""
    assert instrument.confirms()


@check(
    "ratelimit.client-traits",
    title="another user agent or cookie buys no quota",
    severity="high",
    presupposes=USERS,
    cwe=(770,),
    owasp=("API4:2023", "ASVS 2.4.1"),
)
def test_client_traits(instrument: Instrument) -> None:
    """User agent, cookies and their like are no part of the key: a client changes them with every request."""
    assert instrument.confirms()


@check(
    "ratelimit.query-in-key",
    title="another query buys no quota",
    severity="high",
    presupposes=USERS,
    cwe=(770,),
    owasp=("API4:2023", "ASVS 2.4.1"),
)
def test_query_in_key(instrument: Instrument) -> None:
    """The query is no part of the key: with it, `?x=1`, `?x=2` and so on have a bucket each."""
    assert instrument.confirms()


@check(
    "ratelimit.path-parameter-in-key",
    title="another resource buys no quota",
    severity="high",
    presupposes=USERS,
    cwe=(770,),
    owasp=("API4:2023", "ASVS 2.4.1"),
)
def test_path_parameter_in_key(instrument: Instrument) -> None:
    """Resources of one route share their client's quota: with a bucket each, whoever counts up is never refused."""
    assert instrument.confirms()


@check(
    "ratelimit.path-spelling",
    title="another spelling of the path buys no quota",
    severity="high",
    presupposes=USERS,
    cwe=(180, 770),
    owasp=("API4:2023", "ASVS 2.4.1"),
)
def test_path_spelling(instrument: Instrument) -> None:
    """A path that is served counts as the one that it is served as, whatever slashes, case and escapes it has."""
    assert instrument.confirms()


@check(
    "ratelimit.method",
    title="another method buys no quota",
    severity="medium",
    presupposes=USERS,
    cwe=(770,),
    owasp=("API4:2023", "ASVS 2.4.1"),
)
def test_method(instrument: Instrument) -> None:
    """A method that is served as the limited one counts like it: HEAD costs the service what GET does."""
    assert instrument.confirms()


@check(
    "ratelimit.exemption-narrow",
    title="nothing but the exempt paths is exempt",
    severity="high",
    presupposes=USERS,
    cwe=(180, 444, 770),
    owasp=("API4:2023", "ASVS 4.1.3"),
)
def test_exemption_narrow(instrument: Instrument) -> None:
    """A request that only looks like an exempt one is limited: by its way, its Host (CVE-2026-48710), its headers."""
    assert instrument.confirms()


@check(
    "ratelimit.another-token",
    title="another token of the same user, or organisation, buys no quota",
    severity="high",
    presupposes=USERS,
    cwe=(770,),
    owasp=("API4:2023", "ASVS 2.4.1"),
)
def test_another_token(instrument: Instrument) -> None:
    """A user's tokens share his quota: with a bucket a token, signing in again is a new quota.

    Where an organisation has one quota, its users' tokens share it: with a bucket a user, it grows with each of them.
    """
    assert instrument.confirms()


@check(
    "ratelimit.another-address",
    title="another address buys a user no quota",
    severity="high",
    presupposes=USERS,
    cwe=(770,),
    owasp=("API4:2023", "ASVS 2.4.1"),
)
def test_another_address(instrument: Instrument) -> None:
    """A user has one quota from wherever he comes: addresses are cheap."""
    assert instrument.confirms()


@check(
    "ratelimit.refused-counted",
    title="requests with bad tokens are limited",
    severity="high",
    cwe=(307, 770),
    owasp=("API2:2023", "API4:2023", "ASVS 6.3.1"),
)
def test_refused_counted(instrument: Instrument) -> None:
    """What is answered with 401 counts for its address: otherwise tokens can be guessed without end."""
    assert instrument.confirms()


@check(
    "ratelimit.network-bounded",
    title="another address of one's IPv6 network buys no quota",
    severity="high",
    cwe=(770,),
    owasp=("API4:2023", "ASVS 2.4.1", "ASVS 15.3.4"),
)
def test_network_bounded(instrument: Instrument) -> None:
    """The addresses of a /64 share a bucket: one customer has 2^64 of them, and would have as many quotas."""
    assert instrument.confirms()


@check(
    "ratelimit.victim-unharmed",
    title="forged tokens cost their victim nothing",
    severity="high",
    presupposes=USERS,
    cwe=(345, 645, 770),
    owasp=("API2:2023", "API4:2023"),
)
def test_victim_unharmed(instrument: Instrument) -> None:
    """A token that nobody signed is not counted for the user whom it names: anybody could lock him out."""
    assert instrument.confirms()
