"""Whom requests are sent as: people that the caller named, and addresses that this machine can send from."""

from __future__ import annotations

import ipaddress
import random
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from seatrial.core import UsageError

MOST = 64


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks, and with which headers: the same user with another token, and users of one organisation, are told."""

    user: str = ""
    organisation: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def people(named: Sequence[str]) -> list[Person]:
    """Read `USER[@ORGANISATION]=Header: value`, each a person; raises UsageError."""
    return [_person(text) for text in named]


def _person(text: str) -> Person:
    who, equals, header = text.partition("=")
    name, value = read_header(header)
    user, _, organisation = who.partition("@")
    if not (equals and user):
        raise _unclear(text.partition(":")[0])
    return Person(user, organisation, {name: value})


def read_header(text: str) -> tuple[str, str]:
    """Return name and value of `Name: value`; raises UsageError."""
    name, colon, value = (part.strip() for part in text.partition(":"))
    whole = f"{name}{value}"
    if not (colon and name and whole.isprintable() and whole.isascii()) or " " in name:
        raise _unclear(name)
    return name, value


def _unclear(shown: str) -> UsageError:
    return UsageError(
        f"{shown!r} names no header",
        slug="header-invalid",
        where="--header or --identity",
        remedy="write --header 'Name: value', or --identity USER='Authorization: Bearer TOKEN'",
    )


def addresses(pool: str, *, seed: int) -> list[str]:
    """Return addresses of a pool that this machine can send from, in an order of their own; raises UsageError."""
    if not pool:
        return []
    try:
        network = ipaddress.ip_network(pool, strict=False)
    except ValueError as error:
        raise _unusable(pool, str(error)) from error
    spare = 2 if network.num_addresses > 2 else 0  # noqa: PLR2004 - the network's own address and its broadcast
    size = network.num_addresses - spare
    numbers = random.Random(seed).sample(range(min(size, 2**32)), min(size, MOST))  # noqa: S311 - repeatable
    found = [str(network[number + spare // 2]) for number in numbers]
    _bind(pool, found[0])
    return found


def _bind(pool: str, address: str) -> None:
    try:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
            probe.bind((address, 0))
    except OSError as error:
        raise _unusable(pool, f"cannot send from {address}: {error.strerror}") from error


def _unusable(pool: str, why: str) -> UsageError:
    return UsageError(
        f"{pool!r} is no pool of addresses here: {why}",
        slug="address-pool-invalid",
        where="--address-pool",
        remedy="on Linux any part of 127.0.0.0/8 will do for a server on this machine, such as 127.20.0.0/16",
    )
