"""Which websites' scripts may read our answers: those that the store names, and no others."""

from collections.abc import Collection

from milepost.handlers.http import HttpError, HttpRequest, Response


def cors_headers(response: Response, request: HttpRequest, allowed: Collection[str]) -> Response:
    """The answer, readable for the page that asked if its website is one of those allowed."""
    origin = request.headers.get("origin")
    headers = {"vary": "origin"}
    if origin in allowed:
        headers["access-control-allow-origin"] = str(origin)
    return {**response, "headers": {**response["headers"], **headers}}


def preflight(request: HttpRequest, allowed: Collection[str]) -> Response:
    """What a browser asks before a script may post JSON to another website than its own."""
    headers = {
        "access-control-allow-methods": "POST",
        "access-control-allow-headers": "content-type",
        "access-control-max-age": "86400",
        "cache-control": "no-store",
    }
    return cors_headers({"statusCode": 204, "headers": headers, "body": ""}, request, allowed)


def require_origin(request: HttpRequest, allowed: Collection[str]) -> None:
    """Refuse a page of another website. Only a browser says where it is; others are let through."""
    origin = request.headers.get("origin")
    if origin is not None and origin not in allowed:
        raise HttpError(
            403, "foreign_origin", "this website is not among origins in the store's settings.json"
        )
