"""What the stack's variables become in one run."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from seatrial.campaign._variables import filled_in, stack_variables
from seatrial.config import AuthSettings, SecuritySettings, Settings, StackSettings
from seatrial.http import SigningKey


def variables(environment: dict[str, str], *, previous: SigningKey | None = None) -> dict[str, str]:
    """Return the variables of a run, and note the secrets under `secret:NAME`."""
    secrets: dict[str, str] = {}
    auth = AuthSettings(public_key_variable="PUBLIC", previous_public_key_variable="PREVIOUS")
    settings = Settings(stack=StackSettings(environment=environment), auth=auth)
    key = SigningKey.generate()
    found = stack_variables(
        settings, "quick", key=key, previous=previous, register_secret=lambda name, value: secrets.update({name: value})
    )
    assert found["PUBLIC"] == key.public_pem
    return {**found, **{f"secret:{name}": value for name, value in secrets.items()}}


def test_secrets_are_fresh_and_registered() -> None:
    """`{random}` and `{rsa_key}` are made anew; both are known to the record's redaction."""
    first, second = (variables({"A": "{random}", "B": "{rsa_key}"}) for _ in range(2))
    assert first["A"] != second["A"]
    assert first["A"] == first["secret:A"]
    assert first["B"] == first["secret:B"]
    assert SigningKey(first["B"]).public_pem != SigningKey(second["B"]).public_pem


def test_a_variable_may_hold_another() -> None:
    """`{NAME}` stands for a variable that is declared; every other brace stays."""
    found = variables({"SECRET": "{random}", "LIST": "me:{SECRET}", "OTHER": "{nobody} {NOBODY} {}"})
    assert found["LIST"] == f"me:{found['SECRET']}"
    assert found["OTHER"] == "{nobody} {NOBODY} {}"
    assert filled_in("{A}{A}", {"A": "{A}"}) == "{A}{A}"


def test_the_previous_key_is_handed_over_where_there_is_one() -> None:
    """Its public half, under the declared name."""
    previous = SigningKey.generate()
    assert variables({}, previous=previous)["PREVIOUS"] == previous.public_pem
    assert "PREVIOUS" not in variables({})


def test_a_header_pattern_is_checked_before_anything_starts() -> None:
    """What is no regular expression is an error of the file."""
    with pytest.raises(ValidationError, match="not a regular expression"):
        SecuritySettings(headers={"X-Frame-Options": "("})
