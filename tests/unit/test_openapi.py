"""Documents: from a URL or a file, in JSON or YAML, of each version, in several files; and what is no document."""

from __future__ import annotations

import functools
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from documents import OK, document, reading, serving, told

from seatrial.config import ContractSettings
from seatrial.core import EnvironmentFailure, UsageError
from seatrial.openapi import _read, canonical, fetch_document, operation_at, operations_of, selected

TREE = {"type": "object", "properties": {"kids": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}}}
EXPLODING = [
    b"a0: &a0 [1,2,3,4,5,6,7,8,9]",
    *(b"a%d: &a%d [%s]" % (n, n, b",".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 9)),
]
UNREADABLE: dict[str, tuple[bytes, str]] = {
    "HTML": (b"<!doctype html><html></html>", "it is HTML or XML"),
    "no JSON": (b'{"openapi": 3,}', "neither JSON nor YAML"),
    "no UTF-8": (b'{"openapi": "\xff"}', "can't decode byte"),
    "no YAML": (b"openapi: [3", "expected ',' or ']'"),
    "a key that is a list": (b"openapi: {[1]: 2}", "a key is no text"),
    "YAML that goes in a circle": (b"a: &a [*a]", "recursion"),
    "YAML that explodes": (b"\n".join(EXPLODING), "its aliases make more than 2,000,000 values"),
}
ANSWERS = {"responses": {"200": OK}}
ASTRAY = [{"in": "air", "name": "a", "schema": {}}]
DEEP_DOWN: Any = functools.reduce(lambda inner, _: {"not": inner}, range(900), cast("Any", {}))
DEEP = document({}, components={"schemas": {"A": DEEP_DOWN}})
INVALID: dict[str, tuple[Any, str]] = {
    "a text": ("hello", "it is not an object"),
    "a list": ([], "it is not an object"),
    "no version": ({"paths": {}}, "it lacks `openapi`"),
    "another version": ({"openapi": "9.1.0", "paths": {}}, "its version is '9.1'"),
    "no paths": ({"openapi": "3.0.0", "info": {"title": "", "version": ""}}, "#: 'paths' is a required property"),
    "paths that are a list": (document([]), "#/paths: [] is not of type 'object'"),
    "a path that is a text": (document({"/a": "x"}), "#/paths/~1a: 'x' is not of type"),
    "an operation that is null": (document({"/a": {"get": None}}), "#/paths/~1a/get: None"),
    "responses that are a list": (document({"/a": {"get": {"responses": [1]}}}), "#/paths/~1a/get/responses: "),
    "a status that is none": (
        document({"/a": {"get": {"responses": {"200": OK, "999x": OK}}}}),
        "#/paths/~1a/get/responses: ",
    ),
    "links that are a list": (
        document({"/a": {"get": {"responses": {"200": {**OK, "links": []}}}}}),
        "#/paths/~1a/get/responses/200/links: ",
    ),
    "parameters that are a number": (document({"/a": reading(parameters=1)}), "#/paths/~1a/get/parameters: 1"),
    "a parameter that is nowhere": (document({"/a": reading(parameters=ASTRAY)}), "#/paths/~1a/get/parameters/0/in: "),
    "the same in 3.0": (document({"/a": reading(parameters=ASTRAY)}, "3.0.3"), "#/paths/~1a/get/parameters/0"),
    "a schema that is too deep": (DEEP, "recursion"),
    "the same in 2.0": (document({"/a": reading(parameters=ASTRAY)}, "2.0"), "#/paths/~1a/get/parameters/0"),
}


def schemas(**named: str) -> dict[str, Any]:
    """Return a document with schemas that are references."""
    return document({"/a": reading()}, components={"schemas": {name: {"$ref": to} for name, to in named.items()}})


