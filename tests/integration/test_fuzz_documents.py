"""Documents that nobody wrote for us: of each version, in YAML, in files, recursive, large; and impossible ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from derived_service import derived
from documents import document, told

from seatrial.config import ContractSettings
from seatrial.core import Evidence, Outcome, Target
from seatrial.fuzz import run_contract
from seatrial.http import AddressPool, IdentityPool, SigningKey
from seatrial.openapi import fetch_document

Files = Mapping[str, bytes]
NAMED = {"type": "object", "required": ["name"], "additionalProperties": False}
TREE = {**NAMED, "properties": {"name": {"type": "string"}, "kids": {"type": "array", "items": {"$ref": "#/TREE"}}}}
ERROR = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
OAK = {"name": "oak", "kids": [{"name": "twig"}]}


def placed(schema: Any, where: str) -> Any:
    """Return a schema whose references to itself lead to a place."""
    if isinstance(schema, dict):
        return {key: where if key == "$ref" else placed(part, where) for key, part in schema.items()}
    return schema


def answer(schema: Any, example: Any) -> dict[str, Any]:
    """Return a documented JSON answer with an example."""
    return {"description": "an answer", "content": {"application/json": {"schema": schema, "example": example}}}


def taking(schema: Any, example: Any) -> dict[str, Any]:
    """Return a path that takes a body and gives it back."""
    answers = {"200": answer(schema, example), "422": answer(ERROR, {"error": "no"})}
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    return {"post": {"requestBody": body, "responses": answers}}


def listing() -> dict[str, Any]:
    """Return a path that takes a number in its query."""
    limit = {"in": "query", "name": "limit", "schema": {"type": "integer", "minimum": 1, "maximum": 99}}
    answers = {"200": answer({"type": "array"}, [1]), "422": answer(ERROR, {"error": "no"})}
    return {"get": {"parameters": [limit], "responses": answers}}


def tree(version: str) -> Files:
    """Return a document with a schema that holds itself, at a server with a path."""
    where = "#/components/schemas/Tree"
    paths = {"/trees": {**taking({"$ref": where}, OAK), **listing()}}
    schemas = {"Tree": placed(TREE, where)}
    return {"a.json": told(document(paths, version, components={"schemas": schemas}, servers=[{"url": "/v1"}]))}


def swagger() -> Files:
    """Return the same in Swagger 2.0, with an answer that has no body."""
    where = "#/definitions/Tree"
    fine = {"description": "fine", "schema": {"$ref": where}, "examples": {"application/json": OAK}}
    answers = {"200": fine, "422": {"description": "no", "schema": ERROR}}
    body = {"in": "body", "name": "tree", "required": True, "schema": {"$ref": where}}
    felled = {"responses": {"204": {"description": "gone"}, "422": answers["422"]}}
    paths = {"/trees": {"post": {"parameters": [body], "responses": answers}, "delete": felled}}
    more = {
        "basePath": "/v1",
        "host": "example.com",
        "consumes": ["application/json"],
        "produces": ["application/json"],
    }
    return {"a.json": told(document(paths, "2.0", definitions={"Tree": placed(TREE, where)}, **more))}


YAML = b"""
openapi: 3.0.3
info: {title: In YAML, version: 1.0.0}
paths:
  /switches:
    post:
      requestBody:
        required: true
        content:
          application/json:
            schema: &switch
              type: object
              required: [state]
              properties: {state: {type: string, enum: [on, off, 2020-01-01]}}
      responses:
        200: {description: fine, content: {application/json: {schema: *switch, example: {state: on}}}}
        422: {description: no, content: {application/json: {schema: {type: object}}}}
