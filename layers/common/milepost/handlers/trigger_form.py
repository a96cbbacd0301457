"""POST /v1/{store}/forms/{form} records a sign-up; /v1/{store}/confirm/{token} confirms it."""

from typing import Any

from milepost.handlers.cold_start import preload
from milepost.handlers.cors import cors_headers, preflight
from milepost.handlers.http import HttpError, HttpRequest, Response, answer, http, page
from milepost.handlers.log import count_metric, logger
from milepost.handlers.request_body import form_fields, is_json, json_object
from milepost.pages.form import Form, FormError, origins
from milepost.pages.form_html import (
    confirm_page,
    confirmed_page,
    expired_page,
    rate_limited_page,
    received_page,
    wrong_page,
)
from milepost.pages.layout import invalid_link_page
from milepost.pages.sign_up import FormVisitor, SignUpRateLimited
from milepost.stores.settings import StoreSettings
from milepost.wiring import core, pages

RETRY_AFTER = "3600"


def respond(request: HttpRequest) -> Response:
    if "token" in request.path:
        return _confirm(request)
    found = pages.sign_up_forms().form(request.store, request.path.get("form", ""))
    if found is None:
        raise HttpError(404, "unknown_form", "settings.json of this store has no such form")
    form, settings = found
    allowed = origins(settings)
    if request.method == "OPTIONS":
        return preflight(request, allowed)
    if is_json(request):
        return cors_headers(_take_json(request, form), request, allowed)
    return _take_form(request, form, settings)


def _take_json(request: HttpRequest, form: Form) -> Response:
    """Return errors as answers, not exceptions, so that they get CORS headers and the page can read
    them."""
    try:
        outcome = _take(request, form, json_object(request))
        if isinstance(outcome, SignUpRateLimited):
            raise HttpError(429, "too_many", "many sign-ups from there: try again in an hour")
        if isinstance(outcome, FormError):
            raise HttpError(422, outcome.code, outcome.reason, outcome.field)
    except HttpError as error:
        response = answer(error.status, {"error": error.error})
        retry = {"retry-after": RETRY_AFTER} if error.status == 429 else {}
        return {**response, "headers": {**response["headers"], **retry}}
    return answer(202, {"status": "accepted"})


def _take_form(request: HttpRequest, form: Form, settings: StoreSettings) -> Response:
    """Answer with a page, or redirect to the shop's own thank-you page."""
    posted = {name: values[0] for name, values in form_fields(request).items()}
    outcome = _take(request, form, posted)
    locale = posted.get("locale") or _browser_language(request) or settings.default_locale
    if isinstance(outcome, SignUpRateLimited):
        response = page(429, rate_limited_page(locale))
        return {**response, "headers": {**response["headers"], "retry-after": RETRY_AFTER}}
    if isinstance(outcome, FormError):
        return page(422, wrong_page(locale, outcome.code))
    response = page(200, received_page(locale, settings.name or request.store, form.double_opt_in))
    if form.redirect:
        location = {"location": form.redirect}
        return {**response, "statusCode": 303, "headers": {**response["headers"], **location}}
    return response


def _take(request: HttpRequest, form: Form, posted: dict[str, Any]) -> Any:
    outcome = pages.sign_up_forms().take(
        request.store, form, posted, _caller(request), core.clock().now()
    )
    if isinstance(outcome, SignUpRateLimited):
        count_metric("SignUpsRateLimited")
    elif not isinstance(outcome, FormError):
        logger.info("signed up", extra={"store": request.store, "form": form.name})
        count_metric("SignUps")
        if not outcome.kept:
            count_metric("SignUpsDropped")
    return outcome


def _confirm(request: HttpRequest) -> Response:
    """GET shows a page, POST confirms. An invalid link gets no details."""
    now = core.clock().now()
    opened = pages.sign_up_confirmation().open(request.store, request.path["token"], now)
    if opened is None:
        count_metric("ConfirmLinksRefused")
        return page(404, invalid_link_page())
    if opened.late:
        return page(410, expired_page(opened))
    if request.method != "POST" or form_fields(request).get("action") != ["confirm"]:
        return page(200, confirm_page(opened))
    pages.sign_up_confirmation().confirm(opened, _caller(request), now)
    logger.info("confirmed", extra={"store": request.store, "form": opened.claim.form})
    return page(200, confirmed_page(opened))


def _caller(request: HttpRequest) -> FormVisitor:
    return FormVisitor(request.ip, request.headers.get("user-agent", ""))


def _browser_language(request: HttpRequest) -> str:
    """The first language in the browser's Accept-Language."""
    return request.headers.get("accept-language", "").partition(",")[0].partition(";")[0].strip()


handler = http(respond)
preload(pages.sign_up_forms, pages.sign_up_confirmation, core.clock)
