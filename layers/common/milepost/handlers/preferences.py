"""GET and POST /v1/{store}/preferences/{token}: what e-mail a recipient gets, and when."""

from milepost.base import times
from milepost.contacts.preferences import local_date, snoozed_until
from milepost.handlers.cold_start import preload
from milepost.handlers.http import HttpRequest, Response, http, page
from milepost.handlers.log import count_metric, logger
from milepost.handlers.request_body import form_fields
from milepost.pages.layout import invalid_link_page, supported_language
from milepost.pages.preferences import PreferencesPage, PreferencesVisitor
from milepost.pages.preferences_html import TEXTS, preferences_page
from milepost.wiring import core, pages


def respond(request: HttpRequest) -> Response:
    """Every invalid link gets the same page, without details."""
    service, now = pages.preferences_service(), core.clock().now()
    opened = service.open(request.store, request.path.get("token", ""))
    if opened is None:
        count_metric("PreferenceLinksRefused")
        return page(404, invalid_link_page())
    if request.method == "POST":
        caller = PreferencesVisitor(request.ip, request.headers.get("user-agent", ""))
        opened = service.save(opened, form_fields(request), caller, now)
        logger.info("preferences changed", extra={"store": request.store, "result": opened.said})
    until = snoozed_until(opened.profile, now)
    html = preferences_page(
        opened,
        local_date(opened.profile, opened.settings, now),
        times.format_instant(until) if until else "",
        lambda day: _format_date(day, opened),
    )
    return page(422 if opened.said == "bad_date" else 200, html)


def _format_date(day: str, opened: PreferencesPage) -> str:
    """Format a date for the recipient. Only a page with a date imports Babel, which takes 50 ms."""
    from milepost.templates.formats import moment

    _, language = supported_language(opened.locale, TEXTS)
    zone = opened.profile.get("timezone") or opened.settings.timezone
    try:
        return moment(day, "long", language, zone)
    except ValueError:
        return day  # the shop stored something that is not a date


handler = http(respond)
preload(pages.preferences_service, core.clock)
