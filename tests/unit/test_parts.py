"""A document is taken apart by what its operations make and take, and by nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest
import schemathesis
from hypothesis import given
from hypothesis import strategies as st

from seatrial.fuzz import EngineProcess
from seatrial.fuzz._engine import load
from seatrial.fuzz._messages import Order, Source
from seatrial.fuzz._parts import MOST, divided, handed_out, may_run_at_once, orders_of, parts_of
from seatrial.openapi import operations_of
from seatrial.signin import Means, Token

PUBLISHED = Path(__file__).parents[2] / "contracts" / "openapi.json"
TEXT = {"type": "string"}


KNOWN = Means(who="user 1", source="$A", known="t")
SIGNING_IN = Means(who="user 1", source="[auth] command", command=["true"])


def answer(**fields: Any) -> dict[str, Any]:
    """Return a documented JSON answer with these fields."""
    schema = {"type": "object", "required": list(fields), "properties": fields}
    return {"description": "fine", "content": {"application/json": {"schema": schema}}}


def shop() -> dict[str, Any]:
    """Return customers, orders that name one, and two things that nobody else knows."""
    key = [{"name": "customer_id", "in": "path", "required": True, "schema": TEXT}]
    order = {"type": "object", "required": ["customer_id"], "properties": {"customer_id": TEXT}}
    body = {"required": True, "content": {"application/json": {"schema": order}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": {
            "/customers": {"post": {"responses": {"201": answer(id=TEXT, name=TEXT)}}},
            "/customers/{customer_id}": {"get": {"parameters": key, "responses": {"200": answer(id=TEXT, name=TEXT)}}},
            "/orders": {"post": {"requestBody": body, "responses": {"201": answer(id=TEXT, customer_id=TEXT)}}},
            "/weather": {"get": {"responses": {"200": answer(degrees=TEXT)}}},
            "/time": {
                "get": {"responses": {"200": answer(hours=TEXT)}},
                "put": {"responses": {"200": answer(set=TEXT)}},
            },
        },
    }


def taken_apart(document: dict[str, Any]) -> list[set[str]]:
    """Return the parts of a document."""
    schema: Any = schemathesis.openapi.from_dict(document)
    return [set(part) for part in parts_of(operations_of(document), schema.analysis.dependency_graph)]


def test_what_makes_and_takes_one_thing_stays_together() -> None:
    """An order needs a customer, although no path and no link says so; weather and time stand alone."""
    assert taken_apart(shop()) == [
        {"POST /customers", "GET /customers/{customer_id}", "POST /orders"},
        {"GET /time", "PUT /time"},
        {"GET /weather"},
    ]


def test_reference_document_is_taken_apart() -> None:
    """Nothing is lost or done twice, a resource's life is in one part, and there are as many parts as there may be."""
    document = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    parts, operations = taken_apart(document), operations_of(document)
    assert len(parts) == MOST
    assert sorted(label for part in parts for label in part) == sorted(operations)
    for word in ("analysis", "onboarding", "health"):
        labels = {label for label in operations if f"/{word}" in label}
        assert [labels <= part for part in parts].count(True) == 1, word


def test_nothing_is_left_behind_or_brought_along() -> None:
    """One thread, a seed, and neither examples nor answers of an earlier run: these alone decide what is sent."""
    schema = load(msgspec.structs.replace(order(1, 1), document=shop(), only=["GET /time"]))
    config, generation = schema.config, schema.config.generation
    assert (config.workers, config.seed, config.cache.enabled, generation.database) == (1, 1, False, "none")
    assert [result.ok().label for result in schema.get_all_operations()] == ["GET /time"]


def test_sets_have_one_order_in_every_run() -> None:
    """What is drawn from them would be another in each process."""
    process = EngineProcess("sets")
    try:
        child = psutil.Process(process._child.pid)  # noqa: SLF001 - the process itself
        deadline = time.monotonic() + 10
        while not (environment := child.environ()) and time.monotonic() < deadline:
            time.sleep(0.01)  # after a vfork Linux shows no environment for a moment
    finally:
        process.close()
    assert (environment["PYTHONHASHSEED"], environment["SEATRIAL_RUN"]) == ("0", "sets")


