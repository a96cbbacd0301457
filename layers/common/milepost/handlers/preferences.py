"""GET and POST /v1/{store}/preferences/{token}: what a reader gets, and when."""

from milepost.base import instants
from milepost.contacts.preferences import snoozed_until, today
from milepost.handlers.cold_start import warm
from milepost.handlers.http import Request, Response, http, page
from milepost.handlers.log import count, logger
from milepost.handlers.request_body import form_fields
from milepost.pages.layout import spoken, stale_page
from milepost.pages.preferences import Caller, Opened
from milepost.pages.preferences_html import TEXTS, preferences_page
from milepost.wiring import core, pages


def respond(request: Request) -> Response:
    """A link that we did not make gets the same page whatever is wrong with it, and no details."""
    desk, now = pages.preference_desk(), core.clock().now()
    opened = desk.open(request.store, request.path.get("token", ""))
    if opened is None:
        count("PreferenceLinksRefused")
        return page(404, stale_page())
    if request.method == "POST":
        caller = Caller(request.ip, request.headers.get("user-agent", ""))
        opened = desk.save(opened, form_fields(request), caller, now)
        logger.info("preferences", extra={"store": request.store, "said": opened.said})
    until = snoozed_until(opened.profile, now)
    html = preferences_page(
        opened,
        today(opened.profile, opened.settings, now),
        instants.show(until) if until else "",
        lambda day: _written(day, opened),
    )
    return page(422 if opened.said == "bad_date" else 200, html)


def _written(day: str, opened: Opened) -> str:
    """A day as the reader writes it; only a page with one needs Babel, which takes 50 ms."""
    from milepost.templates.formats import moment

    _, language = spoken(opened.locale, TEXTS)
    zone = opened.profile.get("timezone") or opened.settings.timezone
    try:
        return moment(day, "long", language, zone)
    except ValueError:
        return day  # the shop wrote something else there


handler = http(respond)
warm(pages.preference_desk, core.clock)
