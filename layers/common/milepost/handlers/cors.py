"""CORS: which websites' scripts may read our answers. The store's settings name them."""

from collections.abc import Collection

from milepost.handlers.http import HttpError, HttpRequest, Response


def cors_headers(response: Response, request: HttpRequest, allowed: Collection[str]) -> Response:
    """Add the CORS headers to the answer if the requesting website is allowed."""
    origin = request.headers.get("origin")
    headers = {"vary": "origin"}
    if origin in allowed:
        headers["access-control-allow-origin"] = str(origin)
    return {**response, "headers": {**response["headers"], **headers}}


def preflight(request: HttpRequest, allowed: Collection[str]) -> Response:
    """Answer the preflight request that a browser sends before a script posts JSON cross-origin."""
    headers = {
        "access-control-allow-methods": "POST",
        "access-control-allow-headers": "content-type",
        "access-control-max-age": "86400",
        "cache-control": "no-store",
    }
    return cors_headers({"statusCode": 204, "headers": headers, "body": ""}, request, allowed)


def require_origin(request: HttpRequest, allowed: Collection[str]) -> None:
    """Refuse a page of another website. Only browsers send an origin; requests without one pass."""
    origin = request.headers.get("origin")
    if origin is not None and origin not in allowed:
        raise HttpError(
            403, "foreign_origin", "this website is not among origins in the store's settings.json"
        )
