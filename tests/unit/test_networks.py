"""Clients that a proxy reports: whose addresses they have, how that is written, and when they are not tried."""

from __future__ import annotations

import asyncio
import random
from ipaddress import IPv6Address, IPv6Network, ip_network

import pytest
from promises import PROMISES
from pydantic import ValidationError

from seatrial.config import LimitSettings
from seatrial.core import Outcome, Target
from seatrial.http import AddressPool
from seatrial.throttle import Answer, Policy, Wire, plan_proof, schedule
from seatrial.throttle._ledger import Ledger
from seatrial.throttle._networks import fresh_address, of_network
from seatrial.throttle._outcomes import judge_outcome
from seatrial.throttle._prove import _beside
from seatrial.throttle._step import Step

DOCUMENTATION = IPv6Network("2001:db8::/32")


def policy(**changed: object) -> Policy:
    """Return a policy whose service trusts a proxy."""
    settings = {
        **PROMISES,
        "quota": 3,
        "window_s": 10.0,
        "algorithm": "fixed-window",
        "path": "/a",
        "proxy": "127.0.0.9",
    }
    return Policy.declared(LimitSettings.model_validate({**settings, **changed}), {})


def network_of(address: str) -> IPv6Network:
    """Return the network that is one customer's."""
    return IPv6Network((address, 64), strict=False)


def test_nobody_else_and_no_earlier_proof_has_its_networks() -> None:
    """A thousand addresses are of a thousand networks, all of them for documentation, and others the next time."""
    found = [fresh_address() for _ in range(1000)]
    assert len({network_of(address) for address in found}) == 1000
    assert all(IPv6Address(address) in DOCUMENTATION for address in found)


def test_another_address_is_of_the_same_network_and_far_from_the_first() -> None:
    """Each request has another one, which shares 64 bits with its client's, and hardly any more."""
    address, source = fresh_address(), random.Random(1)  # noqa: S311 - repeatable
    shapes = [of_network(address).write(policy(), source) for _ in range(100)]
    others = [dict(shape.extra)["X-Forwarded-For"] for shape in shapes]
    assert len({address, *others}) == 101
    assert {network_of(other) for other in others} == {network_of(address)}
    assert len({ip_network((other, 80), strict=False) for other in others}) > 90
    assert {(shape.method, shape.path, shape.body) for shape in shapes} == {("GET", "/a", None)}


def steps(declared: Policy, *, addresses: int = 2) -> list[Step]:
    """Return the steps that a proof has for clients of a proxy."""
    made = schedule(declared, plan_proof(declared, budget_s=90, addresses=addresses))
    return [step for step in made.steps if "network-bounded" in step.claims]


def test_two_networks_are_scheduled() -> None:
    """One is used up and comes again from another address, between two looks; the other one shows who is believed."""
    (step,) = steps(policy())
    assert [(visit.client.name, visit.requests) for visit in step.visits] == [
        ("network 1 by 127.0.0.9", 6),
        ("network 2 by 127.0.0.9", 1),
        ("network 1 by 127.0.0.9", 3),
    ]
    assert {client.kind for client in step.clients} == {"reported"}
    assert step.after == "addresses"


def test_each_proxy_has_networks_of_its_own() -> None:
    """Of several proxies each one is asked through, as clients that no other one has."""
    (step,) = steps(policy(proxy=("127.0.0.9", "127.0.0.10")))
    assert [client.via for client in step.clients] == ["127.0.0.9"] * 2 + ["127.0.0.10"] * 2
    assert len({client.name for client in step.clients}) == 4
    assert policy(proxy="127.0.0.9").settings.proxy == ("127.0.0.9",)


def test_without_a_proxy_or_addresses_nothing_is_scheduled() -> None:
    """Nobody who does not declare a proxy is asked as one, and who has one address cannot be two."""
    assert steps(policy(proxy="")) == steps(policy(anonymous_by="none")) == steps(policy(), addresses=0) == []


@pytest.mark.parametrize(
    ("url", "relay", "tried"),
    [
        ("http://192.0.2.1:9", "", False),
        ("http://192.0.2.1:9", "http://127.0.0.1:9", True),
        ("http://127.0.0.1:9", "", True),
    ],
)
def test_a_loopback_address_is_no_proxy_of_another_machine(url: str, relay: str, tried: bool) -> None:
    """What is asked elsewhere has no such proxy, but by a relay: that is not tested, and why, and not scheduled."""
    declared = policy()
    plan = _beside(plan_proof(declared, budget_s=90, addresses=2), Target(url=url, by_address=relay))
    outcome, reason = judge_outcome("network-bounded", declared, plan, Ledger(), "")
    assert (outcome is not Outcome.NOT_TESTED) is tried
    assert tried or reason == "a loopback address is no proxy of another machine"
    assert ("network-bounded" in schedule(declared, plan).claims) is tried


@pytest.mark.parametrize("proxy", ["10.0.0.1", "127.7.7.7", "::1", "localhost"])
def test_a_proxy_has_an_address_that_no_client_has(proxy: str) -> None:
    """Clients with addresses of their own come from all of 127.0.0.0/8 but the first network, which is for servers."""
    with pytest.raises(ValidationError, match="proxy"):
        policy(proxy=proxy)
    assert not {*policy(proxy="127.0.0.9").settings.proxy} & {*AddressPool("loopback", seed=1).lease(1000)}


def sent(extra: tuple[tuple[str, str], ...]) -> tuple[str, Answer]:
    """Return what a client of a proxy sends, and the answer that is kept."""

    async def talk() -> tuple[str, Answer]:
        heads: list[bytes] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            wire = Wire(url, name="n", headers={"Authorization": "x"}, address="127.0.0.9", reported="2001:db8::1")
            answer = await wire.send("GET", "/", extra)
            await wire.close()
        return heads[0].decode(), answer

    return asyncio.run(talk())


@pytest.mark.parametrize(
    ("extra", "kept"),
    [
        ((), (("X-Forwarded-For", "2001:db8::1"),)),
        ((("Origin", "x"),), (("X-Forwarded-For", "2001:db8::1"), ("Origin", "x"))),
        ((("x-forwarded-for", "2001:db8::2"),), (("x-forwarded-for", "2001:db8::2"),)),
    ],
)
def test_what_a_proxy_reports_is_sent_and_shown(
    extra: tuple[tuple[str, str], ...], kept: tuple[tuple[str, str], ...]
) -> None:
    """Each request has the address once, a variant in place of the usual one; it is no secret of its client."""
    head, answer = sent(extra)
    assert head.lower().count("x-forwarded-for: ") == 1
    assert all(f"{name}: {value}\r\n" in head for name, value in kept)
    assert (answer.extra, answer.secret) == (kept, ("Authorization",))
