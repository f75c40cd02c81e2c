"""Administration: from the declared addresses alone, whatever a client claims and however it spells the path."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, ip_address

import httpx
import pytest

from seatrial.config import AuthSettings, SecuritySettings
from seatrial.core import ADDRESS_HEADERS, Identity
from seatrial.http import IdentityPool, loopback_networks
from seatrial.plugin import Defects, check, inconclusive, not_applicable, not_tested, shut_out

REFUSED = {401, 403}
LOOPBACK = IPv4Network("127.0.0.0/8")
Open = Callable[[Identity | None], httpx.Client]
Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Door:
    """The guarded path, asked from addresses of this machine; `networks` are those of them that are let in."""

    path: str
    networks: Sequence[IPv4Network]
    elsewhere: str
    open_as: Open
    administrator: Callable[[], dict[str, str]]
    clients: dict[str, httpx.Client] = field(default_factory=dict)

    @property
    def inside(self) -> str:
        """Return an address that is let in."""
        return str(self.networks[0][0])

    def at(self, address: str) -> httpx.Client:
        """Return a client that sends from an address, and is nobody."""
        if address not in self.clients:
            self.clients[address] = self.open_as(Identity(name=f"client@{address}", address=address))
        return self.clients[address]

    def ask(self, address: str, *, target: str = "", claims: Headers = ()) -> httpx.Response:
        """Ask as an administrator whom no limiter saw before; `target` is sent as it is written."""
        headers = [*self.administrator().items(), *claims]
        extensions = {"target": target.encode()} if target else {}
        return self.at(address).get(self.path, headers=headers, extensions=extensions)

    def let_in(self) -> httpx.Response:
        """Return what an administrator reads; ends the check where one is refused: other refusals would say nothing."""
        answer = self.ask(self.inside)
        if not answer.is_success:
            inconclusive(f"GET {self.path} from {self.inside}, which is declared, answers {answer.status_code}")
        return answer


@pytest.fixture
def door(security: SecuritySettings, auth: AuthSettings, client_as: Open, identities: IdentityPool) -> Door:
    """Return the guarded path; ends the check where clients cannot be told apart by address."""
    del auth
    if security.admin_path is None:
        not_applicable("[security] admin_path is not declared")
    elsewhere = identities.lease_anonymous(1)
    if (reason := shut_out(security, identities)) or not elsewhere:
        not_tested(reason or "every address that clients may have was used")
    networks = loopback_networks(security.admin_from)

    def administrator() -> dict[str, str]:
        (user,) = identities.lease(1)
        return dict(identities.claiming(user, **security.admin_claims).headers)

    return Door(security.admin_path, networks, elsewhere[0].address, client_as, administrator)


@check(
    "security.admin-allowed",
    title="administrators are let in from the declared addresses",
    severity="high",
    presupposes=("security.valid-accepted",),
    cwe=(284,),
    owasp=("API5:2023", "ASVS 8.2.1"),
)
def test_admin_allowed(door: Door) -> None:
    """An administrator is served from the first and the last address of each declared network."""
    for network in door.networks:
        for address in dict.fromkeys((str(network[0]), str(network[-1]))):
            status = door.ask(address).status_code
            assert status < 300, f"GET {door.path} by an administrator at {address} answers {status}"


PRESUPPOSED = ("security.admin-allowed",)


@check(
    "security.admin-token-required",
    title="an address alone makes no administrator",
    severity="critical",
    presupposes=PRESUPPOSED,
    cwe=(285, 306),
    owasp=("API5:2023", "ASVS 8.2.1"),
)
def test_admin_token_required(door: Door, security: SecuritySettings, identities: IdentityPool) -> None:
    """At an address that is let in, nobody and a user without the administrators' claims are refused."""
    client = door.at(door.inside)
    status = client.get(door.path).status_code
    assert status in REFUSED, f"GET {door.path} without a token answers {status}"
    if security.admin_claims:
        status = client.get(door.path, headers=dict(identities.lease(1)[0].headers)).status_code
        assert status in REFUSED, f"GET {door.path} by a user who is no administrator answers {status}"


@check(
    "security.admin-refused",
    title="administration is closed to other addresses",
    severity="critical",
    presupposes=PRESUPPOSED,
    cwe=(284, 290, 1389),
    owasp=("API5:2023", "ASVS 8.2.1"),
)
def test_admin_refused(door: Door, defects: Defects) -> None:
    """An administrator's token is refused from anywhere else.

    That is from a strange network, from the neighbours of each declared one, and from addresses that contain a declared
    one as text: 10.0.0.1 is part of 10.0.0.100.
    """
    door.let_in()
    for what, address in strangers(door):
        status = door.ask(address).status_code
        if status not in REFUSED | {404}:
            title = f"GET {door.path} from {what} answers {status}"
            defects.add(title, cause=what.replace(" ", "-"), operation=f"GET {door.path}", detail=f"from {address}")
    door.let_in()
    defects.none()


def strangers(door: Door) -> Iterator[tuple[str, str]]:
    """Yield addresses that are not declared, each with what makes it worth a try."""
    tried = [("a strange network", door.elsewhere), ("the machine itself", "127.0.0.1")]
    for network in door.networks:
        tried += [("the address before a network", str(network[0] - 1))]
        tried += [("the address after a network", str(network[-1] + 1))]
        tried += [("an address that looks like a declared one", address) for address in lookalikes(str(network[0]))]
    for what, address in tried:
        if not any(ip_address(address) in network for network in door.networks):
            yield what, address


