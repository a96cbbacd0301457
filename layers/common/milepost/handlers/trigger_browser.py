"""POST /v1/{store}/browser records browsing events; GET /v1/{store}/milepost.js is the script."""

from hashlib import sha256
from pathlib import Path

import milepost
from milepost.handlers.cold_start import preload
from milepost.handlers.cors import cors_headers, preflight, require_origin
from milepost.handlers.http import HttpError, HttpRequest, Response, answer, http, store_secrets
from milepost.handlers.log import count_metric
from milepost.handlers.request_body import json_object
from milepost.pages.browser_events import BrowserRateLimitedError, UnknownBrowserKeyError
from milepost.pages.browser_report import InvalidReport
from milepost.pages.form import origins
from milepost.wiring import core, pages

SCRIPT = (Path(milepost.__file__).parent / "static" / "milepost.js").read_text("utf-8")
TAG = f'"{sha256(SCRIPT.encode()).hexdigest()[:16]}"'
MAX_REPORT = 64 * 1024
"""In bytes; a browser's beacon cannot be larger either."""


def respond(request: HttpRequest) -> Response:
    if request.method in {"GET", "HEAD"}:
        return _script(request)
    keys = store_secrets(core.secrets(), request.store)
    allowed = origins(pages.browser_events().settings(request.store))
    if request.method == "OPTIONS":
        return preflight(request, allowed)
    require_origin(request, allowed)
    if not keys.browser:
        raise HttpError(503, "no_secret", "this store has no browser-key yet: put one in SSM")
    if len(request.body) > MAX_REPORT:
        raise HttpError(413, "body_too_large", "a browser may report 64 KB at once")
    outcome = pages.browser_events().accept(
        request.store, keys, json_object(request), request.ip, core.clock().now()
    )
    if isinstance(outcome, UnknownBrowserKeyError):
        raise HttpError(401, "bad_key", "the key is not the store's browser-key")
    if isinstance(outcome, InvalidReport):
        raise HttpError(422, "bad_report", outcome.reason, outcome.field)
    if isinstance(outcome, BrowserRateLimitedError):
        raise HttpError(429, "too_many", "much was reported from there: go on in an hour")
    if outcome.left_out:
        count_metric("BrowserEventsIgnored", outcome.left_out)
    return cors_headers(answer(202, {"status": "accepted"}), request, allowed)


def _script(request: HttpRequest) -> Response:
    """The script is the same for every store: the page contains the key."""
    headers = {
        "content-type": "text/javascript; charset=utf-8",
        "cache-control": "public, max-age=3600",
        "etag": TAG,
        "x-content-type-options": "nosniff",
        "cross-origin-resource-policy": "cross-origin",
    }
    if request.headers.get("if-none-match") == TAG:
        return {"statusCode": 304, "headers": headers, "body": ""}
    return {"statusCode": 200, "headers": headers, "body": SCRIPT}


handler = http(respond)
preload(pages.browser_events, core.clock)
