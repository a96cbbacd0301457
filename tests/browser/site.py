"""A local server for the functions of the public pages, with the routes of template.yaml."""

import importlib
import socket
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from samtranslator.yaml_helper import yaml_parse
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from local.stack.web_server import WebServer
from tests.support.template import TEMPLATE

FOLDERS = ("unsubscribe", "preferences", "view", "trigger_form", "trigger_browser")


class Pages(dict[str, str]):
    """The shop's own pages, by path."""


@contextmanager
def serving(pages: Pages) -> Iterator[str]:
    """Serve the API and the shop's pages until the block ends; yields the address."""
    routes = [*_routes(), Route("/shop/{name}", lambda r: _page(pages, r))]
    listener = socket.create_server(("127.0.0.1", 0))
    served = WebServer(Starlette(routes=routes), listener, "site")
    try:
        yield f"http://localhost:{listener.getsockname()[1]}"
    finally:
        served.stop()


def _page(pages: Pages, request: Request) -> Response:
    return HTMLResponse(pages[request.path_params["name"]])


def _routes() -> Iterator[Route]:
    for resource in yaml_parse(TEMPLATE.read_text())["Resources"].values():
        folder = str(resource.get("Properties", {}).get("CodeUri", "")).removeprefix("functions/")
        if folder not in FOLDERS:
            continue
        handler = importlib.import_module(f"functions.{folder}.app").handler
        for event in resource["Properties"]["Events"].values():
            wanted = event["Properties"]
            yield Route(wanted["Path"], _endpoint(handler), methods=[wanted["Method"]])


def _endpoint(handler: Any) -> Any:
    async def call(request: Request) -> Response:
        event = {
            "version": "2.0",
            "headers": dict(request.headers),
            "body": b64encode(await request.body()).decode(),
            "isBase64Encoded": True,
            "pathParameters": dict(request.path_params),
            "requestContext": {"http": {"method": request.method, "sourceIp": "127.0.0.1"}},
        }
        answer = await run_in_threadpool(handler, event, None)
        return Response(answer["body"], answer["statusCode"], dict(answer["headers"]))

    return call