ASTRAY_LINK = {"200": {**OK, "links": {"a": {"$ref": "#/x"}}}}
LOST: dict[str, tuple[Any, str]] = {
    "a parameter": (
        document({"/a": reading(parameters=[{"$ref": "#/x/y"}])}),
        "#/paths/~1a/get/parameters/0/$ref: #/x/y",
    ),
    "a schema": (schemas(A="#/x"), "#/components/schemas/A/$ref: #/x leads nowhere"),
    "a link": (document({"/a": {"get": {"responses": ASTRAY_LINK}}}), "/links/a/$ref: #/x leads nowhere"),
    "a path in a file that is not there": (
        document({"/a": {"$ref": "a.yaml"}}),
        "#/paths/~1a/$ref: a.yaml cannot fetch",
    ),
    "an anchor that is none": (schemas(A="#x"), "#x leads nowhere"),
    "a circle": (
        schemas(A="#/components/schemas/B", B="#/components/schemas/A"),
        "#/components/schemas/B leads in a circle",
    ),
    "a circle of one": (schemas(A="#/components/schemas/A"), "#/components/schemas/A leads in a circle"),
    "another host": (document({"/a": {"$ref": "http://127.0.0.2:1/a.yaml"}}), "leads to where nothing is read"),
    "a file of this machine": (document({"/a": {"$ref": "file:///etc/passwd"}}), "leads to where nothing is read"),
}
BAD = [
    *(pytest.param(body, "contract-unreadable", says, id=name) for name, (body, says) in UNREADABLE.items()),
    *(pytest.param(told(data), "contract-not-openapi", says, id=name) for name, (data, says) in INVALID.items()),
    *(pytest.param(told(data), "contract-reference", says, id=f"to {name}") for name, (data, says) in LOST.items()),
]


@pytest.mark.parametrize(("body", "slug", "says"), BAD)
def test_bad_documents_are_usage_errors(body: bytes, slug: str, says: str) -> None:
    """What is no OpenAPI document ends with exit code 2, the URL, the place of the fault and what to do about it."""
    with serving({"/openapi.json": body}) as url, pytest.raises(UsageError) as caught:
        fetch_document(f"{url}/openapi.json")
    assert (caught.value.slug, caught.value.where) == (slug, f"{url}/openapi.json")
    assert says in caught.value.what
    assert caught.value.remedy


def test_every_reference_that_leads_nowhere_is_told() -> None:
    """The first is in the line, the next ones below, and the number of those that are left."""
    wrong = document({f"/{n}": {"$ref": f"#/no/{n}"} for n in range(12)})
    with serving({"/a.json": told(wrong)}) as url, pytest.raises(UsageError) as caught:
        fetch_document(f"{url}/a.json")
    assert "#/paths/~10/$ref: #/no/0" in caught.value.what
    assert "#/paths/~19/$ref: #/no/9" in caught.value.details
    assert caught.value.details.endswith("and 2 more")


def test_unreachable_document_is_the_environments_fault() -> None:
    """A document that is not served ends with exit code 3, also when another page is there instead."""
    with serving({"/a": b"{}"}, status=404) as url, pytest.raises(EnvironmentFailure, match="contract-unreachable"):
        fetch_document(f"{url}/a")
    with pytest.raises(EnvironmentFailure, match="contract-unreachable"):
        fetch_document("http://127.0.0.1:9/openapi.json")


def test_file_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    """A file is named by whoever calls."""
    with pytest.raises(UsageError, match="contract-missing"):
        fetch_document(str(tmp_path / "openapi.yaml"))


def test_document_is_not_read_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is larger than any document is not read to its end."""
    monkeypatch.setattr(_read, "LARGEST", 1000)
    with serving({"/a": b" " * 2000}) as url, pytest.raises(UsageError, match="contract-too-large"):
        fetch_document(f"{url}/a")


@contextmanager
def dripping() -> Iterator[str]:
    """Serve a body that never ends, a byte at a time."""

    def drip(server: socket.socket) -> None:
        client, _ = server.accept()
        with client:
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                try:
                    client.sendall(b" ")
                except OSError:
                    return
                time.sleep(0.02)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=drip, args=(server,), daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/a"


def test_document_that_drips_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is for the document, not for each byte of it."""
    monkeypatch.setattr(_read, "TIMEOUT_S", 0.3)
    began_s = time.monotonic()
    with dripping() as url, pytest.raises(EnvironmentFailure, match=r"had not come to its end after 0\.3 s"):
        fetch_document(url)
    assert time.monotonic() - began_s < 5


YAML = """
openapi: 3.0.3
info: {title: 2020-01-01, version: 1.0.0}
paths:
  /a:
    get:
      parameters: [{in: query, name: on, schema: {type: string, enum: [on, no, 2020-01-01, true]}}]
      responses:
        200: {description: no}
        default: {description: others}
"""


