"""What the service for tests promises: its OpenAPI document, which no defect changes."""

from typing import Any

BEARER: list[dict[str, list[str]]] = [{"bearer": []}]
ERROR = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
NAME = {"type": "string", "minLength": 1, "maxLength": 20, "pattern": "^[a-z]*$"}
ITEM = {
    "type": "object",
    "required": ["id", "name"],
    "properties": {"id": {"type": "string", "minLength": 8}, "name": NAME},
}
INPUT = {"type": "object", "required": ["name"], "properties": {"name": NAME}, "additionalProperties": False}
OK = {"type": "object", "required": ["ok"], "properties": {"ok": {"type": "boolean"}}}
PAGE = {"type": "object", "required": ["next"], "properties": {"next": {"type": "string"}}}
CURSOR = "made-by-the-service"


def answer(schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a documented JSON answer."""
    return {"description": "an answer", "content": {"application/json": {"schema": schema}}, **more}


def operation(schema: dict[str, Any], *, status: str = "200", secured: bool = True, **more: Any) -> dict[str, Any]:
    """Return a documented operation."""
    errors = {code: answer(ERROR) for code in ("400", "401", "422", "429", "500")}
    extra = more.pop("answers", {})
    return {"responses": {status: answer(schema), **errors, **extra}, "security": BEARER if secured else [], **more}


def with_body() -> dict[str, Any]:
    """Return a documented request body."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": INPUT}}}}


def document() -> dict[str, Any]:
    """Return what the service promises, which no defect changes."""
    key = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 8}}
    missing = {"404": answer(ERROR)}
    link = {"parameters": {"id": "$response.body#/id"}}
    made = answer(ITEM, links={"read": {**link, "operationId": "read"}, "remove": {**link, "operationId": "remove"}})
    cursor = {"name": "cursor", "in": "query", "schema": {"type": "string", "minLength": 1}}
    page = answer(PAGE, links={"next": {"operationId": "pages", "parameters": {"cursor": "$response.body#/next"}}})
    version = {"X-Version": {"required": True, "schema": {"type": "integer"}}}
    paths: dict[str, Any] = {
        "/items": {"post": operation(ITEM, status="201", answers={"201": made}, **with_body())},
        "/items/{id}": {
            "parameters": [key],
            "get": operation(ITEM, operationId="read", answers=missing),
            "delete": operation(OK, operationId="remove", answers={**missing, "409": answer(ERROR)}),
        },
        "/health": {"get": operation(OK, secured=False)},
        "/crash": {"post": operation(OK, **with_body())},
        "/drop": {"post": operation(OK, **with_body())},
        "/lenient": {"post": operation(OK, **with_body())},
        "/strict": {"post": operation(OK, **with_body())},
        "/headers": {"get": operation(OK, answers={"200": answer(OK, headers=version)})},
        "/pages": {"get": operation(PAGE, operationId="pages", answers={"200": page}, parameters=[cursor])},
        "/optional": {"get": {**operation(OK), "security": [{}, *BEARER]}},
    }
    for name in ("status", "media", "open", "bogus", "method", "allow", "once", "limited", "locked", "hang"):
        paths[f"/{name}"] = {"get": operation(OK)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "A service for tests", "version": "1"},
        "paths": paths,
        "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
    }