def lookalikes(address: str) -> Iterator[str]:
    """Yield addresses with more digits in one part: they begin with, or contain, the text of the address or network."""
    parts = address.split(".")
    for place in (1, 2, 3):
        for more in ("0", "00", "9"):
            part = parts[place] + more
            if parts[place] != "0" and int(part) <= 255:
                yield ".".join([*parts[:place], part, *parts[place + 1 :]])


@check(
    "security.admin-spoof-ignored",
    title="a claimed address opens no administration",
    severity="critical",
    presupposes=("security.admin-refused",),
    cwe=(290, 348),
    owasp=("API5:2023", "ASVS 4.1.3", "ASVS 15.3.4"),
)
def test_admin_spoof_ignored(door: Door, defects: Defects) -> None:
    """An administrator's token is refused from elsewhere, whichever header claims an address that is let in.

    The proxies that a service trusts are not where this comes from: what a client writes itself is no evidence.
    """
    door.let_in()
    for what, claims in spoofs(door.inside, door.elsewhere):
        status = door.ask(door.elsewhere, claims=claims).status_code
        if not 400 <= status < 500:
            title = f"GET {door.path} with {what} answers {status}"
            defects.add(title, cause=f"believes-{claims[0][0].lower()}", operation=f"GET {door.path}")
    door.let_in()
    defects.none()


def spoofs(inside: str, elsewhere: str) -> Iterator[tuple[str, Headers]]:
    """Yield what to say about the sender's address (field notes B1 to B3, B5): where it is claimed, and how written."""
    for name in ADDRESS_HEADERS:
        yield f"a declared address in {name}", [(name, inside)]
    for value in (f"for={inside}", f'for="[::ffff:{inside}]"', f"for={elsewhere}, for={inside}"):
        yield "a declared address in Forwarded", [("Forwarded", value)]
    for what, value in {
        "a declared address leftmost": f"{inside}, {elsewhere}",
        "a declared address rightmost": f"{elsewhere}, {inside}",
        "a declared address within a chain": f"{elsewhere}, {inside}, 127.0.0.1",
        "a declared address before loopback": f"{inside}, 127.0.0.1",
        "a declared address, IPv4-mapped": f"::ffff:{inside}",
        "a declared address, IPv4-mapped, with a port": f"[::ffff:{inside}]:443",
        "a declared address with a port": f"{inside}:443",
        "a declared address among junk": f"unknown, {inside},",
        "loopback": "127.0.0.1",
        "loopback, IPv6": "::1",
    }.items():
        yield f"{what} in X-Forwarded-For", [("X-Forwarded-For", value)]
    for first, second in ((inside, elsewhere), (elsewhere, inside)):
        yield "two X-Forwarded-For", [("X-Forwarded-For", first), ("X-Forwarded-For", second)]
    yield "a declared address in every header", [(name, inside) for name in ADDRESS_HEADERS]


@check(
    "security.admin-spelling-refused",
    title="another spelling of the path opens no administration",
    severity="critical",
    presupposes=("security.admin-refused",),
    cwe=(178, 180),
    owasp=("API5:2023", "ASVS 8.2.1"),
)
def test_admin_spelling_refused(door: Door, defects: Defects) -> None:
    """No spelling of the guarded path is answered to other addresses with what administrators read."""
    reference = form(door.let_in())
    for what, target in spellings(door.path, str(door.at(door.elsewhere).base_url).rstrip("/")):
        answer = door.ask(door.elsewhere, target=target)
        if form(answer) == reference:
            title = f"{what} of {door.path} is served to other addresses"
            defects.add(title, cause=what.replace(" ", "-"), operation=f"GET {door.path}", detail=f"GET {target}")
    door.let_in()
    defects.none()


def form(answer: httpx.Response) -> tuple[int, str, list[str]]:
    """Return by what an answer of the same handler is known: status, media type, and the keys of a JSON object."""
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    body = answer.json() if answer.is_success and kind == "application/json" else None
    return answer.status_code, kind, sorted(body) if isinstance(body, dict) else []


def spellings(path: str, origin: str) -> Iterator[tuple[str, str]]:
    """Yield spellings that some server, proxy or router takes for the path (field notes B6)."""
    above, _, last = path.rpartition("/")
    yield "an upper-case spelling", path.upper()
    yield "a capitalised spelling", f"{above}/{last.capitalize()}"
    yield "a percent-encoded letter", f"{above}/%{ord(last[:1] or '/'):02x}{last[1:]}"
    yield "a percent-encoded spelling", "/".join("".join(f"%{ord(c):02X}" for c in part) for part in path.split("/"))
    yield "a percent-encoded slash", f"{above}%2f{last}"
    yield "a twice-encoded letter", f"{above}/%25{ord(last[:1] or '/'):02x}{last[1:]}"
    yield "a slash behind", f"{path}/"
    yield "a doubled slash in front", f"/{path}"
    yield "a doubled slash within", f"{above}//{last}"
    yield "a dot segment", f"{above}/./{last}"
    yield "a dot-dot segment", f"{above}/x/../{last}"
    yield "an encoded dot-dot segment", f"/x/%2e%2e{path}"
    yield "a path parameter", f"{path};a=b"
    yield "a path parameter within", f"{above};a=b/{last}"
    yield "a backslash", f"{above}\\{last}"
    yield "a space behind", f"{path}%20"
    yield "a NUL behind", f"{path}%00"
    yield "a query", f"{path}?a=/"
    yield "the absolute form", f"{origin}{path}"