def test_yaml_is_read_as_json_is(tmp_path: Path) -> None:
    """Statuses are texts, and so are `on`, `no` and dates: nothing is in there that JSON could not hold."""
    (tmp_path / "openapi.yaml").write_text(YAML)
    found = fetch_document(str(tmp_path / "openapi.yaml"))
    get = found["paths"]["/a"]["get"]
    assert list(get["responses"]) == ["200", "default"]
    assert get["parameters"][0]["schema"]["enum"] == ["on", "no", "2020-01-01", True]
    assert json.loads(canonical(found)) == found


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_file_is_named_by_path_or_url(scheme: str, tmp_path: Path) -> None:
    """A folder may have a space."""
    folder = tmp_path / "a folder"
    folder.mkdir()
    (folder / "a.json").write_bytes(told(document({"/a": reading()})))
    source = f"{folder}/a.json" if not scheme else (folder / "a.json").as_uri()
    assert set(operations_of(fetch_document(source))) == {"GET /a"}


def parts_of(tree: Any) -> dict[str, bytes]:
    """Return a document in three files, which refer to each other in a circle."""
    shared = {"Pet": {"type": "object", "properties": {"tree": {"$ref": "../openapi.json#/components/schemas/Tree"}}}}
    answers = {"200": {"description": "", "content": {"application/json": {"schema": {"$ref": "schemas.json#/Pet"}}}}}
    item = {"post": {"parameters": [{"$ref": "schemas.json#/limit%20of%20all"}], "responses": answers}}
    whole = document({"/b": {"$ref": "parts/b.json"}}, components={"schemas": {"Tree": tree}})
    limit = {"in": "query", "name": "limit", "schema": {"type": "integer"}}
    return {
        "/openapi.json": told(whole),
        "/parts/b.json": told(item),
        "/parts/schemas.json": told({**shared, "limit of all": {"$ref": "#/limit"}, "limit": limit}),
    }


def test_references_across_files_are_followed(tmp_path: Path) -> None:
    """Operations in other files are operations, at a URL as in a folder; and all that is left refers to itself."""
    parts = parts_of(TREE)
    (tmp_path / "parts").mkdir()
    for name, body in parts.items():
        (tmp_path / name[1:]).write_bytes(body)
    with serving(parts) as url:
        served = fetch_document(f"{url}/openapi.json")
    assert served == fetch_document(str(tmp_path / "openapi.json"))
    found = operations_of(served)
    assert set(found) == {"POST /b"}
    assert found["POST /b"].inputs == {"query:limit"}
    assert "schemas.json" not in canonical(served)
    assert "openapi.json" not in canonical(served)


def test_file_elsewhere_is_not_read(tmp_path: Path) -> None:
    """What lies neither below the document's folder nor below the current one is not read."""
    (tmp_path / "secret.json").write_text("{}")
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "a.json").write_bytes(told(document({"/a": {"$ref": "../secret.json"}})))
    with pytest.raises(UsageError, match="leads to where nothing is read"):
        fetch_document(str(tmp_path / "api" / "a.json"))


def test_anchor_is_followed() -> None:
    """A schema may be named by its anchor."""
    pet = {"$anchor": "pet", "type": "object"}
    answers = {"200": {"description": "", "content": {"application/json": {"schema": {"$ref": "#pet"}}}}}
    found = document({"/a": {"get": {"responses": answers}}}, components={"schemas": {"Pet": pet}})
    with serving({"/a": told(found)}) as url:
        assert "#/components/schemas/Pet" in canonical(fetch_document(f"{url}/a"))


def test_what_looks_like_a_reference_in_an_example_is_none() -> None:
    """Data of the service may have any key; a property may have the name of a key of schemas."""
    schema = {
        "type": "object",
        "example": {"$ref": "#/no"},
        "properties": {"example": {"$ref": "#/components/schemas/Tree"}},
    }
    found = document({"/a": reading()}, components={"schemas": {"A": schema, "Tree": TREE}})
    with serving({"/a": told(found)}) as url:
        assert fetch_document(f"{url}/a") == found


def test_discriminator_maps_to_names_and_to_files(tmp_path: Path) -> None:
    """What a discriminator maps to is rewritten where it is a file, and left where it is the name of a schema."""
    animal = {
        "oneOf": [{"$ref": "dog.json"}],
        "discriminator": {"propertyName": "kind", "mapping": {"dog": "dog.json", "cat": "Cat"}},
    }
    found = document({"/a": reading()}, components={"schemas": {"Animal": animal, "Cat": {}}})
    (tmp_path / "dog.json").write_bytes(told({"type": "object"}))
    (tmp_path / "a.json").write_bytes(told(found))
    mapping = fetch_document(str(tmp_path / "a.json"))["components"]["schemas"]["Animal"]["discriminator"]["mapping"]
    assert mapping == {"dog": "#/x-seatrial-files/1", "cat": "Cat"}


