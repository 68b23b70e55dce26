"""The API's description, OpenAPI 3.1, made of the operations that serve it."""

import inspect
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from flask import Blueprint, Flask, Response, jsonify
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema
from werkzeug.routing import Rule

from headroom import __version__
from headroom.protocol import problems
from headroom.protocol.problems import MEDIA_TYPE, ProblemType
from headroom.web.operations import JSON, Operation, operation
from headroom.web.security import CSRF_HEADER, SESSION_COOKIE

_Json = dict[str, Any]
_References = Mapping[Any, _Json]

_PREFIX = "/api/v1/"
_PARAMETER = re.compile(r"<(?:[a-z]+:)?([a-z_]+)>")
_DESCRIPTION = (
    "Currents are in mA, times in Unix seconds. Every error is a problem document (RFC 9457) "
    "whose `type` never changes its meaning; the list is in API.md. Roles: `read`, `operate`, "
    "`admin`, each with the rights of those before it."
)
_INFO = {"title": "Headroom", "version": __version__, "description": _DESCRIPTION}
_SCHEMES = {
    "token": {"type": "http", "scheme": "bearer"},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": SESSION_COOKIE,
        "description": f"Changes also take the session's csrf_token as header {CSRF_HEADER}.",
    },
}
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}


def openapi_api(app: Flask) -> Blueprint:
    """The route under which an app describes itself."""
    api = Blueprint("description", __name__)
    document = cache(lambda: openapi_document(app))

    @api.get("/openapi.json")
    @operation(None)
    def openapi() -> Response:
        """This description of the API."""
        return jsonify(document())

    return api


def openapi_document(app: Flask) -> _Json:
    """The OpenAPI document of an app whose views under /api/v1 are operations."""
    references, schemas = models_json_schema(
        sorted(_models(app), key=str), ref_template="#/components/schemas/{model}"
    )
    paths: dict[str, _Json] = {}
    for rule, view in _operations(app):
        path = paths.setdefault(_PARAMETER.sub(r"{\1}", rule.rule), {})
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            path[method.lower()] = _operation(rule, view, method, references)
    return {
        "openapi": "3.1.0",
        "info": _INFO,
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": {**schemas["$defs"], "Problem": _PROBLEM},
            "securitySchemes": _SCHEMES,
        },
    }


def _operations(app: Flask) -> Iterator[tuple[Rule, Operation]]:
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        if rule.rule.startswith(_PREFIX):
            view = app.view_functions[rule.endpoint]
            if not isinstance(view, Operation):
                raise TypeError(f"{rule.rule}: its view is no operation; declare it one")
            yield rule, view


def _models(app: Flask) -> set[tuple[type[BaseModel], JsonSchemaMode]]:
    found: set[tuple[type[BaseModel], JsonSchemaMode]] = set()
    for _, view in _operations(app):
        if view.body:
            found.add((view.body, "validation"))
        if view.answer:
            found.add((view.answer, "serialization"))
    return found


def _operation(rule: Rule, view: Operation, method: str, references: _References) -> _Json:
    text = inspect.getdoc(view) or ""
    described: _Json = {
        "operationId": rule.endpoint.rpartition(".")[2],
        "tags": [rule.endpoint.split(".")[-2]],
        "summary": text.partition("\n")[0],
        "description": " ".join(text.split()) + _role(view),
        "parameters": [*_path_parameters(view), *_query_parameters(view)],
        "responses": _answer(view, references) | _refusals(view, method),
        "security": [{"token": []}, {"session": []}] if view.role else [],
    }
    if view.body:
        content = {JSON: {"schema": references[view.body, "validation"]}}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _role(view: Operation) -> str:
    return f" Takes the role `{view.role}`." if view.role else ""


def _path_parameters(view: Operation) -> Iterator[_Json]:
    for name, kind in view.path.items():
        yield {"name": name, "in": "path", "required": True, "schema": kind.json_schema()}


def _query_parameters(view: Operation) -> Iterator[_Json]:
    if view.query:
        form = view.query.model_json_schema()
        for name, schema in form["properties"].items():
            required = name in form.get("required", ())
            yield {"name": name, "in": "query", "required": required, "schema": schema}


def _answer(view: Operation, references: _References) -> _Json:
    if not view.media:
        return {str(view.status): {"description": "Done."}}
    schema = references[view.answer, "serialization"] if view.answer else {}
    description = (inspect.getdoc(view.answer) if view.answer else None) or "What was asked for."
    content = {media: {"schema": schema if media == JSON else {}} for media in view.media}
    return {str(view.status): {"description": description, "content": content}}


def _refusals(view: Operation, method: str) -> _Json:
    by_status: dict[int, list[ProblemType]] = {}
    for kind in sorted(set(_problems(view, method)), key=lambda kind: kind.slug):
        by_status.setdefault(kind.status, []).append(kind)
    return {str(status): _refusal(kinds) for status, kinds in sorted(by_status.items())}


def _problems(view: Operation, method: str) -> Iterator[ProblemType]:
    """What may be wrong with any request, with one of this form, and what the view names."""
    yield from (problems.HOST_REFUSED, problems.TOO_MANY_REQUESTS, problems.STORE_UNAVAILABLE)
    if view.path:
        yield problems.NOT_FOUND
    if view.query or view.body:
        yield problems.MALFORMED
    if view.body:
        yield from (problems.NOT_JSON, problems.LENGTH_REQUIRED, problems.TOO_LARGE)
    if view.role:
        yield from (problems.TOKEN_REQUIRED, problems.ROLE_REQUIRED)
    if view.role and method != "GET":
        yield problems.CSRF_REQUIRED
    yield from view.problems


def _refusal(kinds: list[ProblemType]) -> _Json:
    types = {"properties": {"type": {"enum": [kind.uri for kind in kinds]}}}
    schema = {"allOf": [{"$ref": "#/components/schemas/Problem"}, types]}
    return {
        "description": "; ".join(f"{kind.slug}: {kind.title}" for kind in kinds),
        "content": {MEDIA_TYPE: {"schema": schema}},
    }
