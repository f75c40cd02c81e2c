"""A line for a shell that shows a defect again, made of turns: what is sent, how often, how long after the turn before.

How long is counted from the beginning of that turn, as to start curl takes a while: `sleep 4.5 & ...; wait; ...`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal
from urllib.parse import urlsplit

from seatrial.core import Exchange, curl_for
from seatrial.core.curl import header_for, target_of
from seatrial.core.marks import MARK
from seatrial.throttle._wire import Answer

Way = Literal["in turn", "at once", "in one write", "going on", "as told", "timed", "beside"]
"""One after the other; over as many connections; on one, in one go; one after the other, and then again and again;
after as many seconds as the answer before says; with status and seconds in place of the answer; the last one, timed,
while the first one is sent again and again."""

HELD_S = 2
"""How long a connection is held open for answers to what was written in one go."""

LATE_S = 0.1
"""By so much longer than a window does a line wait for its end: to start curl takes a moment, now more and now less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Requests that are sent so many times, `after_s` seconds after the turn before began, or when `told` is done.

    Who is `going on` does so for `lasts_s` seconds, counted from the first one, with `pause_s` in between.
    """

    answers: tuple[Answer, ...] = ()
    times: int = 1
    way: Way = "in turn"
    after_s: float = 0.0
    lasts_s: float = 0.0
    pause_s: float = 0.0
    told: str = ""


Turns = tuple[Turn, ...]


def drained(answers: Sequence[Answer], times: int) -> Turns:
    """Return the turns that show most defects: a quota is used up, and then comes what shows it."""
    first, last = answers[0], answers[-1]
    loop = Turn(answers=(first,), times=times)
    return (loop,) if _same(first, last) else (loop, Turn(answers=(last,)))


def _same(one: Answer, other: Answer) -> bool:
    """Return whether two requests of one client were alike."""
    return (one.client, one.method, one.path, one.extra, one.sent_body) == (
        other.client, other.method, other.path, other.extra, other.sent_body
    )  # fmt: skip


def line(turns: Turns, shown: Mapping[Answer, Exchange]) -> str:
    """Return the line; where more than one token is needed, it says before each turn which one."""
    tokens = list(dict.fromkeys(_user(shown[a]) for turn in turns for a in turn.answers if a.secret))
    parts, before = [], ""
    for turn, after in zip_longest(turns, turns[1:]):
        exchanges = [shown[answer] for answer in turn.answers]
        whose = next((_user(exchange) for exchange in exchanges if MARK.search(str(exchange.request))), before)
        parts += [_token(tokens.index(whose))] if whose != before and len(tokens) > 1 else []
        parts += [_waiting(_command(turn, exchanges), after.after_s if after else 0.0)]
        before = whose
    return "; ".join(parts)


def _token(number: int) -> str:
    return f'TOKEN="${("FIRST", "SECOND")[number]}_TOKEN"'


def _user(exchange: Exchange) -> str:
    """Return whose token it has: a client who comes from another address has the same one."""
    return exchange.identity.partition("@")[0]


def _waiting(command: str, seconds: float) -> str:
    return f"sleep {seconds:.2f} & {command}; wait" if seconds else command


def _command(turn: Turn, exchanges: Sequence[Exchange]) -> str:
    """Return what a turn does."""
    told = [f"read -rp {shlex.quote(f'{turn.told}, then press Enter')}"] if turn.told else []
    return "; ".join([*told, *([WAYS[turn.way](turn, exchanges)] if exchanges else [])])


def _in_turn(turn: Turn, exchanges: Sequence[Exchange]) -> str:
    each = "; ".join(map(curl_for, exchanges))
    return each if turn.times == 1 else f"for i in $(seq {turn.times}); do {each}; done"


def _at_once(turn: Turn, exchanges: Sequence[Exchange]) -> str:
    """Open as many connections as there are requests: one curl is quicker at that than many are to start."""
    words, url = curl_for(exchanges[0]).rsplit(" ", 1)
    (plain,) = shlex.split(url)
    urls = shlex.quote('url = "{}"'.format(re.sub(r'(["\\])', r"\\\1", plain)))
    return f"yes {urls} | head -n {turn.times} | {words} -sZ --parallel-immediate --parallel-max {turn.times} -K -"


def _in_one_write(turn: Turn, exchanges: Sequence[Exchange]) -> str:
    """Write requests to a plain connection; over TLS the same are sent at once instead."""
    request = exchanges[0].request
    parts = urlsplit(request.url)
    if parts.scheme == "https":
        return _at_once(turn, exchanges)
    length = [("Content-Length", str(len(request.body.encode())))] if request.body else []
    headers = [("Host", parts.netloc), *request.headers, *length]
    lines = [f"{request.method} {target_of(request.url)} HTTP/1.1", *(header_for(*h) for h in headers)]
    text = "\r\n".join(lines) + f"\r\n\r\n{request.body}"
    escaped, marks = MARK.subn("%s", text.replace("\\", "\\\\").replace("%", "%%").replace("\r\n", r"\r\n"))
    # A word more for each request, of which nothing is written: printf goes on as long as there are words.
    words = f'$(yes "${{TOKEN:-none}}" | head -n {turn.times * (marks + 1)})'
    written = f"printf {shlex.quote(f'{escaped}%.0s')} {words}"
    return f"{written} | curl -s -m {HELD_S} telnet://{parts.hostname}:{parts.port or 80}"


def _going_on(turn: Turn, exchanges: Sequence[Exchange]) -> str:
    again = f"while kill -0 $! 2>/dev/null; do {curl_for(exchanges[-1])}; sleep {turn.pause_s:.3f}; done"
    return f"sleep {turn.lasts_s:.2f} & {_in_turn(turn, exchanges[:1])}; {again}"


def _as_told(_turn: Turn, exchanges: Sequence[Exchange]) -> str:
    curl = curl_for(exchanges[-1])
    return f"sleep $({curl} | grep -i '^retry-after:' | tr -dc 0-9); {curl}"


def _timed(turn: Turn, exchanges: Sequence[Exchange]) -> str:
    return _in_turn(turn, exchanges).replace("curl -i ", r"curl -so /dev/null -w '%{http_code} %{time_total}\n' ")


def _beside(turn: Turn, exchanges: Sequence[Exchange]) -> str:
    noise, quiet = curl_for(exchanges[0]), _timed(turn, exchanges[1:])
    return f"while :; do {noise}; done >/dev/null 2>&1 & {quiet}; kill $!"


WAYS: Mapping[Way, Callable[[Turn, Sequence[Exchange]], str]] = {
    "in turn": _in_turn,
    "at once": _at_once,
    "in one write": _in_one_write,
    "going on": _going_on,
    "as told": _as_told,
    "timed": _timed,
    "beside": _beside,
}