SERVERS: dict[str, tuple[dict[str, Any], str | None, str]] = {
    "none": ({}, None, "/a"),
    "a path": ({"servers": [{"url": "/v1/"}]}, None, "/v1/a"),
    "another host": ({"servers": [{"url": "https://api.example.com/v1"}]}, None, "/v1/a"),
    "at the document's own host": ({"servers": [{"url": "https://example.com/v1"}, {"url": "/here"}]}, None, "/here/a"),
    "relative to the document": ({"servers": [{"url": "."}]}, None, "/docs/a"),
    "a variable": ({"servers": [{"url": "/{v}", "variables": {"v": {"default": "v3"}}}]}, None, "/v3/a"),
    "what is set": ({"servers": [{"url": "/v1"}]}, "/v9", "/v9/a"),
    "what is set to nothing": ({"servers": [{"url": "/v1"}]}, "", "/a"),
}  # fmt: skip


@pytest.mark.parametrize(("said", "prefix", "path"), SERVERS.values(), ids=SERVERS.keys())
def test_paths_have_their_servers_prefix(said: dict[str, Any], prefix: str | None, path: str) -> None:
    """Each path is where the document says that it is served, and no other host is named any more."""
    with serving({"/docs/a.json": told(document({"/a": reading()}, **said))}) as url:
        found = fetch_document(f"{url}/docs/a.json", prefix)
    assert set(operations_of(found)) == {f"GET {path}"}
    assert "servers" not in found


def test_base_path_of_swagger_is_a_prefix_and_its_form_a_body() -> None:
    """Swagger 2.0 says `basePath`, and has its body among the parameters."""
    form = {"in": "formData", "name": "file", "type": "string"}
    raw = {"in": "body", "name": "thing", "schema": {"type": "object"}}
    answers = {"responses": {"200": {"description": "", "schema": {"type": "object"}}}}
    paths = {"/form": {"post": {"parameters": [form], **answers}}, "/raw": {"put": {"parameters": [raw], **answers}}}
    with serving({"/a": told(document(paths, "2.0", basePath="/api", host="example.com", schemes=["https"]))}) as url:
        found = operations_of(fetch_document(f"{url}/a"))
    assert {label: set(o.inputs) for label, o in found.items()} == {
        "POST /api/form": {"body"},
        "PUT /api/raw": {"body"},
    }
    assert found["PUT /api/raw"].with_body == {"200"}


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("3.1.0", {"requestBody": {"$ref": "#/components/requestBodies/thing"}}),
        (
            "2.0",
            {"parameters": [{"in": "body", "name": "thing"}], "consumes": ["application/json", "Text/CSV; header"]},
        ),
    ],
)
def test_media_types_of_a_body_are_those_that_are_documented(version: str, said: dict[str, Any]) -> None:
    """In `content`, which may be elsewhere, or in `consumes`; an operation without a body takes none."""
    shared: dict[str, Any] = {"requestBodies": {"thing": {"content": {"application/json": {}, "text/csv": {}}}}}
    paths = {"/a": {"post": {"responses": {}, **said}, "get": {"responses": {}, "consumes": ["text/csv"]}}}
    found = operations_of({"openapi": version, "paths": paths, "components": shared})
    assert {label: set(each.bodies) for label, each in found.items()} == {
        "POST /a": {"application/json", "text/csv"},
        "GET /a": set(),
    }


def test_servers_of_a_path_and_of_an_operation_win() -> None:
    """An operation's own servers go before those of its path, and those before the document's; references follow."""
    item = {**reading(), "put": {"responses": {"200": OK}, "servers": [{"url": "/op"}]}, "servers": [{"url": "/item"}]}
    paths = {"/a": item, "/b": reading(), "/c": {"$ref": "#/paths/~1b"}}
    with serving({"/a": told(document(paths, servers=[{"url": "/all"}]))}) as url:
        found = fetch_document(f"{url}/a")
    assert set(operations_of(found)) == {"GET /item/a", "PUT /op/a", "GET /all/b", "GET /all/c"}
    assert "servers" not in canonical(found)


