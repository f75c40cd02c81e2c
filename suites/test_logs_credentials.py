"""What a client signs in with, and what it gets for that, stay out of the logs."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx
import pytest

from seatrial.campaign import filled_in
from seatrial.config import LogSettings, Settings, TokenSettings, TracingSettings
from seatrial.plugin import Defects, Line, check, inconclusive, lines_where
from seatrial.stack import Stack

Handed = Mapping[str, str]
"""What nobody but a client and the service may know, each by what it is."""


@pytest.fixture
def secret_credentials(credentials: Handed, tokens: TokenSettings, settings: Settings) -> Handed:
    """Return the credentials that this run made up: what the configuration says, such as a name, is no secret."""
    written = {name: filled_in(text, settings.stack.environment) for name, text in tokens.credentials.items()}
    return {f"the credential {name}": value for name, value in credentials.items() if value != written[name]}


@dataclass(frozen=True)
class SignIn:
    """Where tokens are asked for; `trace_ids` are those of the requests so far, by which the log tells of each."""

    client: httpx.Client
    tokens: TokenSettings
    header: str
    trace_ids: list[str] = field(default_factory=list)

    def ask(self, path: str, body: Handed) -> dict[str, str]:
        """Return the tokens with which a sign-in or a refresh is answered."""
        self.trace_ids.append(secrets.token_hex(16))
        answer = self.client.post(path, json=body, headers={self.header: self.trace_ids[-1]})
        if answer.is_error:
            inconclusive(f"POST {path} answers {answer.status_code}: there are no tokens to look for")
        found, names = answer.json(), (self.tokens.access_field, self.tokens.refresh_field)
        return {name: found[name] for name in names if found.get(name)}


@pytest.fixture
def sign_in(client: httpx.Client, tokens: TokenSettings, tracing: TracingSettings) -> SignIn:
    """Return where tokens are asked for."""
    return SignIn(client, tokens, tracing.header)


@pytest.fixture
def handed(sign_in: SignIn, tokens: TokenSettings, credentials: Handed, secret_credentials: Handed) -> Handed:
    """Sign in and, where that is declared, refresh once; return what was sent and answered."""
    issued = sign_in.ask(tokens.path, credentials)
    found = {**secret_credentials, **{f"the issued {name}": token for name, token in issued.items()}}
    if tokens.refresh_path and tokens.refresh_field in issued:
        used = {tokens.refresh_field: issued[tokens.refresh_field]}
        renewed = sign_in.ask(tokens.refresh_path, used)
        found |= {f"the {name} of a refresh": token for name, token in renewed.items()}
    return found


def lines_of(stack: Stack, log_lines: LogSettings, trace_id: str) -> list[Line]:
    """Return what the log tells of a request, once it does."""
    return lines_where(stack, log_lines.services, lambda line: line.get(log_lines.trace_field) == trace_id)


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
    stack: Stack, log_lines: LogSettings, handed: Handed, sign_in: SignIn, defects: Defects
) -> None:
    """No log holds what a client signed in with, which tokens it got, or those of a refresh: they are its identity."""
    assert all(lines_of(stack, log_lines, trace_id) for trace_id in sign_in.trace_ids)
    for service in dict.fromkeys((*log_lines.services, *log_lines.workers)):
        text = stack.log(service)
        for what in (name for name, value in handed.items() if value in text):
            defects.add(f"{what} is in the log of {service}", cause=f"{what}, {service}")
    defects.none()
