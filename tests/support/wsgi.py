"""The HTTP API as a WSGI application: the template's routes in front of the functions, in process.

It does what API Gateway does: finds the route, decodes the path, passes text as text and everything
else as base64, and answers 404 itself if there is no route.
"""

import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from http import HTTPStatus
from importlib import import_module
from typing import Any
from urllib.parse import parse_qsl, unquote

from tests.support.aws_events import sample
from tests.support.template import read_stack

Json = dict[str, Any]
Handler = Callable[[Json, Any], Json]
StartResponse = Callable[[str, list[tuple[str, str]]], object]


@cache
def routes() -> Mapping[str, str]:
    """The route keys of the template, each with its function's folder."""
    found = {}
    for resource in read_stack().source["Resources"].values():
        for event in resource.get("Properties", {}).get("Events", {}).values():
            if event["Type"] == "HttpApi":
                key = f"{event['Properties']['Method']} {event['Properties']['Path']}"
                found[key] = resource["Properties"]["CodeUri"].removeprefix("functions/")
    return found


def handler_of(folder: str) -> Handler:
    found: Handler = import_module(f"functions.{folder}.app").handler
    return found


def find(method: str, path: str) -> tuple[str, dict[str, str]] | None:
    """The route of a request and its path parameters. A literal segment wins over a variable."""
    matches = []
    for key in routes():
        wanted, _, template = key.partition(" ")
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template))
        match = re.fullmatch(pattern, path)
        if match and wanted == method:
            matches.append((template.count("{"), key, match.groupdict()))
    if not matches:
        return None
    _, key, parts = min(matches)
    return key, {name: unquote(value) for name, value in parts.items()}


class Gateway:
    """The application. `sign` may change the event before it reaches a function."""

    def __init__(self, document: Json, sign: Callable[[Json], None] = lambda _: None) -> None:
        self.document = document
        self.sign = sign

    def __call__(self, environ: Mapping[str, Any], start: StartResponse) -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"]
        path = environ.get("RAW_URI") or environ["REQUEST_URI"]
        raw_path, query = path.partition("?")[0], environ.get("QUERY_STRING", "")
        if raw_path == "/openapi.json":
            return _answer(
                start, 200, {"content-type": "application/json"}, json.dumps(self.document)
            )
        found = find(method, raw_path)
        if found is None:
            return _answer(
                start, 404, {"content-type": "application/json"}, '{"message":"Not Found"}'
            )
        event = _event(environ, method, raw_path, query, *found)
        self.sign(event)
        answer = handler_of(routes()[found[0]])(event, None)
        return _answer(start, answer["statusCode"], answer["headers"], answer["body"])


def _event(
    environ: Mapping[str, Any], method: str, path: str, query: str, key: str, parts: Json
) -> Json:
    event = sample("api", "contacts.find")
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body: bytes = environ["wsgi.input"].read(length)
    event |= {
        "routeKey": key,
        "rawPath": path,
        "rawQueryString": query,
        "pathParameters": parts,
        "headers": dict(_headers(environ)),
        "body": b64encode(body).decode(),
        "isBase64Encoded": True,
    }
    if query:
        event["queryStringParameters"] = dict(parse_qsl(query, keep_blank_values=True))
    event["requestContext"] |= {"routeKey": key}
    event["requestContext"]["http"] |= {"method": method, "path": path}
    return event


def _headers(environ: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in environ.items():
        if name.startswith("HTTP_"):
            yield name.removeprefix("HTTP_").replace("_", "-").lower(), value
    if environ.get("CONTENT_TYPE"):
        yield "content-type", environ["CONTENT_TYPE"]


def _answer(
    start: StartResponse, status: int, headers: Mapping[str, str], body: str
) -> list[bytes]:
    start(f"{status} {HTTPStatus(status).phrase}", list(headers.items()))
    return [body.encode()]