def test_references_into_a_path_follow_it_to_where_it_is() -> None:
    """A path with a prefix has another pointer."""
    answers = {"responses": {"200": {"$ref": "#/paths/~1a/get/responses/200"}}}
    with serving({"/a": told(document({"/a": reading(), "/b": {"get": answers}}, servers=[{"url": "/v1"}]))}) as url:
        found = fetch_document(f"{url}/a")
    assert found["paths"]["/v1/b"]["get"]["responses"]["200"] == {"$ref": "#/paths/~1v1~1a/get/responses/200"}
    assert operations_of(found)["GET /v1/b"].statuses == {"200"}


def test_methods_of_openapi_3_2_are_operations() -> None:
    """`query`, and methods that a document adds, are promised like others."""
    answers = {"responses": {"200": OK}}
    paths = {"/a": {"query": answers, "additionalOperations": {"PURGE": answers}}}
    with serving({"/a": told(document(paths, "3.2.0"))}) as url:
        assert set(operations_of(fetch_document(f"{url}/a"))) == {"QUERY /a", "PURGE /a"}


def test_references_that_refer_on_are_followed() -> None:
    """A parameter may be a reference to a reference, whose pointer is percent-encoded."""
    limit = {"in": "query", "name": "limit", "schema": {"type": "integer"}}
    parameters = {"A": {"$ref": "#/components/parameters/B%7E0b~1"}, "B~b/": limit}
    found = document(
        {"/a": reading(parameters=[{"$ref": "#/components/parameters/A"}])}, components={"parameters": parameters}
    )
    assert operations_of(found)["GET /a"].inputs == {"query:limit"}


def test_three_hundred_operations_are_read_at_once() -> None:
    """A large document takes seconds neither to check nor to take apart."""
    answers = {
        "200": {"description": "", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Tree"}}}}
    }
    key = {"in": "path", "name": "id", "required": True, "schema": {"type": "string"}}
    paths = {f"/things{n}/{{id}}": {"get": {"parameters": [key], "responses": answers}} for n in range(300)}
    with serving({"/a": told(document(paths, components={"schemas": {"Tree": TREE}}))}) as url:
        began_s = time.monotonic()
        found = operations_of(fetch_document(f"{url}/a"))
    assert len(found) == 300
    assert time.monotonic() - began_s < 5


@pytest.mark.parametrize(
    ("named", "source"),
    [
        ("/openapi.json", "http://h:1/openapi.json"),
        ("http://other/api.yaml", "http://other/api.yaml"),
        ("docs/api.yaml", "/project/docs/api.yaml"),
        ("file:///elsewhere/api.yaml", "file:///elsewhere/api.yaml"),
    ],
)
def test_document_is_a_path_a_url_or_a_file(named: str, source: str) -> None:
    """What begins with a slash is a path of the service; files are relative to the configuration."""
    assert ContractSettings(document=named).source("http://h:1/", Path("/project")) == source


def test_operations_are_selected_by_their_labels() -> None:
    """None that is named means all; one that is not there is refused, with the nearest."""
    found = operations_of(document({"/a": reading(), "/b": reading()}))
    assert selected(found, ()) == found
    assert list(selected(found, ["GET /b"])) == ["GET /b"]
    with pytest.raises(UsageError, match="contract-operation-unknown") as caught:
        selected(found, ["GET /aa"])
    assert caught.value.remedy == "did you mean 'GET /a'?"


def test_operation_is_found_by_its_path() -> None:
    """A path that is spelt out goes before one with a parameter."""
    found = operations_of(document({"/a/{id}": reading(), "/a/new": reading()}))
    asked = {
        ("GET", "/a/new"): "GET /a/new",
        ("GET", "/a/1"): "GET /a/{id}",
        ("PUT", "/a/1"): "",
        ("GET", "/a/1/2"): "",
    }
    for (method, path), label in asked.items():
        operation = operation_at(method, path, found)
        assert (operation.label if operation else "") == label


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_half_a_character_is_marked(form: str) -> None:
    """Escapes can name one, which no request and no file can hold; a whole pair of them stays what it is."""
    body = rb'{"openapi": "3.1.0", "info": {"title": "a \ud83d\ude00 \ud800", "version": "1"}, "paths": {}}'
    body = body if form == "json" else b"# YAML\n" + body.replace(rb"\ud83d\ude00", rb"\U0001f600")
    with serving({"/a": body}) as url:
        assert fetch_document(f"{url}/a")["info"]["title"] == "a \U0001f600 \ufffd"
