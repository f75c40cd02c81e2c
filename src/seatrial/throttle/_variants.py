"""The same request written otherwise: what a client may change without becoming somebody else (field notes, section 2).

Each variant belongs to the claim that it could refute. A project adds its own headers by `[[limits]] bypass_headers`.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from seatrial.core import ADDRESS_HEADERS
from seatrial.throttle._answers import Headers
from seatrial.throttle._policy import Policy
from seatrial.throttle._wire import USUAL_VERSION

Who = Literal["user", "nobody"]
"""Whose drained quota shows it: that of a client with a token, or of one that is known by its address alone."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How a request is written; without a body of its own it has the usual one."""

    method: str
    path: str
    extra: Headers = ()
    body: bytes | None = None
    version: str = USUAL_VERSION


Write = Callable[[Policy, random.Random], Shape]
Spell = Callable[[str, random.Random], str]


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to write it; what `write` returns is another one each time."""

    claim: str
    cause: str
    what: str
    who: Who
    write: Write


HOPS, OCTET = 20, 256
CHUNK = 8
"""So many variants are tried between two looks at whether their client is still refused."""

SIBLINGS = (*ADDRESS_HEADERS[1:], "X-Remote-IP", "X-Forwarded", "Forwarded-For")
"""B2: headers that some proxy sets, and some library reads; the first of them all is tried in more ways than one."""

TENANTS = ("X-Org-Id", "X-Organization-Id", "X-Tenant-Id", "X-User-Id", "X-API-Key", "X-Account-Id")
"""B10: headers by which a client could name somebody else as the one who asks."""

TRAITS = (
    *("User-Agent", "Cookie", "Accept-Language", "Referer", "X-Request-ID", "X-Session-Id"),
    *("Accept", "Content-Type"),
)
"""B10 and B17: what a client changes at will."""


def variants(policy: Policy) -> Iterator[Variant]:
    """Yield every variant that means something for a policy."""
    yield from _addresses(policy)
    for name in (*TENANTS, *policy.settings.bypass_headers):
        yield _header("tenant-header", "tenant-header", name, "user", _word)
    for name in TRAITS:
        yield _header("client-traits", "client-trait", name, "user", _trait(name))
    yield Variant("client-traits", "http-version", "HTTP/1.0", "user", _old)
    for what, scheme in (("another token that is none", "Bearer"), ("another password that is none", "Basic")):
        yield Variant("junk-token", "junk-token", what, "nobody", _credentials(scheme))
    yield Variant("query-in-key", "query-in-key", "a query", "user", _query)
    for what, spell in SPELLINGS:
        yield Variant("path-spelling", "path-spelling", what, "user", _path(spell))
    for path in policy.settings.bypass_paths:
        yield Variant("path-spelling", "path-spelling", f"the path {path}", "user", _path(_filled(path)))
    for method in dict.fromkeys(("HEAD", "OPTIONS", "POST", *policy.settings.bypass_methods)):
        if method != policy.settings.method:
            yield Variant("method", "method", f"the method {method}", "user", _method(method))
    yield Variant("method", "method", "a parameter _method", "user", _overridden)
    for name in ("X-HTTP-Method-Override", "X-Method-Override"):
        yield _header("method", "method", name, "user", _always("GET"))
    yield from _values(policy)
    yield from _exemptions(policy)
    if policy.settings.path_template:
        yield Variant("path-parameter-in-key", "path-parameter-in-key", "another parameter", "user", _parameter)
    yield from _bodies(policy)


def claims_of(policy: Policy, who: Who) -> tuple[str, ...]:
    """Return the claims that variants of such a client decide."""
    return tuple(dict.fromkeys(variant.claim for variant in variants(policy) if variant.who == who))


def address_claims(more: Iterable[str] = ()) -> Iterator[tuple[str, Callable[[random.Random], Headers]]]:
    """Yield every header by which a client claims another address, by what it is called as a defect."""
    for _, write in FORWARDED:
        yield "x-forwarded-for", write
    for name in ("Forwarded", *SIBLINGS, *more):
        value = _forwarded if name == "Forwarded" else _address
        yield f"sibling-header:{name.lower()}", _named(name, value)


def _values(policy: Policy) -> Iterator[Variant]:
    """Yield headers with the values that a project declares, each as what it is: an address, a trait, or a tenant."""
    addresses = {name.lower(): "sibling-headers-ignored" for name in ("Forwarded", *ADDRESS_HEADERS, *SIBLINGS)}
    known = {**addresses, ADDRESS_HEADERS[0].lower(): "forwarded-for-ignored"}
    known |= {name.lower(): "client-traits" for name in TRAITS}
    for name, values in policy.settings.bypass_values.items():
        claim = known.get(name.lower(), "tenant-header")
        who: Who = "nobody" if claim in {"forwarded-for-ignored", "sibling-headers-ignored"} else "user"
        for value in values:
            what, write = f"the header {name}: {value}", _extra(_named(name, _numbered(value)))
            yield Variant(claim, f"value:{name.lower()}", what, who, write)


def _filled(path: str) -> Spell:
    """Return what writes a declared path in place of the usual one."""
    number = _numbered(path)
    return lambda _, source: number(source)


def _numbered(text: str) -> Callable[[random.Random], str]:
    """Return what writes a declared text, with another number each time, as addresses have, in the place of `{i}`."""
    return lambda source: text.replace("{i}", str(source.randrange(1, OCTET)))


def _addresses(policy: Policy) -> Iterator[Variant]:
    for what, write in (*FORWARDED, *OTHERWISE):
        yield Variant("forwarded-for-ignored", "x-forwarded-for", what, "nobody", _extra(write))
    for cause, write in address_claims(policy.settings.bypass_headers):
        if cause != "x-forwarded-for":
            what = f"the header {cause.partition(':')[2]}"
            yield Variant("sibling-headers-ignored", cause, what, "nobody", _extra(write))
    what = "the header forwarded, in IPv6"
    yield Variant("sibling-headers-ignored", "sibling-header:forwarded", what, "nobody", _extra(_quoted))


def _exemptions(policy: Policy) -> Iterator[Variant]:
    """B5, B6, B9: a request that looks like an exempt one, and is served as the limited one."""
    for exempt in policy.settings.exempt[:1]:
        path = policy.settings.path
        for what, spelt in (
            ("a way through an exempt path", f"{exempt}/..{path[path.rfind('/') :]}"),
            ("an exempt path as a fragment", f"{path}#{exempt}"),
            ("an exempt path as a parameter", f"{path};{exempt}"),
            ("an exempt path as a query", f"{path}?{exempt}"),
        ):
            yield Variant(*EXEMPTION, what, "user", _as_spelt(spelt))
        for name in ("Host", "X-Forwarded-Host"):
            yield _header(*EXEMPTION, name, "user", _always(f"seatrial.invalid{exempt}?"))
        for name in ("X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Path"):
            yield _header(*EXEMPTION, name, "user", _always(exempt))


def _bodies(policy: Policy) -> Iterator[Variant]:
    """B10: the body with another value of a field, with the same one spelt otherwise, and written with other spaces."""
    for name in policy.settings.bypass_fields:
        cause = f"body-field:{name}"
        for what, spell in (
            (f"another {name} in the body", lambda text, source: f"{text}{_word(source)}"),
            (f"the {name} in the body in other capitals", _recased),
            (f"the {name} in the body with spaces", lambda text, source: text + " " * source.randrange(1, 100)),
        ):
            yield Variant("body-field-in-key", cause, what, "user", _field(name, spell))
    if policy.settings.bypass_fields:
        yield Variant("body-field-in-key", "body-spacing", "a body that is spaced otherwise", "user", _spaced)


def _field(name: str, spell: Spell) -> Write:
    def write(policy: Policy, source: random.Random) -> Shape:
        body = policy.settings.body
        said = json.dumps({**body, name: spell(body[name], source)})
        return Shape(policy.settings.method, policy.settings.path, body=said.encode())

    return write


def _spaced(policy: Policy, source: random.Random) -> Shape:
    return Shape(policy.settings.method, policy.settings.path, body=policy.body + b" " * source.randrange(1, 100))


def _recased(text: str, source: random.Random) -> str:
    return "".join(source.choice((letter.lower(), letter.upper())) for letter in text)


EXEMPTION = ("exemption-narrow", "exemption-too-wide")


def _as_spelt(path: str) -> Write:
    return lambda policy, _: Shape(policy.settings.method, path)


def _header(claim: str, cause: str, name: str, who: Who, value: Callable[[random.Random], str]) -> Variant:
    return Variant(claim, cause, f"the header {name}", who, _extra(_named(name, value)))


def _named(name: str, value: Callable[[random.Random], str]) -> Callable[[random.Random], Headers]:
    return lambda source: ((name, value(source)),)


def _extra(make: Callable[[random.Random], Headers]) -> Write:
    return lambda policy, source: Shape(policy.settings.method, policy.settings.path, make(source))


def _path(spell: Spell) -> Write:
    return lambda policy, source: Shape(policy.settings.method, spell(policy.settings.path, source))


def _method(method: str) -> Write:
    return lambda policy, _: Shape(method, policy.settings.path)


def _old(policy: Policy, _: random.Random) -> Shape:
    return Shape(policy.settings.method, policy.settings.path, version="HTTP/1.0")


def _overridden(policy: Policy, source: random.Random) -> Shape:
    """Send a POST that says that it is what is usually sent; a POST says that it is another one each time."""
    query = _query(policy, source).path.replace("seatrial=", f"_method={policy.settings.method}&seatrial=")
    return Shape("POST", query)


def _query(policy: Policy, source: random.Random) -> Shape:
    joint = "&" if "?" in policy.settings.path else "?"
    return Shape(policy.settings.method, f"{policy.settings.path}{joint}seatrial={_word(source)}")


def _parameter(policy: Policy, source: random.Random) -> Shape:
    number = str(source.randrange(10**11, 10**12))
    return Shape(policy.settings.method, policy.settings.path_template.replace("{i}", number))


def _credentials(scheme: str) -> Write:
    return _extra(lambda source: (("Authorization", f"{scheme} {_word(source)}"),))


def _always(value: str) -> Callable[[random.Random], str]:
    return lambda _: value


def _word(source: random.Random) -> str:
    return f"{source.getrandbits(64):016x}"


def _trait(name: str) -> Callable[[random.Random], str]:
    form = {"Cookie": "session={}", "Accept": "application/json, seatrial/{}", "Content-Type": "application/json; v={}"}
    return lambda source: form.get(name, "seatrial/{}").format(_word(source))


def _address(source: random.Random) -> str:
    """Return an address of a documentation network (RFC 5737)."""
    network = source.choice(("192.0.2", "198.51.100", "203.0.113"))
    return f"{network}.{source.randrange(1, 255)}"


def _forwarded(source: random.Random) -> str:
    return f"for={_address(source)}"


def _quoted(source: random.Random) -> Headers:
    """Name an IPv6 address as `Forwarded` has it (RFC 7239, 6)."""
    return (("Forwarded", f'for="[2001:db8::{source.randrange(1, 65536):x}]"'),)


def _claimed(form: str) -> Callable[[random.Random], Headers]:
    return lambda source: (("X-Forwarded-For", form.format(_address(source))),)


def _twice(source: random.Random) -> Headers:
    return (("X-Forwarded-For", _address(source)), ("X-Forwarded-For", _address(source)))


FORWARDED: tuple[tuple[str, Callable[[random.Random], Headers]], ...] = (
    ("X-Forwarded-For", _claimed("{}")),
    ("X-Forwarded-For with a hop behind it", _claimed("{}, 127.0.0.1")),
    ("X-Forwarded-For with a hop before it", _claimed("127.0.0.1, {}")),
    ("X-Forwarded-For on two lines", _twice),
    ("X-Forwarded-For with a port", lambda s: (("X-Forwarded-For", f"192.0.2.1:{s.randrange(1, 65536)}"),)),
    ("X-Forwarded-For in IPv6", lambda s: (("X-Forwarded-For", f"2001:db8::{s.randrange(1, 65536):x}"),)),
    ("X-Forwarded-For that is no address", lambda s: (("X-Forwarded-For", _word(s)),)),
    ("X-Forwarded-For of loopback", lambda _: (("X-Forwarded-For", "127.0.0.1"),)),
)
"""B1, B3 and B5."""


def _number(form: str) -> Callable[[random.Random], Headers]:
    return lambda source: (("X-Forwarded-For", form.format(source.randrange(1, 255))),)


OTHERWISE: tuple[tuple[str, Callable[[random.Random], Headers]], ...] = (
    ("X-Forwarded-For of IPv6 loopback", lambda _: (("X-Forwarded-For", "::1"),)),
    ("X-Forwarded-For of a private network", _number("10.0.0.{}")),
    ("X-Forwarded-For of IPv4 in IPv6", _number("::ffff:192.0.2.{}")),
    ("X-Forwarded-For with leading zeros", _number("192.000.002.{:03}")),
    ("X-Forwarded-For with a dot behind it", _number("192.0.2.{}.")),
    ("X-Forwarded-For with a space for a comma", _number("192.0.2.{} 127.0.0.1")),
    ("X-Forwarded-For in capitals", _number("2001:DB8::{:X}")),
    ("X-Forwarded-For with a zone", _number("fe80::{:x}%eth0")),
    ("X-Forwarded-For as one number", lambda s: (("X-Forwarded-For", str(s.randrange(0xC0000201, 0xC00002FF))),)),
    ("X-Forwarded-For of many hops", lambda s: (("X-Forwarded-For", ", ".join(_address(s) for _ in range(HOPS))),)),
)
"""The same, as a proof tries it and `discover` does not: each costs it requests that it cannot spare."""


def _times(text: str, source: random.Random) -> str:
    """Return a text so many times that hardly any two requests are spelt the same."""
    return text * source.randrange(1, 100)


def _before_last(path: str, text: str) -> str:
    """Put a text where the last slash is."""
    return text.join(path.rsplit("/", 1))


def _chosen(path: str, source: random.Random) -> set[int]:
    """Return the places of some letters, the last one's among them."""
    return {len(path) - 1, *(n for n in range(len(path)) if source.random() < HALF)}


