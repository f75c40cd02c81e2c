"""What the contract's matrix is made of: what a document promises of an operation, and how often which of it came."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Documented:
    """A documented operation with its answers, each by status and media type (empty: no body), and its inputs.

    What is in `apart` are those statuses that no request brings about by itself: a limiter's, and the service's own
    faults. `beyond` says why this run has no means to have the operation served, empty where it has. `secured`: it
    wants credentials.
    """

    operation: str
    answers: tuple[tuple[str, str], ...] = ()
    inputs: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    beyond: str = ""
    secured: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How often an operation was answered so.

    `operation` is its label, or the method and path of requests. `valid` are the inputs that these requests held and
    the service accepted, `invalid` those for which it refused them, as far as that is known. `caller` is who
    sent them, as `caller_of` has it (empty: not known).
    """

    operation: str
    status: int
    media: str = ""
    valid: tuple[str, ...] = ()
    invalid: tuple[str, ...] = ()
    count: int = 1
    caller: str = ""


def media_type(value: str) -> str:
    """Return a media type without its parameters, as the matrix has it."""
    return value.partition(";")[0].strip().lower()
