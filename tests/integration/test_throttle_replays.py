"""The line of a refutation, run by a shell: it shows what the defective limiter does, and nothing of a sound one."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial

import pytest
from proving import QUOTA, limit, run, serving, told

from seatrial.core import Finding, Target

Shows = Callable[[Sequence[int], str], bool]
"""Whether statuses, and everything else that was printed, show a defect."""


def other_than(quota: int) -> Shows:
    """Return whether another number of requests is admitted."""
    return lambda statuses, _: statuses.count(200) != quota


def admitted_again(statuses: Sequence[int], _: str) -> bool:
    """Return whether a client is admitted that was refused just before."""
    return 429 in statuses and statuses[-1] == 200


def refused_at_last(statuses: Sequence[int], _: str) -> bool:
    """Return whether the last one is refused."""
    return statuses[-1] == 429


def never_refused(statuses: Sequence[int], _: str) -> bool:
    """Return whether nothing is refused."""
    return len(statuses) > QUOTA and 429 not in statuses


def says(pattern: str) -> Shows:
    """Return whether an answer says something."""
    return lambda _, printed: bool(re.search(pattern, printed))


def kept_waiting(statuses: Sequence[int], printed: str) -> bool:
    """Return whether nothing is refused, and the last but one takes longer than the first of another client."""
    seconds = [float(found) for found in re.findall(r"^200 ([0-9.]+)$", printed, re.MULTILINE)]
    return never_refused(statuses, printed) and seconds[-2] > 3 * seconds[-1]


ROWS: list[tuple[str, str, Shows]] = [
    # what a developer did wrong, the cause of the finding, and what its line shows
    ("off-by-one", "too-many-admitted", other_than(QUOTA)),
    ("one-too-few", "too-few-admitted", other_than(QUOTA)),
    ("race", "too-many-admitted", other_than(QUOTA)),
    ("same-tick", "too-few-admitted", other_than(QUOTA)),
    ("queues", "queued", kept_waiting),
    ("status-503", "status-503", lambda statuses, _: 503 in statuses),
    ("limit-untrue", "limit-untrue", says(f"X-RateLimit-Limit: {QUOTA + 1}")),
    ("retry-zero", "retry-after-too-short", refused_at_last),
    ("retry-missing", "retry-after-missing", lambda _, printed: "Retry-After" not in printed),
    ("later-one-more", "second-window-differs", other_than(2 * QUOTA)),
    ("never-resets", "window-too-long", other_than(2 * QUOTA)),
    ("window-short", "window-too-short", lambda statuses, _: statuses[-1] == 200),
    ("extends", "window-prolonged", refused_at_last),
    ("refusals-prolong", "refusals-cost", refused_at_last),
    ("exempt-limited", "exempt-limited", refused_at_last),
    ("exempt-counted", "exempt-counted", refused_at_last),
    ("uncounted-404", "uncounted-404", never_refused),
    ("errors-twice", "error-costs-more", lambda statuses, _: len(statuses) - statuses.count(429) < QUOTA),
    ("addresses-share", "shared-by-addresses", refused_at_last),
    ("anonymous-unlimited", "unlimited", never_refused),
    ("global", "global-bucket", refused_at_last),
    ("forwarded-for-trusted", "x-forwarded-for", admitted_again),
    ("real-ip-trusted", "sibling-header:x-real-ip", admitted_again),
    ("ipv6-by-address", "address-of-network", admitted_again),
    ("agent-in-key", "client-trait", admitted_again),
    ("host-exempt", "exemption-too-wide", admitted_again),
    ("fragment-in-key", "path-spelling", admitted_again),
    ("by-token", "another-token", admitted_again),
    ("user-and-address", "another-address", admitted_again),
]
OTHERS = ("first.org/1/valid", "second.other/1/valid")
TOKENS = {"by-token": ("first.org/1/valid", "first.org/2/valid"), "global": OTHERS, "queues": OTHERS}


def played(line: str, tokens: Sequence[str]) -> tuple[list[int], str]:
    """Run a line as people do, with tokens that nobody used; return the statuses of the answers and all of it."""
    words: Mapping[str, str] = dict(zip(("TOKEN", "SECOND_TOKEN"), (tokens[0], tokens[-1]), strict=True))
    environment = {**os.environ, "NO_PROXY": "*", **words, "FIRST_TOKEN": tokens[0]}
    done = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, timeout=60, check=False, env=environment
    )
    return [int(found) for found in re.findall(r"(?:HTTP/1\.1 |^)(\d{3}) ", done.stdout, re.MULTILINE)], done.stdout


def finding(target: Target, cause: str, **changed: object) -> Finding:
    """Prove a policy, and return the one finding of a cause."""
    evidence = run(target, limit(**changed))
    found = [each for result in evidence.results for each in result.findings if each.cause == cause]
    assert found, told(evidence)
    return found[0]


@pytest.mark.parametrize(("fault", "cause", "shows"), ROWS, ids=[fault for fault, *_ in ROWS])
def test_a_line_shows_the_defect_and_nothing_of_a_sound_limiter(
    fault: str, cause: str, shows: Shows, require: Callable[[str], str]
) -> None:
    """What a reviewer copies from the page is the refutation: what a sound limiter does too is none."""
    require("curl")
    window_s = 2.5
    with ExitStack() as stack:
        broken, sound = (stack.enter_context(serving(*traits, window_s=window_s)) for traits in ((fault,), ()))
        line = finding(broken, cause, window_s=window_s).replay
        tokens = TOKENS.get(fault, (f"{fault}.o/9/valid",))
        assert shows(*played(line, tokens)), line
        assert not shows(*played(line.replace(broken.url, sound.url).replace(_port(broken), _port(sound)), tokens)), (
            line
        )


def _port(target: Target) -> str:
    return target.url.rpartition(":")[2]


def test_a_bucket_shows_what_asking_on_costs() -> None:
    """A bucket gives something back while its client goes on asking, and a line about it goes on as long.

    It takes two seconds to give one back: no curl is so late that the client did not ask meanwhile.
    """
    settings = {"algorithm": "token-bucket", "quota": 2, "window_s": 4.0, "headers": "none"}
    bucket = partial(serving, "bucket", quota=2, window_s=4.0)
    with bucket("refusals-cost") as broken, bucket() as sound:
        line = finding(broken, "refusals-cost", **settings).replay
        after = [played(each, ("u.o/9/valid",))[0] for each in (line, line.replace(broken.url, sound.url))]
    refused = [statuses[statuses.index(429) :] for statuses in after]
    assert 200 not in refused[0], line
    assert 200 in refused[1], line
