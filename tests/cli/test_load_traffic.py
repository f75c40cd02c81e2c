"""`seatrial load` on a service of which nothing is declared: from its document, or from a recording."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from shop_service import KEYS, Shop, opened

Product = Callable[..., subprocess.CompletedProcess[str]]
OFTEN = ("--rate", "48/s", "--duration", "1s", "--seed", "7")
READS = {
    "GET /items", "GET /items/{itemId}", "GET /items/{itemId}/reviews", "GET /sizes/{size}", "GET /start",
    "GET /offers/{code}",
}  # fmt: skip
TOKEN = "secret-of-the-browser-0123456789"  # noqa: S105 - one that must not get out
OTHER = "https://tracker.example"
SHOP = "https://shop.example"


@pytest.fixture
def shop() -> Iterator[Shop]:
    """Serve until the test ends."""
    with opened() as running:
        yield running


def entry(method: str, url: str, status: int = 200, **more: Any) -> dict[str, Any]:
    """Return an entry of a recording, with credentials as browsers have them."""
    headers = [
        {"name": "Accept", "value": "application/json"},
        {"name": "Authorization", "value": f"Bearer {TOKEN}"},
        {"name": "Cookie", "value": f"sid={TOKEN}"},
    ]
    response = {"status": status, "content": {"mimeType": "application/json"}}
    return {"request": {"method": method, "url": url, "headers": headers, **more}, "response": response}


def record(folder: Path, *entries: dict[str, Any]) -> Path:
    """Write a recording."""
    file = folder / "shop.har"
    file.write_text(json.dumps({"log": {"version": "1.2", "entries": list(entries)}}))
    return file


def sent(shop: Shop, since: int = 0) -> list[tuple[str, str]]:
    """Return method and path of what came."""
    return [(method, path) for method, path, _, _ in shop.notes[since:]]


def leaks(folder: Path, text: str) -> list[Path]:
    """Return the files under a folder that hold a text."""
    return [file for file in folder.rglob("*") if file.is_file() and text.encode() in file.read_bytes()]


def test_a_url_alone_is_loaded_with_what_it_documents(product: Product, shop: Shop, tmp_path: Path) -> None:
    """Reads alone, each as often as any other, under the names of the document; the rest is named, with the reason."""
    done = product("load", shop.url, *OFTEN, "--json", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert (done.returncode, found["verdict"], found["ledger"]["answered"]) == (0, "pass", 48), done.stderr
    assert set(found["by_operation"]) == READS
    assert {group["requests"] for group in found["by_operation"].values()} == {8}
    asked = sent(shop)
    assert {method for method, _ in asked} == {"GET"}
    assert {f"/items/{key.replace('/', '%2F')}" for key in KEYS} < {path for _, path in asked}
    assert not [path for _, path in asked if path.startswith("/items?") and path != "/items?limit=20"]
    for said in (
        "it may change data, which neither `only` nor `writes` asks for: POST /items, DELETE /items/{itemId}",
        "sent by nobody (`identities`): GET /me",
        "and it answered 404 to those made of the document: GET /orders/{number}",
    ):
        assert said in done.stderr


def test_a_made_header_never_takes_the_place_of_a_users(product: Product, shop: Shop, tmp_path: Path) -> None:
    """A key that the document has as a parameter is what the user holds."""
    (tmp_path / "seatrial.toml").write_text(
        '[auth]\nkind = "api-key"\nname = "X-API-Key"\nvariable = "SHOP_KEY"\n'
        '[load.s]\ntraffic = "contract"\nonly = ["GET /keyed"]\nidentities = 1\n'
        "rate_per_s = 20\nduration_s = { quick = 1 }\n"
    )
    done = product("load", shop.url, "--json", cwd=tmp_path, SHOP_KEY=TOKEN)
    assert done.returncode == 0, done.stderr
    keys = [
        (headers.get("X-API-Key"), headers.get("X-API-KEY"))
        for _, path, headers, _ in shop.notes
        if path.startswith("/keyed")
    ]
    assert (set(keys), len(keys)) == ({(TOKEN, None)}, 20)


@pytest.mark.parametrize("owner", ["key-of-one", "key-of-two"])
def test_what_one_of_the_users_owns_is_not_sent_as_the_other(
    product: Product, shop: Shop, tmp_path: Path, owner: str
) -> None:
    """Values are asked for as one user and sent as all: what the other gets a 404 for by design is no failure."""
    shop.owners = {"/items/lamp-1": owner}
    (tmp_path / "seatrial.toml").write_text(
        '[auth]\nkind = "api-key"\nname = "X-API-Key"\n'
        '[[identities]]\nname = "one"\norganisation = "a"\nvariable = "ONE"\n'
        '[[identities]]\nname = "two"\norganisation = "b"\nvariable = "TWO"\n'
        '[load.s]\ntraffic = "contract"\nonly = ["GET /items/{itemId}"]\nidentities = 2\n'
        'rate_per_s = 20\nduration_s = { quick = 1 }\n[load.s.objectives]\nerror_ratio = "<= 0"\n'
    )
    done = product("load", shop.url, "--json", cwd=tmp_path, ONE="key-of-one", TWO="key-of-two")
    assert (done.returncode, json.loads(done.stdout)["verdict"]) == (0, "pass"), done.stderr
    load = shop.notes[-20:]
    assert {path for _, path, _, _ in load} == {"/items/chair-2", "/items/desk%2F3"}
    assert {headers["X-API-Key"] for _, _, headers, _ in load} == {"key-of-one", "key-of-two"}


def test_what_is_chosen_is_sent_though_it_writes(product: Product, shop: Shop, tmp_path: Path) -> None:
    """An operation that is named was asked for; it is never tried ahead, and its path is one that there is."""
    chosen = ("--only", "POST /items", "--only", "DELETE /items/{itemId}")
    done = product("load", shop.url, *chosen, *OFTEN, "--json", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert (done.returncode, set(found["by_operation"])) == (0, {"POST /items", "DELETE /items/{itemId}"}), done.stderr
    written = [note for note in shop.notes if note[0] != "GET"]
    assert len(written) == 48
    made = [json.loads(body)["name"] for method, _, _, body in written if method == "POST"]
    assert all(3 <= len(name) <= 9 and name.isalpha() for name in made)
    assert {path for method, path, _, _ in written if method == "DELETE"} == {
        f"/items/{key.replace('/', '%2F')}" for key in KEYS
    }
    assert "--only 'POST /items'" in found["repeat"]


def test_an_operation_that_is_not_there_comes_with_the_nearest(product: Product, shop: Shop, tmp_path: Path) -> None:
    """It is wrong usage, before any load."""
    done = product("load", shop.url, "--only", "GET /item", cwd=tmp_path)
    assert done.returncode == 2
    assert "the contract has no operation 'GET /item' [load-operation-unknown]" in done.stderr
    assert "did you mean 'GET /items'?" in done.stderr
    assert sent(shop) == [("GET", "/openapi.json")]


def test_a_service_without_a_document_says_what_else_can_be_sent(product: Product, tmp_path: Path, shop: Shop) -> None:
    """What to GET, a recording, or where the document is."""
    done = product("load", f"{shop.url}/nothing", cwd=tmp_path)
    assert done.returncode == 3
    assert "cannot fetch the OpenAPI document" in done.stderr
    assert "--path /PATH" in done.stderr
    assert "--har FILE" in done.stderr


def test_the_plan_of_a_contract_names_its_operations(product: Product, shop: Shop, tmp_path: Path) -> None:
    """Only the document is read for it."""
    done = product("load", shop.url, "--plan", cwd=tmp_path)
    told = " ".join(done.stdout.split())
    assert done.returncode == 0, done.stderr
    assert "sends GET /items, GET /items/{itemId}, GET /items/{itemId}/reviews, GET /sizes/{size}" in told
    assert "not sent it may change data" in told
    assert sent(shop) == [("GET", "/openapi.json")]


def test_a_recording_is_sent_to_the_target_without_its_secrets(product: Product, shop: Shop, tmp_path: Path) -> None:
    """In its order and mix, under the names of the document, and nothing of what was secret gets anywhere."""
    login: dict[str, Any] = {
        "postData": {"mimeType": "application/json", "text": json.dumps({"user": "me", "password": TOKEN})}
    }
    order: dict[str, Any] = {"postData": {"mimeType": "application/json", "text": '{"name": "lamp"}'}}
    file = record(
        tmp_path,
        entry("GET", f"{SHOP}/items?limit=2&api_key={TOKEN}"),
        entry("GET", f"{SHOP}/items/lamp-1"),
        entry("GET", f"{SHOP}/items/chair-2"),
        entry("POST", f"{SHOP}/items", **order),
        entry("POST", f"{SHOP}/login", **login),
        entry("GET", f"{SHOP}/items/{TOKEN}"),
        entry("GET", f"{SHOP}/style.css"),
        entry("GET", f"{SHOP}/gone", 404),
        entry("GET", f"{OTHER}/pixel"),
        entry("GET", f"{OTHER}/pixel"),
    )
    # A folder of its own, as the recording itself holds what is looked for.
    (work := tmp_path / "work").mkdir()
    arguments = ("load", shop.url, "--har", str(file), "--har-host", "shop.example", "--writes")
    done = product(*arguments, *OFTEN, "--json", cwd=work)
    found = json.loads(done.stdout)
    assert (done.returncode, found["verdict"]) == (0, "pass"), done.stderr
    assert {name: group["requests"] for name, group in found["by_operation"].items()} == {
        "GET /items": 12, "GET /items/{itemId}": 24, "POST /items": 12,
    }  # fmt: skip
    counts = Counter(path for path in sent(shop) if path[1].startswith("/items"))
    assert counts == {
        ("GET", "/items?limit=2"): 12, ("GET", "/items/lamp-1"): 12, ("GET", "/items/chair-2"): 12,
        ("POST", "/items"): 12,
    }  # fmt: skip
    assert {body for method, _, _, body in shop.notes if method == "POST"} == {b'{"name": "lamp"}'}
    assert not [note for note in shop.notes if {"authorization", "cookie"} & {name.lower() for name in note[2]}]
    assert TOKEN not in repr(shop.notes) + done.stdout + done.stderr
    assert not leaks(work, TOKEN)
    assert "they went to other hosts: tracker.example (2 times)" in done.stderr


def test_a_recording_of_several_hosts_asks_which_is_meant(product: Product, shop: Shop, tmp_path: Path) -> None:
    """None of them is the target's: which one goes there is for its owner to say."""
    file = record(tmp_path, entry("GET", f"{SHOP}/items"), entry("GET", f"{OTHER}/pixel"))
    done = product("load", shop.url, "--har", str(file), cwd=tmp_path)
    assert done.returncode == 2
    assert "[har-host]" in done.stderr
    assert "shop.example (1), tracker.example (1)" in done.stderr
    assert "--har-host" in done.stderr
    assert not [path for _, path in sent(shop) if path != "/openapi.json"]


