"""Authentication: every token that is not exactly right is refused, and tenants do not see each other."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest

from seatrial.campaign import Entered
from seatrial.config import AuthSettings, JobSettings, Settings
from seatrial.core import Identity
from seatrial.http import IdentityPool, SigningKey, bad_tokens
from seatrial.plugin import Defects, check, inconclusive, not_applicable, not_tested

REFUSED = {401, 403}
Open = Callable[[Identity | None], httpx.Client]


@pytest.fixture
def protected(auth: AuthSettings) -> str:
    """Return a path that needs a token."""
    if auth.protected is None:
        not_applicable("[auth] protected is not declared")
    return auth.protected


@pytest.fixture
def closed(settings: Settings) -> str:
    """Return a path that nobody reads without credentials: none are needed to try."""
    if settings.auth is None or settings.auth.protected is None:
        not_applicable("[auth] protected is not declared")
    return settings.auth.protected


@pytest.fixture
def guarded(closed: str, entered: Entered) -> str:
    """Return a path that needs credentials, of whatever kind."""
    if entered.unsigned:
        not_tested(entered.unsigned)
    return closed


@check("security.valid-accepted", title="a valid token is accepted", severity="high")
def test_valid_accepted(user: httpx.Client, guarded: str) -> None:
    """A valid token is accepted: otherwise refusing every bad one proves nothing."""
    status = user.get(guarded).status_code
    assert status < 400, f"GET {guarded} with a valid token answers {status}"


@check(
    "security.token-required",
    title="no answer without a token",
    severity="critical",
    cwe=(306,),
    owasp=("API2:2023",),
    safe=True,
)
def test_token_required(client: httpx.Client, closed: str) -> None:
    """A request without a token is refused: the resource is not public."""
    status = client.get(closed).status_code
    assert status in REFUSED, f"GET {closed} without a token answers {status}"


def refuses(kind: str, protected: str, client: httpx.Client, identities: IdentityPool) -> None:
    """Send one bad token and assert that it is refused."""
    token = bad_tokens(identities, kinds=(kind,))[kind]
    answer = client.get(protected, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code in REFUSED, f"GET {protected} with a token that is {kind} answers {answer.status_code}"


PRESUPPOSED = ("security.valid-accepted",)


@check(
    "security.expired-refused",
    title="an expired token is refused",
    severity="high",
    presupposes=PRESUPPOSED,
    cwe=(613,),
    owasp=("API2:2023",),
)
def test_expired_refused(client: httpx.Client, protected: str, identities: IdentityPool) -> None:
    """A token past its expiry is refused: otherwise a leaked one works for ever."""
    refuses("expired", protected, client, identities)


@check(
    "security.not-yet-valid-refused",
    title="a token from the future is refused",
    severity="low",
    presupposes=PRESUPPOSED,
    cwe=(613,),
)
def test_not_yet_valid_refused(client: httpx.Client, protected: str, identities: IdentityPool) -> None:
    """A token whose `nbf` lies ahead is refused (RFC 7519, 4.1.5)."""
    refuses("not-yet-valid", protected, client, identities)


@check(
    "security.foreign-key-refused",
    title="a token signed by somebody else is refused",
    severity="critical",
    presupposes=PRESUPPOSED,
    cwe=(347,),
    owasp=("API2:2023",),
)
def test_foreign_key_refused(client: httpx.Client, protected: str, identities: IdentityPool) -> None:
    """A token with a signature of another key is refused: otherwise everybody is anybody."""
    refuses("wrong-key", protected, client, identities)


@check(
    "security.unsigned-refused",
    title="an unsigned token is refused",
    severity="critical",
    presupposes=PRESUPPOSED,
    cwe=(347,),
    owasp=("API2:2023",),
)
def test_unsigned_refused(client: httpx.Client, protected: str, identities: IdentityPool) -> None:
    """A token with `alg: none` is refused (RFC 8725, 3.1)."""
    refuses("alg-none", protected, client, identities)


@check(
    "security.algorithm-confusion-refused",
    title="the public key is no HMAC secret",
    severity="critical",
    presupposes=PRESUPPOSED,
    cwe=(327, 347),
    owasp=("API2:2023",),
)
def test_algorithm_confusion_refused(client: httpx.Client, protected: str, identities: IdentityPool) -> None:
    """A token signed by HS256 with the public key as its secret is refused (RFC 8725, 2.1)."""
    refuses("hs256-public-key", protected, client, identities)


@check(
    "security.tampered-refused",
    title="a changed token is refused",
    severity="critical",
    presupposes=PRESUPPOSED,
    cwe=(345,),
    owasp=("API2:2023",),
)
def test_tampered_refused(client: httpx.Client, protected: str, identities: IdentityPool) -> None:
    """A token whose claims were changed after signing is refused."""
    refuses("tampered", protected, client, identities)


@check(
    "security.audience-checked",
    title="a token for another service is refused",
    severity="high",
    presupposes=PRESUPPOSED,
    cwe=(287,),
)
def test_audience_checked(client: httpx.Client, protected: str, identities: IdentityPool, auth: AuthSettings) -> None:
    """A token for another audience is refused (RFC 7519, 4.1.3)."""
    if not auth.audience:
        not_applicable("[auth] audience is not declared")
    refuses("wrong-audience", protected, client, identities)


@check(
    "security.issuer-checked",
    title="a token of another issuer is refused",
    severity="high",
    presupposes=PRESUPPOSED,
    cwe=(287,),
)
def test_issuer_checked(client: httpx.Client, protected: str, identities: IdentityPool, auth: AuthSettings) -> None:
    """A token of another issuer is refused (RFC 8725, 3.8)."""
    if not auth.issuer:
        not_applicable("[auth] issuer is not declared")
    refuses("wrong-issuer", protected, client, identities)


@check(
    "security.claims-required",
    title="a token that names nobody, or never ends, is refused",
    severity="high",
    presupposes=PRESUPPOSED,
    cwe=(287, 613),
    owasp=("API2:2023",),
)
def test_claims_required(client: httpx.Client, protected: str, identities: IdentityPool) -> None:
    """A token without the claims that say whose it is, or without an expiry, is refused."""
    for kind in ("without-claims", "without-expiry"):
        refuses(kind, protected, client, identities)


def malformed_tokens() -> dict[str, bytes]:
    """Return what is no token at all: not three parts, not base64, not JSON, nested too deep, too long, not ASCII."""

    def part(text: str) -> bytes:
        return base64.urlsafe_b64encode(text.encode()).rstrip(b"=")

    rest = b".e30.c2lnbmF0dXJl"
    return {
        "one word": b"token",
        "many dots": b"." * 50,
        "no base64": b"%%%.%%%.%%%",
        "a header that is no JSON": part("{alg") + rest,
        "a header that is a list": part("[]") + rest,
        "a header with a number for a key id": part('{"alg":"RS256","kid":7}') + rest,
        "a header nested 3000 deep": part("[" * 3000) + rest,
        "a token of 20,000 characters": b"a" * 20_000,
        "bytes that are no text": b"\xff\xfe.\xff.\xff",
    }


@check(
    "security.malformed-token-refused",
    title="what is no token is refused",
    severity="high",
    presupposes=PRESUPPOSED,
    cwe=(20, 755),
)
def test_malformed_token_refused(client: httpx.Client, protected: str, defects: Defects) -> None:
    """A bearer token that is malformed is answered with 4xx: it comes before authentication, so anybody can send it."""
    for kind, token in malformed_tokens().items():
        status = client.get(protected, headers={b"Authorization": b"Bearer " + token}).status_code
        if not 400 <= status < 500:
            title = f"GET {protected} with {kind} as its token answers {status}"
            defects.add(title, cause=f"answers-{status}", operation=f"GET {protected}")
    defects.none()


@check(
    "security.key-rotation",
    title="a token of the previous key still works",
    severity="medium",
    presupposes=PRESUPPOSED,
)
def test_key_rotation(client_as: Open, protected: str, identities: IdentityPool, previous_key: SigningKey) -> None:
    """A token that was signed before the key was rotated works until it expires: otherwise everybody is signed out."""
    somebody = identities.lease(1)[0]
    token = identities.sign(identities.claims(somebody.user, somebody.organisation), key=previous_key)
    holder = replace(somebody, name=f"{somebody.name} (previous key)", headers={"Authorization": f"Bearer {token}"})
    status = client_as(holder).get(protected).status_code
    assert status < 400, f"GET {protected} with a token of the previous key answers {status}"


@check(
    "security.tenant-isolation",
    title="organisations do not see each other's work",
    severity="critical",
    presupposes=PRESUPPOSED,
    cwe=(639,),
    owasp=("API1:2023",),
)
def test_tenant_isolation(client_as: Open, identities: IdentityPool, jobs: JobSettings, auth: AuthSettings) -> None:
    """What one organisation submitted can be neither read, listed nor deleted by another."""
    del auth
    owner, stranger = client_as(identities.lease(1)[0]), client_as(identities.lease(1)[0])
    answer = owner.post(jobs.submit, json=jobs.body)
    if answer.is_error:
        inconclusive(f"POST {jobs.submit} answers {answer.status_code}: there is nothing to look at")
    job = str(answer.json()[jobs.id_field])
    path = f"{jobs.submit}/{job}"
    seen = stranger.get(path).status_code
    assert seen in {403, 404}, f"GET by another organisation answers {seen}"
    owner.get(jobs.submit)  # a list that is remembered for all is remembered now
    listed = job in stranger.get(jobs.submit).text
    assert not listed, f"GET {jobs.submit} lists the work of another organisation"
    deleted = stranger.delete(path).status_code
    assert deleted in {403, 404, 405}, f"DELETE by another organisation answers {deleted}"
    assert owner.get(path).status_code == httpx.codes.OK, "the owner's work is gone after a stranger's DELETE"