"""


def three() -> Files:
    """Return a document whose path and schema are in other files, which refer back to it."""
    where = "../a.json#/components/schemas/Tree"
    schemas = {"Tree": placed(TREE, "#/components/schemas/Tree"), "Wood": {"$ref": "parts/wood.json#/Wood"}}
    wood = {**NAMED, "properties": {"name": {"type": "string"}, "tree": {"$ref": where}}}
    return {
        "a.json": told(document({"/woods": {"$ref": "parts/woods.json"}}, "3.0.3", components={"schemas": schemas})),
        "parts/woods.json": told(taking({"$ref": "wood.json#/Wood"}, {"name": "black", "tree": OAK})),
        "parts/wood.json": told({"Wood": wood}),
    }


def kinds() -> Files:
    """Return a document with a choice that a field decides."""

    def kind(name: str, field: str) -> dict[str, Any]:
        own = {"kind": {"type": "string", "enum": [name]}, field: {"type": "integer"}}
        return {"type": "object", "required": ["kind", field], "properties": own, "additionalProperties": False}

    mapping = {"cat": "#/components/schemas/Cat", "dog": "#/components/schemas/Dog"}
    choice = {"oneOf": [{"$ref": to} for to in mapping.values()]}
    pet = {**choice, "discriminator": {"propertyName": "kind", "mapping": mapping}}
    schemas = {"Cat": kind("cat", "lives"), "Dog": kind("dog", "tricks"), "Pet": pet}
    example = {"kind": "cat", "lives": 9}
    paths = {"/pets": taking({"$ref": "#/components/schemas/Pet"}, example)}
    return {"a.json": told(document(paths, components={"schemas": schemas}))}


SCHEMES: dict[str, tuple[Callable[[], Files], set[str]]] = {
    "3.1": (lambda: tree("3.1.0"), {"POST /v1/trees", "GET /v1/trees"}),
    "3.0": (lambda: tree("3.0.3"), {"POST /v1/trees", "GET /v1/trees"}),
    "3.2": (lambda: tree("3.2.0"), {"POST /v1/trees", "GET /v1/trees"}),
    "2.0": (swagger, {"POST /v1/trees", "DELETE /v1/trees"}),
    "YAML": (lambda: {"a.json": YAML}, {"POST /switches"}),
    "three files": (three, {"POST /woods"}),
    "a discriminator": (kinds, {"POST /pets"}),
}


def fuzz(
    folder: Path, files: Files, *, examples: int = 3, budget_s: float = 60.0, only: Sequence[str] = ()
) -> Evidence:
    """Fuzz a service that is made from a document in these files, by that document."""
    for name, body in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(body)
    key, addresses = SigningKey.generate(), AddressPool("none", seed=1)
    source = str(folder / "a.json")
    with derived(source) as url:
        return run_contract(
            ContractSettings(examples={"quick": examples}),
            target=Target(url=url),
            identities=IdentityPool(None, key=key, run="documents", seed=1, addresses=addresses),
            limits=[],
            environment={},
            profile="quick",
            seed=1,
            run="documents",
            progress=lambda _: None,
            document=fetch_document(source),
            only=only,
            budget_s=budget_s,
        )


def ended(evidence: Evidence) -> dict[str, Outcome]:
    """Return how each check ended, by the name after `contract.`."""
    return {result.check.partition(".")[2]: result.outcome for result in evidence.results}


def told_of(evidence: Evidence) -> list[str]:
    """Return what was found or stayed open."""
    return [f"{result.check}: {result.reason}" for result in evidence.results if result.reason]


SEEN = {"no-server-error", "operations-reached", "not-rate-limited", "response-schema", "content-type-documented"}
JUDGED = SEEN | {"status-documented", "valid-input-accepted", "invalid-input-refused", "method-not-allowed"}


@pytest.mark.parametrize(("files", "labels"), SCHEMES.values(), ids=SCHEMES.keys())
def test_any_document_is_exercised(files: Callable[[], Files], labels: set[str], tmp_path: Path) -> None:
    """A service that keeps its promises passes all that it makes, at the paths where it is served."""
    evidence = fuzz(tmp_path, files())
    outcomes = ended(evidence)
    assert {name: outcomes[name] for name in JUDGED} == dict.fromkeys(JUDGED, Outcome.PASSED), told_of(evidence)
    figures = {measurement.name: measurement.value for measurement in evidence.measurements}
    assert figures["contract.operations"] == 100
    assert not [note for note in evidence.notes if note.startswith("not fuzzed")]
    assert {
        measurement.samples for measurement in evidence.measurements if measurement.name == "contract.operations"
    } == {len(labels)}


def alike(operations: int) -> Files:
    """Return a document of so many operations that take the same."""
    where = "#/components/schemas/Tree"
    paths = {f"/trees{number}": taking({"$ref": where}, OAK) for number in range(operations)}
    return {"a.json": told(document(paths, components={"schemas": {"Tree": placed(TREE, where)}}))}


def test_what_is_sent_grows_as_the_document_does(tmp_path: Path) -> None:
    """Each operation takes as many requests as among few others, so that a large document comes to its end."""
    sent = {}
    for operations in (2, 8):
        evidence = fuzz(tmp_path, alike(operations), examples=1)
        figures = {measurement.name: measurement.value for measurement in evidence.measurements}
        assert figures["contract.operations"] == 100
        sent[operations] = figures["contract.cases"]
    assert sent[8] == 4 * sent[2]


def test_three_hundred_operations_are_ended_by_their_budget(tmp_path: Path) -> None:
    """A large document is read, and fuzzed as far as its budget reaches; what that leaves open is no verdict."""
    evidence = fuzz(tmp_path, alike(300), examples=1, budget_s=3.0)
    assert [note for note in evidence.notes if note.startswith("the fuzzer was stopped after 3 s")]
    assert {ended(evidence)[name] for name in JUDGED} == {Outcome.INCONCLUSIVE}


def test_one_operation_is_fuzzed_alone(tmp_path: Path) -> None:
    """What was not asked for is neither sent nor missed, although an answer links to it."""
    paths = {"/trees": {**taking({"type": "object"}, OAK), **listing()}}
    paths["/trees"]["get"]["operationId"] = "list"
    paths["/trees"]["post"]["responses"]["200"]["links"] = {"all": {"operationId": "list"}}
    evidence = fuzz(tmp_path, {"a.json": told(document(paths))}, only=["POST /trees"])
    outcomes = ended(evidence)
    assert outcomes["operations-reached"] is Outcome.PASSED, told_of(evidence)
    assert outcomes["valid-input-accepted"] is Outcome.PASSED, told_of(evidence)
    assert Outcome.FAILED not in outcomes.values()
    figures = {measurement.name: measurement for measurement in evidence.measurements}
    assert (figures["contract.operations"].value, figures["contract.operations"].samples) == (100, 1)
    assert not [note for note in evidence.notes if "GET /trees" in note]


IMPOSSIBLE = {
    "type": "object",
    "required": ["a"],
    "properties": {"a": {"type": "string", "pattern": "^a$", "minLength": 5}},
}


def test_what_cannot_be_made_is_not_verified(tmp_path: Path) -> None:
    """An operation whose input cannot be generated is named and keeps the document from passing; the others go on."""
    paths = {"/never": taking(IMPOSSIBLE, {"a": "a"}), "/trees": taking({"type": "object"}, OAK)}
    evidence = fuzz(tmp_path, {"a.json": told(document(paths))})
    (reached,) = [result for result in evidence.results if result.check == "contract.operations-reached"]
    assert (reached.outcome, reached.reason) == (Outcome.INCONCLUSIVE, "never sent valid input: POST /never")