def order(identities: int, addresses: int, window_s: float = 5.0) -> Order:
    """Return an order with so many clients."""
    return Order(
        document={}, base_url="http://h", seed=1, examples=1, by_address="http://h", uses=1, most=1, window_s=window_s,
        identities=[(f"user {number}", {}) for number in range(identities)],
        addresses=[f"127.0.0.{number}" for number in range(addresses)], limited=[429], budget_s=1,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given_to", "at_once"),
    [(order(9, 9), True), (order(2, 9), False), (order(9, 0), False), (order(1, 0, window_s=0.0), True)],
)
def test_parts_that_share_a_limited_client_wait_for_each_other(given_to: Order, at_once: bool) -> None:
    """Who counts for whom is known in one process alone; where nothing is limited it does not matter."""
    operations = operations_of(shop())
    orders = orders_of(given_to, [tuple(part) for part in taken_apart(shop())], operations)
    assert may_run_at_once(orders) is at_once
    if at_once and given_to.window_s:
        assert [name for each in orders for name in each.identities] == given_to.identities
        assert [name for each in orders for name in each.addresses] == given_to.addresses
        assert len(orders[0].identities) > len(orders[-1].identities)
    else:
        assert {len(each.identities) for each in orders} == {len(given_to.identities)}


@pytest.mark.parametrize(("means", "at_once"), [(KNOWN, True), (SIGNING_IN, False)], ids=["known", "renewed"])
def test_parts_that_renew_tokens_know_everybody(means: Means, at_once: bool) -> None:
    """Who signs in anew may end the token before: one process renews them all; a known one is nobody's to renew."""
    sources = {"user 1": Source(means=means, token=Token(value="t"))}
    given_to = msgspec.structs.replace(order(9, 9), sources=sources)
    orders = orders_of(given_to, [tuple(part) for part in taken_apart(shop())], operations_of(shop()))
    assert may_run_at_once(orders) is at_once
    assert all(each.identities == given_to.identities for each in orders) is not at_once


@given(items=st.lists(st.integers(), max_size=50), weights=st.lists(st.integers(1, 99), min_size=1, max_size=6))
def test_everything_is_divided(items: list[int], weights: list[int]) -> None:
    """No share is empty where there is enough, and all together are what there was."""
    shares = divided(items, weights)
    assert len(shares) == len(weights)
    if len(items) >= len(weights):
        assert [item for share in shares for item in share] == items
        assert all(shares)


@given(weights=st.lists(st.integers(1, 99), max_size=20), hands=st.integers(1, 6))
def test_nobody_has_much_more_to_do(weights: list[int], hands: int) -> None:
    """Everything is handed out once, and the last thing that anybody got went to who had least then."""
    given_to = handed_out(weights, hands)
    assert sorted(number for each in given_to for number in each) == list(range(len(weights)))
    loads = [sum(weights[number] for number in each) for each in given_to]
    assert all(load - weights[each[-1]] <= min(loads) for load, each in zip(loads, given_to, strict=True))


COPIES = """
import json, os, sys
from seatrial.fuzz._copies import run_in_copies

def writes(letter, ending):
    def job(out):
        for number in range(200):
            out.write(json.dumps({"by": letter, "number": number, "text": letter * 70_000}).encode() + b"\\n")
        return {"ends": lambda: True, "fails": lambda: False, "dies": lambda: os.kill(os.getpid(), 9)}[ending]()
    return job

sys.exit(not run_in_copies([writes("a", "ends"), writes("b", sys.argv[1])], sys.stdout.buffer))
"""


@pytest.mark.parametrize("ending", ["ends", "fails", "dies"])
def test_copies_write_whole_lines(ending: str) -> None:
    """However long they are, each line is of one copy, in its order; one that does not come to its end is told."""
    done = subprocess.run([sys.executable, "-c", COPIES, ending], capture_output=True, check=False, timeout=60)
    assert done.returncode == (ending != "ends"), done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines(keepends=True) if line.endswith(b"\n")]
    assert all(set(line["text"]) == {line["by"]} for line in lines)
    assert [line["number"] for line in lines if line["by"] == "a"] == list(range(200))
    written = [line["number"] for line in lines if line["by"] == "b"]
    assert written == list(range(200 if ending != "dies" else len(written)))
