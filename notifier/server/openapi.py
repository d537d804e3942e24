"""the table of routes and the webhooks → their description, as OpenAPI 3.1 has it."""

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from http import HTTPStatus
from types import NoneType, UnionType
from typing import Any, get_args

from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from notifier import __version__
from notifier.server.access import READING
from notifier.server.problems import Document
from notifier.server.routes import Route
from notifier.server.webhooks import BODIES

REF = "#/components/schemas/{model}"
PROBLEM = {"description": "What is wrong, and what would cure it", "content": {}}
SIGNED = {
    "webhook-id": "The event's id: what was had before under it is the same",
    "webhook-timestamp": "Of this attempt, in Unix seconds",
    "webhook-signature": "v1 (HMAC-SHA256) or v1a (Ed25519) over id, timestamp and body; several with blanks between",
}
Model = type[BaseModel]
Schema = dict[str, Any]


def routes(described: Iterable[Route]) -> list[Route]:
    """The document itself, of these routes and of this one."""
    table = list(described)

    @cache
    def text() -> str:
        return json.dumps(document(table))

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=text(), content_type="application/json")

    table.append(Route("GET", "/openapi.json", "This description", answer))
    return table[-1:]


def document(routes: Iterable[Route]) -> Schema:
    """The description of these routes and of every webhook."""
    table = list(routes)
    takes: list[Model] = [route.takes for route in table if route.takes is not None]
    tells = [model for route in table for answer in route.answers.values() for model in _models(answer)]
    modes: list[tuple[Model, JsonSchemaMode]] = [(model, "validation") for model in takes]
    tells += [*BODIES.values(), Document]
    modes += [(model, "serialization") for model in tells]
    refs, found = models_json_schema(list(dict.fromkeys(modes)), ref_template=REF)
    schemas = found["$defs"]
    shown = _Schemas(refs, schemas)
    paths: dict[str, Schema] = {}
    for route in table:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, shown)
    return {
        "openapi": "3.1.1",
        "info": {"title": "notifier", "version": __version__},
        "security": [{"token": []}, {"password": []}],
        "paths": paths,
        "webhooks": {type_: {"post": _webhook(type_, shown)} for type_ in BODIES},
        "components": {
            "schemas": {name: schemas[name] for name in sorted(schemas.keys() - shown.needless)},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "password": {"type": "http", "scheme": "basic", "description": "The token, for any user"},
            },
        },
    }


def events() -> Schema:
    """A schema of which every webhook is one, with one for each type of event under `$defs`."""
    modes: list[tuple[Model, JsonSchemaMode]] = [(model, "serialization") for model in BODIES.values()]
    refs, found = models_json_schema(list(dict.fromkeys(modes)))
    typed = {type_: _typed(type_, refs[model, "serialization"]) for type_, model in BODIES.items()}
    some = [{"$ref": f"#/$defs/{type_}"} for type_ in typed]
    return {"title": "A webhook of notifier", "oneOf": some, "$defs": {**found["$defs"], **typed}}


def _typed(type_: str, body: Schema) -> Schema:
    return {"allOf": [body, {"properties": {"type": {"const": type_}}}]}


class _Schemas:
    """The schemas of the models, by reference; those whose members are parameters are none by themselves."""

    def __init__(self, refs: Mapping[Any, Schema], schemas: Mapping[str, Schema]) -> None:
        self._refs = refs
        self._schemas = schemas
        self.inlined: set[str] = set()
        self._named: set[str] = set()

    @property
    def needless(self) -> set[str]:
        """Those that nothing refers to."""
        return self.inlined - self._named

    def taken(self, model: Model) -> Schema:
        self._named.add(_name(self._refs[model, "validation"]))
        return self._refs[model, "validation"]

    def told(self, model: Model) -> Schema:
        return self._refs[model, "serialization"]

    def members(self, model: Model) -> Schema:
        name = _name(self._refs[model, "validation"])
        self.inlined.add(name)
        return self._schemas[name]


def _name(reference: Schema) -> str:
    return str(reference["$ref"]).rpartition("/")[2]


def _operation(route: Route, shown: _Schemas) -> Schema:
    named = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)", route.path)
    ]
    operation: Schema = {"summary": route.summary, "operationId": _id(route)}
    if route.takes is not None and route.method in READING:
        named += _parameters(shown.members(route.takes))
    elif route.takes is not None and route.takes.model_fields:
        content = {"application/json": {"schema": shown.taken(route.takes)}}
        is_required = any(one.is_required() for one in route.takes.model_fields.values())
        operation["requestBody"] = {"required": is_required, "content": content}
    if named:
        operation["parameters"] = named
    answers = {str(int(status)): _answer(status, answer, shown) for status, answer in route.answers.items()}
    problem = {"application/problem+json": {"schema": shown.told(Document)}}
    operation["responses"] = {
        **(answers or {"200": {"description": HTTPStatus.OK.phrase}}),
        "default": PROBLEM | {"content": problem},
    }
    if route.is_open:
        operation["security"] = []
    return operation


def _id(route: Route) -> str:
    """`get /v1/events/{event}` → `get_v1_events_event`; a path with a slash at its end is another one."""
    end = "_" if route.path.endswith("/") and route.path != "/" else ""
    return re.sub(r"\W+", "_", f"{route.method.lower()}{route.path}").strip("_") + end


def _parameters(schema: Schema) -> list[Schema]:
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _there(member)}
        for name, member in schema.get("properties", {}).items()
    ]


def _there(member: Schema) -> Schema:
    """A parameter that may be left out is never null."""
    kept = {name: value for name, value in member.items() if (name, value) != ("default", None)}
    among = [one for one in kept.pop("anyOf", [kept]) if one != {"type": "null"}]
    return {**kept, **among[0]}


def _answer(status: int, answer: Any, shown: _Schemas) -> Schema:
    models = [shown.told(model) for model in _models(answer)]
    described: Schema = {"description": HTTPStatus(status).phrase}
    if models:
        schema = models[0] if len(models) == 1 else {"anyOf": models}
        described["content"] = {"application/json": {"schema": schema}}
    return described


def _models(answer: Any) -> list[Model]:
    if isinstance(answer, UnionType):
        return [one for one in get_args(answer) if one is not NoneType]
    return [] if answer is None else [answer]


def _webhook(type_: str, shown: _Schemas) -> Schema:
    headers = [
        {"name": name, "in": "header", "required": True, "description": words, "schema": {"type": "string"}}
        for name, words in SIGNED.items()
    ]
    schema = _typed(type_, shown.told(BODIES[type_]))
    return {
        "summary": type_,
        "operationId": type_.replace(".", "_"),
        "security": [],
        "parameters": headers,
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "responses": {
            "2XX": {"description": "Taken: it does not come again"},
            "410": {"description": "The endpoint is paused: nothing more comes until a person resumes it"},
            "default": {"description": "It comes again later"},
        },
    }
