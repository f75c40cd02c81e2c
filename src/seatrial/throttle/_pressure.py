"""What a proof sends to see that a limit holds under pressure, and that what is refused presses nobody else.

quota --> cost (refused and admitted in turn) --> noise (a client that asks on, now and then) --> volley --> load

One after the other, and everything else later: the first two measure how long answers take.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from seatrial.core import Severity
from seatrial.throttle._author import Author
from seatrial.throttle._step import Client, Step, Visit

PRESSURE: Mapping[str, Severity] = {
    "refusals-cheap": Severity.MEDIUM,
    "noise-bounded": Severity.MEDIUM,
    "burst-exact": Severity.HIGH,
    "load-exact": Severity.HIGH,
}
"""The claims of these steps, by severity."""

PAIRS = 200
"""So many times are a refused and an admitted request compared: two of three alike are certain."""

NOISY_PAIRS = 80
"""So many times are a client's answers compared, with the noise and without: four of five alike are certain."""

NOISE, NOISE_S = 50, 4.0
"""So many refusals a pair are asked for at the most, in all pairs together, and how long that is expected to take."""

LOUD = 300
"""So often was a noisy client refused before anything is compared: some limiters lose their patience."""

AT_ONCE, UNDER_LOAD = 240, 120
"""So many connections ask in one moment, and while the service has all it can do besides."""

LOAD_PER_S, LOAD_S, IN_FLIGHT = 1000, 6.0, 64
"""Arrivals a second, for how long at the most, and how many of them at a time: further ones are turned away."""


def pressure(author: Author) -> Iterator[Step]:
    """Yield the steps, each after the one before."""
    yield _cost(author)
    yield _noise(author)
    if not author.plan.no_quota:
        yield _volley(author)
    if not (author.plan.no_quota or author.plan.no_load):
        yield _load(author)


def _cost(author: Author) -> Step:
    """Compare the time that a refusal takes with that of an answer."""
    refused = author.user()
    asked = Visit(client=refused, what="compared", requests=PAIRS)
    visits = (author.ramp(refused, "until refused"), asked, _served(author, "compared with", PAIRS))
    return Step(name="cost", claims=("refusals-cheap",), after="quota", visits=visits, refusals=True)


def _noise(author: Author) -> Step:
    """Compare a client's answers while another one goes on asking with those while it is silent."""
    noisy = author.user()
    asks_on = Visit(
        client=noisy, what="goes on asking", requests=NOISE * NOISY_PAIRS, over=NOISE_S / author.policy.window_s
    )
    quiet = _served(author, "with noise, and without", 3 * NOISY_PAIRS, alone=True)
    visits = (author.ramp(noisy, "until refused"), asks_on, quiet)
    return Step(name="noise", claims=("noise-bounded",), after="cost", visits=visits, refusals=True)


def _served(author: Author, what: str, count: int, *, alone: bool = False) -> Visit:
    """Return what is sent as clients that stay within their quotas; the first request of each is not compared."""
    quota, kind = author.policy.quota, "addresses" if author.plan.no_users else "users"
    clients = -(-count // max(1, quota - 1))
    who = f"{clients:,} quiet {kind}" if alone else f"{clients:,} {kind} within their quota"
    return Visit(client=Client(name=who, kind="crowd"), what=what, requests=count + clients * (quota > 1))


def _volley(author: Author) -> Step:
    """Ask over many connections in one moment."""
    return Step(name="volley", claims=("burst-exact",), after="noise", visits=tuple(_at_once(author, AT_ONCE)))


def _load(author: Author) -> Step:
    """Do the same while a load scenario has the service answer as fast as it can."""
    crowd = Client(name=f"users of [load.{author.plan.load}]", kind="crowd")
    most = int(LOAD_PER_S * LOAD_S)
    hammer = Visit(client=crowd, what="hammer it", requests=most, over=LOAD_S / author.policy.window_s)
    return Step(name="load", claims=("load-exact",), after="volley", visits=(hammer, *_at_once(author, UNDER_LOAD)))


def before(quota: int) -> int:
    """Return how much of a quota is used up before the rest is asked for at once, many times over."""
    return max(0, quota - AT_ONCE // 4)


def _at_once(author: Author, count: int) -> Iterator[Visit]:
    user, first = author.user(), before(author.policy.quota)
    if first:
        yield Visit(client=user, what="one by one", requests=first)
    yield Visit(client=user, what="all in one moment", requests=count)
