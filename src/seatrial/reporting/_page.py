"""ratelimit/<policy>.html: one page of a policy for a reviewer, self-contained, to be read on paper too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TextIO

from seatrial.record import Record
from seatrial.reporting._html import environment
from seatrial.reporting._timeline import draw, runs

TELLING = ("ratelimit", "retry-after")
DULL = frozenset({"content-type"})
SHOWN = 12
"""So many answers stand in the table of headers where nothing is wrong; all of them are in ratelimit.json."""


def write_page(record: Record, stream: TextIO, *, policy: str, limits: dict[str, Any]) -> None:
    """Write the page of one policy: what was not tested, then claims with what shows them."""
    facts = next(found for found in limits["policies"] if found["policy"] == policy)
    page = environment().get_template("ratelimit.html.j2")
    stream.write(
        page.render(
            limits=limits,
            facts=facts,
            started=record.started,
            exchanges={exchange["id"]: exchange for exchange in facts["exchanges"]},
            asked=asked,
            told=told,
            headers=telling_rows(facts["headers"]),
            drawing=draw(facts["timeline"], facts["window_s"]),
            runs=runs,
        )
    )


def asked(exchange: dict[str, Any]) -> list[str]:
    """Return what a request said beside the usual: who asks is a column of its own."""
    headers = exchange["request"]["headers"]
    return [f"{name}: {value}" for name, value in headers if name.lower() not in DULL and "{{secret:" not in value]


def told(exchange: dict[str, Any]) -> list[str]:
    """Return what an answer said about limits."""
    headers = exchange["response"]["headers"] if exchange["response"] else ()
    return [f"{name}: {value}" for name, value in headers if any(word in name.lower() for word in TELLING)]


def telling_rows(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the rows that say something: the first ones, where the status turns, what is untrue, the last one."""
    turns = {n for n in range(1, len(rows)) if rows[n]["status"] != rows[n - 1]["status"]}
    wrong = [n for n, row in enumerate(rows) if row["untrue"]]
    kept = sorted({0, 1, len(rows) - 1, *turns, *(n - 1 for n in turns), *wrong[:SHOWN]} & set(range(len(rows))))
    names = dict.fromkeys(name for row in rows for name in (*row["said"], *row["untrue"]))
    return {
        "names": list(names),
        "rows": [rows[n] for n in kept],
        "all": len(rows),
        "wrong": {name: sum(name in row["untrue"] for row in rows) for name in names},
    }
