"""Builds the OpenAPI document from a list of routes."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from milepost.shops import PLATFORMS
from milepost_tools.openapi.models import Error, TooMany
from milepost_tools.openapi.route import JSON, Access, Route
from milepost_tools.openapi.routes import ROUTES

Json = dict[str, Any]

_REF = "#/components/schemas/{model}"

_PATH: Mapping[str, Json] = {
    "store": {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,29}$"},
    "contact": {"type": "string", "pattern": "^c[0-9a-f]{25}$"},
    "name": {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,39}$"},
    "list": {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,39}$"},
    "request": {"type": "string", "pattern": "^r[0-9a-f]{32}$"},
    "token": {"type": "string", "minLength": 1},
    "source": {"type": "string", "enum": [*PLATFORMS]},
    "form": {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,39}$"},
}

_SCHEMES: Mapping[str, Json] = {
    "signature": {
        "type": "apiKey",
        "in": "header",
        "name": "Milepost-Signature",
        "description": "`t=<unix seconds>,v2=<hex HMAC-SHA256>`, see docs/api.md.",
    },
    "bearer": {"type": "http", "scheme": "bearer"},
    **{
        name: {
            "type": "apiKey",
            "in": "header",
            "name": load().api_doc.header,
            "description": load().api_doc.description,
        }
        for name, load in PLATFORMS.items()
    },
}

_SECURITY: Mapping[Access, list[Json]] = {
    "store": [{"signature": []}, {"bearer": []}],
    "platform": [{name: []} for name in PLATFORMS],
    "anyone": [],
}

_STATUS = {
    200: "Done, or done before",
    202: "Accepted",
    204: "No content",
    207: "Some events were refused",
    303: "Redirect to the shop's page",
    304: "Not modified",
    400: "Unreadable request",
    401: "Missing or wrong signature",
    403: "Origin not allowed",
    404: "Not found",
    409: "Conflict",
    410: "Expired",
    413: "Too large",
    415: "Unsupported content type",
    422: "Invalid request",
    429: "Too many requests",
    500: "Internal error",
    503: "Throttled or not configured",
}

_ERRORS = tuple(status for status in _STATUS if status >= 400)

_KEY: Json = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Repeated calls with one key take effect once.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
}


def document(routes: Sequence[Route] = ROUTES) -> Json:
    """The OpenAPI 3.1 document as plain JSON."""
    named = [model for route in routes for model in route.models()]
    models: list[type[BaseModel]] = list(dict.fromkeys([Error, TooMany, *named]))
    schemas = models_json_schema([(m, "validation") for m in models], ref_template=_REF)[1]
    paths: Json = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Milepost",
            "version": "1",
            "description": "Lifecycle e-mail for online shops. See docs/api.md.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [
            {
                "url": "https://{host}",
                "variables": {
                    "host": {"default": "api.example.com", "description": "ApiUrl of the stack"}
                },
            }
        ],
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in routes)],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "responses": {_name(status): _answer(status) for status in _ERRORS},
            "securitySchemes": dict(_SCHEMES),
        },
    }


def text(routes: Sequence[Route] = ROUTES) -> str:
    """The document as the repository stores it."""
    return json.dumps(document(routes), indent=2, ensure_ascii=False) + "\n"


def _operation(route: Route) -> Json:
    operation: Json = {
        "operationId": route.name,
        "summary": route.says,
        "tags": [route.tag],
        "security": _SECURITY[route.access],
        "parameters": [*_path(route), *_query(route), *([_KEY] if route.repeats else [])],
        "responses": _responses(route),
    }
    if route.bodies():
        content = {media: {"schema": _ref(model)} for media, model in route.bodies().items()}
        operation["requestBody"] = {"required": route.access != "anyone", "content": content}
    return operation | dict(route.extra)


def _path(route: Route) -> list[Json]:
    names = [part[1:-1] for part in route.path.split("/") if part.startswith("{")]
    return [{"name": n, "in": "path", "required": True, "schema": _PATH[n]} for n in names]


def _query(route: Route) -> list[Json]:
    if route.query is None:
        return []
    described = route.query.model_json_schema()["properties"]
    return [
        {"name": name, "in": "query", "required": False, "schema": _plain(schema)}
        for name, schema in described.items()
    ]


def _plain(schema: Mapping[str, Any]) -> Json:
    """Drop null from a parameter's types: a URL cannot contain null."""
    types = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name not in ("anyOf", "title")}
    if rest.get("default", "") is None:
        del rest["default"]
    return {**(types[0] if types else {}), **rest}


def _responses(route: Route) -> Json:
    responses: Json = {}
    for status in route.answers:
        content = {
            media: {"schema": {"type": "string"} if model is None else _ref(model)}
            for media, model in route.media(status).items()
        }
        responses[str(status)] = {
            "description": _STATUS[status],
            **({"content": content} if content else {}),
        }
    for status in (*route.errors, 429, 500):
        responses[str(status)] = {"$ref": f"#/components/responses/{_name(status)}"}
    return dict(sorted(responses.items()))


def _answer(status: int) -> Json:
    model = TooMany if status == 429 else Error
    return {"description": _STATUS[status], "content": {JSON: {"schema": _ref(model)}}}


def _name(status: int) -> str:
    return f"Error{status}"


def _ref(model: type[BaseModel]) -> Json:
    """A reference to a model, under the name that pydantic gives it: `Page[X]` is `Page_X_`."""
    name = "".join(c if c.isalnum() or c in "._-" else "_" for c in model.__name__)
    return {"$ref": _REF.format(model=name)}
