"""What is seen of real TLS servers: good ones, and each way in which one is not."""

from __future__ import annotations

import ssl
import time
import warnings
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

import pytest
from authority import Authority, modern, over_tls, speaking
from by_path import load_suite

from seatrial.config import TlsSettings
from seatrial.core import Check, Severity
from seatrial.http import see_certificate, speaks
from seatrial.http._tls import NEW, OLD
from seatrial.plugin import Defects
from seatrial.plugin._outcomes import DefectsFound, Inconclusive, NotApplicable, NotTested

HERE, DAY_S = "localhost", 86_400
ONE, TWO, THREE = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """Return an authority that this process trusts alone."""
    made = Authority(tmp_path)
    context = ssl.create_default_context(cafile=str(made.file))
    monkeypatch.setattr("seatrial.http._tls.trusted", lambda: context)
    return made


@pytest.fixture
def suite(pytestconfig: pytest.Config) -> ModuleType:
    """Return the suite, which is loaded by its path, as pytest does."""
    return load_suite(pytestconfig, "security_tls")


@pytest.fixture
def defects() -> Defects:
    """Return where the check notes what it sees."""
    return Defects(Check(slug="security.tls-versions", title="t", severity=Severity.HIGH, suite="security"))


@pytest.fixture(autouse=True)
def _old() -> Iterator[None]:
    """Let servers be as old as they are meant to be."""
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        yield


def test_a_good_certificate_is_seen_with_its_end(authority: Authority) -> None:
    """It is trusted, and its end is the one that it was issued with."""
    with over_tls(BaseHTTPRequestHandler, modern(authority.issue(for_days=30))) as port:
        seen = see_certificate(HERE, port)
    assert not seen.problem
    assert abs(seen.ends_s - time.time() - 30 * DAY_S) < DAY_S


@pytest.mark.parametrize(
    ("name", "for_days", "began_days", "said"),
    [(HERE, -1, 30, "expired"), (HERE, 90, -10, "not yet valid"), ("another.example", 90, 1, "Hostname mismatch")],
)
def test_a_bad_certificate_is_refused(
    name: str, for_days: float, began_days: float, said: str, authority: Authority
) -> None:
    """One that has expired, or is not good yet, or is another host's, is refused, and why."""
    with over_tls(
        BaseHTTPRequestHandler, modern(authority.issue(name, for_days=for_days, began_days=began_days))
    ) as port:
        assert said in see_certificate(HERE, port).problem


def test_a_stranger_s_certificate_is_refused(authority: Authority, tmp_path: Path) -> None:
    """So is one of an authority that nobody here trusts."""
    (tmp_path / "stranger").mkdir()
    with over_tls(BaseHTTPRequestHandler, modern(Authority(tmp_path / "stranger").issue())) as port:
        assert see_certificate(HERE, port).problem
    assert authority.file.is_file()


def test_what_a_run_published_itself_is_not_told_to_lack_tls(suite: ModuleType) -> None:
    """On another machine's engine it has nothing before it; what somebody else serves there without TLS is told."""
    there, bare = urlsplit("http://192.0.2.7:32768"), TlsSettings()
    with pytest.raises(NotTested, match="another machine's engine"):
        suite.over_https(there, "compose", bare)
    assert suite.over_https(there, "remote", bare) == there
    for url, driver, tls in (
        ("http://127.0.0.1:1", "compose", bare),
        (there.geturl(), "remote", TlsSettings(elsewhere=True)),
    ):
        with pytest.raises(NotApplicable):
            suite.over_https(urlsplit(url), driver, tls)


def test_it_is_told_before_it_expires(suite: ModuleType, authority: Authority) -> None:
    """What is good for fewer days than are promised fails, what is good for more does not."""
    with over_tls(BaseHTTPRequestHandler, modern(authority.issue(for_days=10))) as port:
        suite.test_tls_expiry((HERE, port), TlsSettings(expires_days=9))
        with pytest.raises(AssertionError, match="expires in"):
            suite.test_tls_expiry((HERE, port), TlsSettings(expires_days=11))


@pytest.mark.parametrize(
    ("least", "most", "found"),
    [
        (TWO, THREE, []),
        (TWO, TWO, []),
        (ONE, THREE, ["TLSv1 is spoken", "TLSv1.1 is spoken"]),
        (ONE, ONE, ["neither TLS 1.2 nor TLS 1.3 is spoken", "TLSv1 is spoken"]),
    ],
)
def test_old_versions_are_told(  # noqa: PLR0913, PLR0917 - what a server speaks, and what is said of it
    least: ssl.TLSVersion,
    most: ssl.TLSVersion,
    found: list[str],
    suite: ModuleType,
    authority: Authority,
    defects: Defects,
) -> None:
    """Each version that is out of use is told, and that none in use is spoken; whatever the certificate is."""
    certificate = authority.issue("another.example")
    with over_tls(BaseHTTPRequestHandler, speaking(certificate, least, most)) as port:
        try:
            suite.test_tls_versions((HERE, port), defects)
        except DefectsFound:
            assert found
        spoken = [version for version in (*OLD, *NEW) if speaks(HERE, port, version)]
    assert [defect.title for defect in defects.found] == found
    assert spoken == [version for version in (*OLD, *NEW) if least <= version <= most]


def test_a_server_that_speaks_no_tls_is_no_certificate(suite: ModuleType, authority: Authority) -> None:
    """What shows none, or is not there, decides nothing about it."""
    with (
        over_tls(BaseHTTPRequestHandler, speaking(authority.issue(), ONE, ONE)) as port,
        pytest.raises(Inconclusive, match="no certificate was seen"),
    ):
        suite.look_at((HERE, port))
    with pytest.raises(Inconclusive, match="no certificate was seen"):
        suite.look_at((HERE, port))
