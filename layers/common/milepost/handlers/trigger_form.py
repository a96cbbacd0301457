"""POST /v1/{store}/forms/{form} takes a sign-up; /v1/{store}/confirm/{token} confirms one."""

from typing import Any

from milepost.handlers.cold_start import warm
from milepost.handlers.cors import preflight, shared
from milepost.handlers.http import HttpError, Request, Response, answer, http, page
from milepost.handlers.log import count, logger
from milepost.handlers.request_body import form_fields, is_json, json_object
from milepost.pages.form import Form, Wrong, origins
from milepost.pages.form_html import (
    confirm_page,
    confirmed_page,
    late_page,
    many_page,
    received_page,
    wrong_page,
)
from milepost.pages.layout import stale_page
from milepost.pages.sign_up import Caller, TooMany
from milepost.stores.settings import StoreSettings
from milepost.wiring import core, pages

AN_HOUR = "3600"


def respond(request: Request) -> Response:
    if "token" in request.path:
        return _confirm(request)
    found = pages.sign_ups().form(request.store, request.path.get("form", ""))
    if found is None:
        raise HttpError(404, "unknown_form", "settings.json of this store has no such form")
    form, settings = found
    allowed = origins(settings)
    if request.method == "OPTIONS":
        return preflight(request, allowed)
    if is_json(request):
        return shared(_take_json(request, form), request, allowed)
    return _take_form(request, form, settings)


def _take_json(request: Request, form: Form) -> Response:
    """Errors are answers here, not exceptions: the page that asked has to be able to read them."""
    try:
        outcome = _take(request, form, json_object(request))
        if isinstance(outcome, TooMany):
            raise HttpError(429, "too_many", "many sign-ups from there: try again in an hour")
        if isinstance(outcome, Wrong):
            raise HttpError(422, outcome.code, outcome.reason, outcome.field)
    except HttpError as error:
        response = answer(error.status, {"error": error.error})
        retry = {"retry-after": AN_HOUR} if error.status == 429 else {}
        return {**response, "headers": {**response["headers"], **retry}}
    return answer(202, {"status": "accepted"})


def _take_form(request: Request, form: Form, settings: StoreSettings) -> Response:
    """A page for whoever sits before the browser, or a way to the shop's own page of thanks."""
    posted = {name: values[0] for name, values in form_fields(request).items()}
    outcome = _take(request, form, posted)
    locale = posted.get("locale") or _wished(request) or settings.default_locale
    if isinstance(outcome, TooMany):
        response = page(429, many_page(locale))
        return {**response, "headers": {**response["headers"], "retry-after": AN_HOUR}}
    if isinstance(outcome, Wrong):
        return page(422, wrong_page(locale, outcome.code))
    response = page(200, received_page(locale, settings.name or request.store, form.double_opt_in))
    if form.redirect:
        way = {"location": form.redirect}
        return {**response, "statusCode": 303, "headers": {**response["headers"], **way}}
    return response


def _take(request: Request, form: Form, posted: dict[str, Any]) -> Any:
    outcome = pages.sign_ups().take(
        request.store, form, posted, _caller(request), core.clock().now()
    )
    if isinstance(outcome, TooMany):
        count("SignUpsLimited")
    elif not isinstance(outcome, Wrong):
        logger.info("signed up", extra={"store": request.store, "form": form.name})
        count("SignUps")
        if not outcome.kept:
            count("SignUpsDropped")
    return outcome


def _confirm(request: Request) -> Response:
    """GET shows a page, POST confirms; a link that is not ours is told nothing."""
    now = core.clock().now()
    opened = pages.confirmer().open(request.store, request.path["token"], now)
    if opened is None:
        count("ConfirmLinksRefused")
        return page(404, stale_page())
    if opened.late:
        return page(410, late_page(opened))
    if request.method != "POST" or form_fields(request).get("do") != ["confirm"]:
        return page(200, confirm_page(opened))
    pages.confirmer().confirm(opened, _caller(request), now)
    logger.info("confirmed", extra={"store": request.store, "form": opened.claim.form})
    return page(200, confirmed_page(opened))


def _caller(request: Request) -> Caller:
    return Caller(request.ip, request.headers.get("user-agent", ""))


def _wished(request: Request) -> str:
    """The first language that the browser asks for."""
    return request.headers.get("accept-language", "").partition(",")[0].partition(";")[0].strip()


handler = http(respond)
warm(pages.sign_ups, pages.confirmer, core.clock)
