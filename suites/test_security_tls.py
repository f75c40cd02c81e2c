"""TLS, of a service that is asked over https: its certificate, the versions that it speaks, and no way round it."""

from __future__ import annotations

import ipaddress
import re
import time
import warnings
from urllib.parse import SplitResult, urlsplit

import httpx
import pytest

from seatrial.campaign import Entered
from seatrial.config import Settings, TlsSettings
from seatrial.http import NEW, OLD, Certificate, see_certificate, speaks, unspoken
from seatrial.plugin import Defects, check, inconclusive, not_applicable, not_tested
from seatrial.stack import is_loopback

HTTPS, HTTPS_PORT, DAY_S = "https", 443, 86_400
Server = tuple[str, int]


@pytest.fixture
def tls(settings: Settings) -> TlsSettings:
    """Return what the service promises of its TLS."""
    return settings.tls


@pytest.fixture
def asked(entered: Entered, tls: TlsSettings) -> SplitResult:
    """Return the URL of a service that ought to be asked over https."""
    return over_https(urlsplit(entered.url), entered.driver, tls)


def over_https(url: SplitResult, driver: str, tls: TlsSettings) -> SplitResult:
    """Return the URL of a stack; ends the item where nobody needs TLS to ask there."""
    if url.scheme != HTTPS and is_loopback(url.hostname or ""):
        not_applicable("it is asked over http, and that does not leave this machine")
    if url.scheme != HTTPS and driver == "compose":
        not_tested(
            "it was started for this run on another machine's engine, and published without what stands before it"
        )
    if url.scheme != HTTPS and tls.elsewhere:
        not_applicable("[tls] elsewhere: TLS ends before it")
    return url


@pytest.fixture
def server(asked: SplitResult) -> Server:
    """Return host and port of a service that is asked over https."""
    if asked.scheme != HTTPS:
        not_applicable("it is asked over http, which security.tls-certificate tells")
    return asked.hostname or "", asked.port or HTTPS_PORT


def look_at(server: Server) -> Certificate:
    """Return what this machine says of the certificate; ends the item where it was not shown one."""
    try:
        return see_certificate(*server)
    except OSError as error:
        inconclusive(f"no certificate was seen: {error}")


@check(
    "security.tls-certificate",
    title="the certificate is trusted, and of this name",
    severity="critical",
    cwe=(295, 319),
    owasp=("API8:2023",),
    safe=True,
)
def test_tls_certificate(asked: SplitResult) -> None:
    """The certificate is signed by whom this machine trusts, for this name, and has not expired: no client would ask.

    A service that is not asked over TLS at all, and not on this machine, fails too.
    """
    assert asked.scheme == HTTPS, (
        f"{asked.geturl()} is asked over http: anybody on the way reads and changes it; "
        "where TLS ends before it, say so: [tls] elsewhere = true"
    )
    certificate = look_at((asked.hostname or "", asked.port or HTTPS_PORT))
    assert not certificate.problem, f"the certificate is refused: {certificate.problem}"


@check(
    "security.tls-expiry",
    title="the certificate is good for some time",
    severity="high",
    presupposes=("security.tls-certificate",),
    cwe=(298,),
    safe=True,
)
def test_tls_expiry(server: Server, tls: TlsSettings) -> None:
    """The certificate does not expire within `[tls] expires_days`: who renews it learns of it while it still works."""
    left_days = (look_at(server).ends_s - time.time()) / DAY_S
    assert left_days > tls.expires_days, (
        f"the certificate expires in {left_days:.1f} days, [tls] expires_days is {tls.expires_days}"
    )


@check(
    "security.tls-versions",
    title="only versions of TLS that are in use are spoken",
    severity="high",
    cwe=(326, 327),
    owasp=("API8:2023",),
    safe=True,
)
def test_tls_versions(server: Server, defects: Defects) -> None:
    """TLS 1.2 or 1.3 is spoken, and neither 1.0 nor 1.1, which nobody may use any more (RFC 8996)."""
    if not any(speaks(*server, version) for version in NEW):
        defects.add("neither TLS 1.2 nor TLS 1.3 is spoken", cause="no-version-in-use", operation="TLS")
    for version in OLD:
        if reason := unspoken(version):
            not_tested(reason)
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # to offer it is the point
            spoken = speaks(*server, version)
        if spoken:
            defects.add(f"{version.name.replace('_', '.')} is spoken", cause=version.name.lower(), operation="TLS")
    defects.none()


@check(
    "security.tls-remembered",
    title="browsers are told to come over TLS again",
    severity="medium",
    presupposes=("security.tls-certificate",),
    cwe=(319,),
    owasp=("API8:2023",),
    safe=True,
)
def test_tls_remembered(server: Server, client: httpx.Client, settings: Settings) -> None:
    """An answer over TLS says `Strict-Transport-Security` with a time (RFC 6797): else the next visit is in http."""
    if is_address(server[0]):
        not_applicable("browsers remember names, and it is asked by an address")
    told = client.get(settings.stack.ready).headers.get("Strict-Transport-Security", "")
    assert re.search(r'(?i)(?:^|;)\s*max-age\s*=\s*"?0*[1-9]', told), f"Strict-Transport-Security is {told!r}"


@check(
    "security.tls-redirected",
    title="http leads to https",
    severity="medium",
    presupposes=("security.tls-certificate",),
    cwe=(319,),
    owasp=("API8:2023",),
    safe=True,
)
def test_tls_redirected(server: Server, client: httpx.Client, settings: Settings, tls: TlsSettings) -> None:
    """At `[tls] plain_port`, http is answered with a redirect to https of the same host, or by nobody."""
    if tls.plain_port is None:
        not_applicable("[tls] plain_port is not declared")
    host = f"[{server[0]}]" if ":" in server[0] else server[0]
    url = f"http://{host}:{tls.plain_port}{settings.stack.ready}"
    try:
        answer = client.get(url)
    except (httpx.ConnectError, httpx.ConnectTimeout):
        return  # nobody is there
    to = urlsplit(answer.headers.get("Location", ""))
    led = answer.is_redirect and (to.scheme, to.hostname) == (HTTPS, server[0])
    assert led, f"GET {url} answers {answer.status_code}, and does not lead to https://{host}"


def is_address(host: str) -> bool:
    """Return whether a host is called by its address."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
