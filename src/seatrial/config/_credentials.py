"""Whether what is declared of authentication is enough for the users that are declared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from seatrial.config._settings import AuthSettings, IdentitySettings, Settings

Gap = tuple[tuple[str | int, ...], str]
"""Where it is, and a sentence."""

OF_KINDS: Mapping[str, frozenset[str]] = {
    "jwt": frozenset(
        {"public_key_variable", "previous_public_key_variable", "private_key_file", "issuer", "audience"}
        | {"lifetime_s", "claims"}
    ),
    "api-key": frozenset({"place", "name", "variable"}),
    "basic": frozenset({"user", "password_variable"}),
    "bearer": frozenset({"scheme", "variable", "user", "password_variable", "command", "login"}),
}
COMMON = frozenset({"kind", "protected"})
OF_ONE = ("variable", "user", "password_variable")
"""What stands in `[auth]` where no user is named."""

Somebody = AuthSettings | IdentitySettings


def gaps(settings: Settings) -> Iterator[Gap]:
    """Yield what is missing, or means nothing, in `[auth]` and `[[identities]]`."""
    auth = settings.auth
    if auth is None:
        return
    for key in sorted(auth.model_fields_set - OF_KINDS[auth.kind] - COMMON):
        yield ("auth", key), f"[auth] {key} means nothing where kind is {auth.kind!r}"
    if auth.mints:
        if not auth.public_key_variable:
            yield ("auth",), "[auth] public_key_variable is missing: the stack has to learn who signs the tokens"
        return
    for key in OF_ONE if any(each.auth != "none" for each in settings.identities) else ():
        if getattr(auth, key):
            yield ("auth", key), f"[auth] {key} means nothing beside [[identities]], which have one each"
    for where, somebody in users(auth, settings.identities):
        yield from ((where, what) for what in _lacks(auth, somebody))


def users(auth: AuthSettings, identities: Sequence[IdentitySettings]) -> list[tuple[tuple[str | int, ...], Somebody]]:
    """Return who has credentials, with the place of each: the users that are named, or else the one of `[auth]`."""
    named = [(("identities", number), each) for number, each in enumerate(identities) if each.auth != "none"]
    return [*named] or [(("auth",), auth)]


def _lacks(auth: AuthSettings, somebody: Somebody) -> Iterator[str]:
    who = f"the identity {somebody.name!r}" if isinstance(somebody, IdentitySettings) else "[auth]"
    if auth.kind == "api-key" and not somebody.variable:
        yield f"{who} names no variable: which holds the API key?"
    if auth.kind == "basic" and not (somebody.user and somebody.password_variable):
        yield f"{who} has no user and password_variable to sign in with"
    if auth.kind == "bearer":
        yield from _lacks_token(auth, somebody, who)


def _lacks_token(auth: AuthSettings, somebody: Somebody, who: str) -> Iterator[str]:
    held = {"variable": somebody.variable, "command": auth.command, "login": auth.login}
    sources = [name for name, source in held.items() if source]
    if len(sources) > 1:
        yield f"{who} has more than one source of tokens: {', '.join(sources)}"
    if not sources:
        yield f"{who} has no token: name a variable, a command, or a login"
    said = " ".join(auth.login.body.values()) if auth.login else ""
    if "{user}" in said and not somebody.user:
        yield f"{who} has no user to sign in with"
    if "{password}" in said and not somebody.password_variable:
        yield f"{who} has no password_variable to sign in with"
