"""GET /v1/{store}/view/{token}: the e-mail that contained the link, as a page."""

from milepost.handlers.cold_start import preload
from milepost.handlers.http import HttpRequest, Response, http, page
from milepost.handlers.log import count_metric
from milepost.pages.layout import invalid_link_page
from milepost.pages.view_html import unavailable_page
from milepost.wiring import core, pages

POLICY = (
    "default-src 'none'; img-src https: http:; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"
)
"""An e-mail may load images from any server and runs nothing, whatever its template or values
contain."""


def respond(request: HttpRequest) -> Response:
    """Every invalid link gets the same page, without details."""
    now = core.clock().now()
    shown = pages.mail_viewer().open(request.store, request.path.get("token", ""), now)
    if shown is None:
        count_metric("ViewLinksRefused")
        return page(404, invalid_link_page())
    if shown.html is None:
        return page(410, unavailable_page(shown.locale, shown.store_name))
    response = page(200, shown.html)
    response["headers"]["content-security-policy"] = POLICY
    return response


handler = http(respond)
preload(pages.mail_viewer, core.clock)
