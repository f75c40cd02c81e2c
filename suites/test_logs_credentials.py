"""What a client signs in with, and what it gets for that, stay out of the logs."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

import httpx
import pytest

from seatrial.campaign import filled_in
from seatrial.config import LogSettings, Settings, TokenSettings, TracingSettings
from seatrial.plugin import Defects, check, inconclusive, lines_where
from seatrial.stack import Stack

Handed = Mapping[str, str]
"""What nobody but a client and the service may know, each by what it is."""


@pytest.fixture
def secret_credentials(credentials: Handed, tokens: TokenSettings, settings: Settings) -> Handed:
    """Return the credentials that this run made up: what the configuration says, such as a name, is no secret."""
    written = {name: filled_in(text, settings.stack.environment) for name, text in tokens.credentials.items()}
    return {f"the credential {name}": value for name, value in credentials.items() if value != written[name]}


def asked_for(client: httpx.Client, path: str, body: Handed, headers: Handed, tokens: TokenSettings) -> dict[str, str]:
    """Return the tokens with which a sign-in or a refresh is answered."""
    answer = client.post(path, json=body, headers=headers)
    if answer.is_error:
        inconclusive(f"POST {path} answers {answer.status_code}: there are no tokens to look for")
    found = answer.json()
    return {name: found[name] for name in (tokens.access_field, tokens.refresh_field) if found.get(name)}


@pytest.fixture
def headers(tracing: TracingSettings) -> Handed:
    """Return the header by which requests are found in the log."""
    return {tracing.header: secrets.token_hex(16)}


@pytest.fixture
def handed(
    client: httpx.Client, tokens: TokenSettings, credentials: Handed, secret_credentials: Handed, headers: Handed
) -> Handed:
    """Sign in and, where that is declared, refresh once; return what was sent and answered."""
    issued = asked_for(client, tokens.path, credentials, headers, tokens)
    found = {**secret_credentials, **{f"the issued {name}": token for name, token in issued.items()}}
    if tokens.refresh_path and tokens.refresh_field in issued:
        used = {tokens.refresh_field: issued[tokens.refresh_field]}
        renewed = asked_for(client, tokens.refresh_path, used, headers, tokens)
        found |= {f"the {name} of a refresh": token for name, token in renewed.items()}
    return found


@check(
    "logs.no-credentials",
    title="neither credentials nor issued tokens are logged",
    severity="high",
    needs=("logs",),
    presupposes=("logs.request-logged", "security.token-issued"),
    cwe=(532,),
    owasp=("API8:2023",),
)
def test_no_credentials(
    stack: Stack, log_lines: LogSettings, handed: Handed, headers: Handed, defects: Defects
) -> None:
    """No log holds what a client signed in with, which tokens it got, or those of a refresh: they are its identity."""
    assert lines_where(stack, log_lines.services, lambda line: line.get(log_lines.trace_field) in headers.values())
    for service in dict.fromkeys((*log_lines.services, *log_lines.workers)):
        text = stack.log(service)
        for what in (name for name, value in handed.items() if value in text):
            defects.add(f"{what} is in the log of {service}", cause=f"{what}, {service}")
    defects.none()
