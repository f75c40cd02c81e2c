"""What the suite sends besides a proof: checks that ask as ordinary clients do, out of the same budget."""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.throttle._policy import BEYOND, Beside, Policy

OPERATIONS = 8
"""An eighth of a limit's budget is for its operations: only the service's document tells how many there are."""

BATCHES = 3
"""So often are batches handed in, where they did not fit into a window."""

LOOKS, TROUBLES, POLLS = 6, 2, 100
"""Clients that ask while the store is in one of its troubles; how often it is looked whether that is over."""

STORE = "store-down"


def refusals(policy: Policy, *, operations: bool, pages: bool) -> Iterator[Beside]:
    """Yield the checks of how a service refuses: whatever is asked for, also to web pages, and for nobody else."""
    usual, most = policy.quota + 1, most_until_refused(policy)
    if operations:
        budget = max(most, policy.settings.max_requests // OPERATIONS)
        yield Beside(
            claim="operations-limited", what="until refused, then each operation once", requests=usual, most=budget
        )
    if pages:
        what = "until refused, and as many preflights"
        yield Beside(claim="rejection-readable", what=what, requests=usual + policy.ramp, most=most + policy.ramp)
    yield Beside(claim="rejection-uncached", what="until refused", requests=usual, most=most)


def most_until_refused(policy: Policy) -> int:
    """Return after how many requests in one window a fresh client is refused at the latest, and a few more."""
    windows = 2 if policy.settings.anchor == "clock" else 1
    return windows * policy.at_most(policy.window_s) + BEYOND


def batches(policy: Policy) -> Beside:
    """Return the check of what a batch costs."""
    times = policy.quota // min(policy.settings.batch_most, policy.quota) + 1
    return Beside(claim="batch-counted", what="batches, until refused", requests=times, most=BATCHES * times)


def outages(policy: Policy) -> Beside:
    """Return the check that stops the store, and freezes it."""
    what = f"while {policy.settings.store} is stopped, while it is frozen, and afterwards"
    usual, most = (1 + TROUBLES * (LOOKS + after) for after in (LOOKS, POLLS))
    return Beside(claim=STORE, what=what, requests=usual, most=most)