def test_both_can_be_declared(product: Product, shop: Shop, tmp_path: Path) -> None:
    """A scenario says where its requests come from, and holds objectives of the document's operations."""
    record(tmp_path, entry("GET", f"{SHOP}/items/lamp-1"))
    (tmp_path / "seatrial.toml").write_text(
        '[load.contract]\ntraffic = "contract"\nonly = ["GET /items/{itemId}"]\nrate_per_s = 20\n'
        'duration_s = { quick = 1 }\n[load.contract.operations."GET /items/{itemId}"]\nerror_ratio = "<= 0"\n'
        '[load.recorded]\nhar = "shop.har"\nrate_per_s = 20\nduration_s = { quick = 1 }\n'
        '[load.recorded.objectives]\nerror_ratio = "<= 0"\n'
    )
    done = product("load", shop.url, "--json", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert (done.returncode, found["verdict"]) == (0, "pass"), done.stderr
    assert {name: list(one["by_operation"]) for name, one in found["scenarios"].items()} == {
        "contract": ["GET /items/{itemId}"], "recorded": ["GET /items/{itemId}"],
    }  # fmt: skip
    files = Path(tmp_path, found["directory"]).glob("load/*/stats.json")
    said = [json.loads(file.read_text())["scenario"] for file in files]
    assert {one["name"]: one["user"] for one in said} == {"contract": "contract", "recorded": "har"}


def test_an_objective_of_what_is_not_sent_is_refused(product: Product, shop: Shop, tmp_path: Path) -> None:
    """It would hold whatever happens; it comes with the nearest that is sent."""
    (tmp_path / "seatrial.toml").write_text(
        '[load.contract]\ntraffic = "contract"\nrate_per_s = 20\nduration_s = { quick = 1 }\n'
        '[load.contract.operations."GET /item"]\nerror_ratio = "<= 0"\n'
    )
    done = product("load", shop.url, "--plan", cwd=tmp_path)
    assert done.returncode == 2
    assert "[objective-operation]" in done.stderr
    assert "did you mean 'GET /items'?" in done.stderr
