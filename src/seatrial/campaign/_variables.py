"""The stack's variables in one run: as declared, with fresh secrets, turned by the profile, with public keys."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping, Sequence

from seatrial.config import LimitSettings, Settings
from seatrial.http import SigningKey

RANDOM = "{random}"
RSA_KEY = "{rsa_key}"
REFERENCE = re.compile(r"\{([A-Z][A-Z0-9_]*)\}")


def stack_variables(
    settings: Settings,
    profile: str,
    *,
    key: SigningKey,
    previous: SigningKey | None,
    register_secret: Callable[[str, str], None],
) -> dict[str, str]:
    """Return the variables; every fresh secret is registered before it is used."""
    declared = {
        name: _fresh(name, value, register_secret=register_secret) for name, value in settings.stack.environment.items()
    }
    declared |= settings.stack.knobs(profile)
    filled = {name: filled_in(value, declared) for name, value in declared.items()}
    if settings.auth and settings.auth.mints:
        filled[settings.auth.public_key_variable] = key.public_pem
    if settings.auth and previous:
        filled[settings.auth.previous_public_key_variable] = previous.public_pem
    return filled


def _fresh(name: str, value: str, *, register_secret: Callable[[str, str], None]) -> str:
    makers = {RANDOM: lambda: secrets.token_urlsafe(24), RSA_KEY: lambda: SigningKey.generate().private_pem}
    if value not in makers:
        return value
    made = makers[value]()
    register_secret(name, made)
    return made


def lifted(limits: Sequence[LimitSettings]) -> dict[str, str]:
    """Return the variables that raise quotas which other suites would run into, as declared."""
    return {limit.quota_variable: str(limit.quota_elsewhere) for limit in limits if limit.quota_elsewhere}


def filled_in(text: str, values: Mapping[str, str]) -> str:
    """Put the values of other variables in for `{NAME}`; other braces stay."""
    return REFERENCE.sub(lambda match: values.get(match[1], match[0]), text)