def _capitals(path: str, source: random.Random) -> str:
    chosen = _chosen(path, source)
    return "".join(letter.upper() if n in chosen else letter for n, letter in enumerate(path))


def _encoded(path: str, source: random.Random) -> str:
    """Encode letters that need it not (RFC 3986, 2.3)."""
    chosen = _chosen(path, source)
    return "".join(f"%{ord(c):02X}" if n in chosen and c != "/" else c for n, c in enumerate(path))


HALF = 0.5
SPELLINGS: tuple[tuple[str, Spell], ...] = (
    ("a slash at the end", lambda path, source: path + _times("/", source)),
    ("slashes at the start", lambda path, source: _times("/", source) + path),
    ("slashes in between", lambda path, source: _before_last(path, "/" + _times("/", source))),
    ("a step that stays", lambda path, source: _before_last(path, _times("/.", source) + "/")),
    ("an encoded step that stays", lambda path, source: _before_last(path, _times("/%2e", source) + "/")),
    ("a step there and back", lambda path, source: _before_last(path, f"/{_word(source)}/../")),
    ("capitals", _capitals),
    ("encoded letters", _encoded),
    ("an encoded slash", lambda path, _: _before_last(path, "%2F")),
    ("encoded spaces at the end", lambda path, source: path + _times("%20", source)),
    ("an encoded null at the end", lambda path, source: path + _times("%00", source)),
    ("a parameter of its segment", lambda path, source: f"{path};seatrial={_word(source)}"),
    ("a fragment", lambda path, source: f"{path}#{_word(source)}"),
    ("an ending", lambda path, _: f"{path}.json"),
    ("backslashes", lambda path, _: _before_last(path, "\\")),
)
"""B6. Exact bytes matter: ordinary clients would make most of these the usual spelling again."""
