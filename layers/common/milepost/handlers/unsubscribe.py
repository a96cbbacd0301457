"""GET shows a page, POST unsubscribes the recipient: by button or by RFC 8058 one-click."""

import re
from urllib.parse import parse_qs

from milepost.handlers.cold_start import preload
from milepost.handlers.http import HttpRequest, Response, http, page
from milepost.handlers.http import answer as json_answer
from milepost.handlers.log import count_metric, logger
from milepost.pages.layout import invalid_link_page
from milepost.pages.unsubscribe import Scope, UnsubscribeEvidence
from milepost.pages.unsubscribe_html import done_page, question_page
from milepost.wiring import core, pages


def respond(request: HttpRequest) -> Response:
    """Every invalid link gets the same page, without details."""
    opened = pages.unsubscriber().open(request.store, request.path.get("token", ""))
    if opened is None:
        count_metric("UnsubscribeLinksRefused")
        return page(404, invalid_link_page())
    if request.method != "POST":
        return page(200, question_page(opened))
    fields = _form(request)
    one_click = fields.get("List-Unsubscribe") == "One-Click"
    scope: Scope = "all" if fields.get("scope") == "all" else "topic"
    proof = UnsubscribeEvidence(
        method="one-click" if one_click else "page",
        ip=request.ip,
        user_agent=request.headers.get("user-agent", ""),
    )
    pages.unsubscriber().unsubscribe(opened.claim, scope, proof, core.clock().now())
    logger.info(
        "unsubscribed", extra={"store": request.store, "method": proof.method, "scope": scope}
    )
    return (
        json_answer(200, {"status": "unsubscribed"})
        if one_click
        else page(200, done_page(opened, scope))
    )


def _form(request: HttpRequest) -> dict[str, str]:
    """Parse both encodings of RFC 8058: `x-www-form-urlencoded` and `multipart/form-data`."""
    kind = request.headers.get("content-type", "").lower()
    text = request.body.decode("utf-8", "replace")
    if kind.startswith("multipart/form-data"):
        return dict(_PART.findall(text.replace("\r\n", "\n")))
    return {name: values[0] for name, values in parse_qs(text).items()}


_PART = re.compile(
    r'^content-disposition:[^\n]{0,200}?;[ \t]*name="?(List-Unsubscribe|scope)"?[ \t]*'
    r"(?:;[^\n]*)?\n(?:[^\n]+\n){0,9}\n([A-Za-z-]*)",
    re.IGNORECASE | re.MULTILINE,
)
"""A small field of a multipart body, with any boundary and any other headers."""


handler = http(respond)
preload(pages.unsubscriber, core.clock)
