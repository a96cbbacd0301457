"""/v1/{store}/contacts...: the shop's own systems read and change contacts."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from milepost.api import bodies
from milepost.api.event_body import RefusedEventError
from milepost.api.pages import BadCursorError, ResultPage
from milepost.api.records import RecordScope
from milepost.api.write import Changed
from milepost.base import times
from milepost.base.names import is_contact, is_list, is_request
from milepost.base.strict_json import InvalidJsonError, read_json
from milepost.handlers.cold_start import preload
from milepost.handlers.http import HttpError, HttpRequest, Response, answer, authenticate, http
from milepost.wiring import api, core, privacy, tables

if TYPE_CHECKING:
    from milepost.privacy.request import Kind


MAX_RECORDS = 100
DEFAULT_RECORDS = 50


def respond(request: HttpRequest) -> Response:
    """Authenticate first: a request without a valid key does not learn which contacts exist."""
    authenticate(request, core.secrets(), core.clock().wire_now())
    route = ROUTES.get(request.route)
    if route is None:
        raise HttpError(404, "unknown_route", "there is no such route")
    try:
        return route(request)
    except InvalidJsonError as error:
        raise HttpError(400, "bad_json", str(error)) from None
    except RefusedEventError as error:
        raise HttpError(422, error.code, str(error), error.field) from None
    except BadCursorError as error:
        raise HttpError(422, "bad_cursor", f"{error}: begin without one", "cursor") from None


# --- reading ---


def find(request: HttpRequest) -> Response:
    identifiers = bodies.lookup(read_json(request.body))
    found = api.contact_queries().find(request.store, identifiers)
    return answer(200, _known(found))


def read(request: HttpRequest) -> Response:
    found = api.contact_queries().contact(request.store, _contact(request))
    return answer(200, _known(found))


def timeline(request: HttpRequest) -> Response:
    name = request.query.get("event", "")
    if "#" in name or len(name) > 100:
        raise HttpError(422, "bad_event", "no event has such a name", "event")
    view = RecordScope(
        now=core.clock().now(),
        name=name,
        since=_instant(request, "since"),
        until=_instant(request, "until"),
        size=_limit(request),
    )
    return _paged(request, partial(api.contact_queries().events, view=view))


def enrollments(request: HttpRequest) -> Response:
    return _paged(request, api.contact_queries().enrollments)


def messages(request: HttpRequest) -> Response:
    return _paged(request, api.contact_queries().messages)


def consents(request: HttpRequest) -> Response:
    return _paged(request, api.contact_queries().consents)


def _paged(
    request: HttpRequest, read_page: Callable[[str, str, str | None, int], ResultPage]
) -> Response:
    contact = _existing(request)
    page = read_page(request.store, contact, request.query.get("cursor"), _limit(request))
    return answer(200, {"items": page.records, "next": page.following})


# --- changing ---


def upsert(request: HttpRequest) -> Response:
    now = core.clock().now()
    event, has_timestamp = bodies.upsert(
        request.store, read_json(request.body), _idempotency_key(request), now
    )
    return _changed(api.contact_writer().upsert(event, has_timestamp, now))


def patch(request: HttpRequest) -> Response:
    contact, document = _existing(request), read_json(request.body)
    id_, has_timestamp, now = _event_id(request)
    event = bodies.patch(request.store, document, id_, now)
    return _changed(api.contact_writer().change(contact, event, has_timestamp, now))


def add_to_list(request: HttpRequest) -> Response:
    return _list(request, "added")


def remove_from_list(request: HttpRequest) -> Response:
    return _list(request, "removed")


def record_answer(request: HttpRequest) -> Response:
    contact, document = _existing(request), read_json(request.body)
    id_, has_timestamp, now = _event_id(request)
    event = bodies.answer(request.store, document, id_, now)
    return _changed(api.contact_writer().answer(contact, event, has_timestamp, now))


def _list(request: HttpRequest, change: str) -> Response:
    contact, name = _existing(request), request.path.get("list", "")
    if not is_list(name):
        raise HttpError(422, "bad_list", "a list's name is like vip-customers", "list")
    id_, has_timestamp, now = _event_id(request)
    event = bodies.listed(request.store, name, change, id_, now)
    return _changed(api.contact_writer().change(contact, event, has_timestamp, now))


def _changed(changed: Changed) -> Response:
    return answer(202 if changed.status == "accepted" else 200, changed._asdict())


# --- export and erasure ---


def erase(request: HttpRequest) -> Response:
    return _open_request(request, "erase")


def export(request: HttpRequest) -> Response:
    return _open_request(request, "export")


def _open_request(request: HttpRequest, kind: "Kind") -> Response:
    """Queue the request. Another function handles it, because a large contact exceeds one API
    call."""
    from milepost.privacy.request import request_id, request_record  # few calls need it

    contact, key, clock = _existing(request), _idempotency_key(request), core.clock()
    parts = (kind, request.store, contact, key) if key else (uuid4().hex,)
    id_ = request_id(*parts)
    opened = privacy.request_intake().open_request(
        kind, request.store, [contact], id_, clock.now(), clock.wire_now()
    )
    return answer(202, request_record(opened))


def request_status(request: HttpRequest) -> Response:
    from milepost.privacy.request import EXPORT_KEPT, request_record

    id_ = request.path.get("request", "")
    found = tables.privacy_requests().get(request.store, id_) if is_request(id_) else None
    if found is None:
        raise HttpError(404, "unknown_request", "there is no such request", "request")
    record = {**request_record(found), "url": None}
    done = found.done_at if found.kind == "export" and found.items else None
    if done is not None and core.clock().now() < done + EXPORT_KEPT:
        record["url"] = privacy.export_storage().link(request.store, id_)
    return answer(200, record)


# --- parsing the request ---


def _contact(request: HttpRequest) -> str:
    contact = request.path.get("contact", "")
    if not is_contact(contact):
        raise _unknown()
    return contact


def _existing(request: HttpRequest) -> str:
    known = api.contact_queries().known(request.store, _contact(request))
    if known is None:
        raise _unknown()
    return known


def _known(found: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if found is None:
        raise _unknown()
    return found


def _unknown() -> HttpError:
    return HttpError(404, "unknown_contact", "there is no such contact", "contact")


def _limit(request: HttpRequest) -> int:
    text = request.query.get("limit", str(DEFAULT_RECORDS))
    if not (text.isascii() and text.isdigit() and len(text) < 5 and 0 < int(text) <= MAX_RECORDS):
        raise HttpError(422, "bad_limit", f"limit must be 1 to {MAX_RECORDS}", "limit")
    return int(text)


def _instant(request: HttpRequest, name: str) -> datetime | None:
    text = request.query.get(name)
    try:
        return times.parse_instant(text) if text else None
    except ValueError:
        raise HttpError(
            422, "bad_time", f"{name} must be like 2026-11-22T09:30:00Z", name
        ) from None


def _idempotency_key(request: HttpRequest) -> str | None:
    """The idempotency key: it identifies a repeated request."""
    key = request.headers.get("idempotency-key")
    if key is not None and not (0 < len(key) <= 200 and all("!" <= c <= "~" for c in key)):
        raise HttpError(422, "bad_key", "Idempotency-Key must be 1 to 200 visible ASCII characters")
    return key


def _event_id(request: HttpRequest) -> tuple[str, bool, datetime]:
    """The event's id, whether the request carries its own time, and that time."""
    key = _idempotency_key(request)
    return key or uuid4().hex, key is None, core.clock().now()


ROUTES: Mapping[str, Callable[[HttpRequest], Response]] = {
    "POST /v1/{store}/contacts/find": find,
    "POST /v1/{store}/contacts": upsert,
    "GET /v1/{store}/contacts/{contact}": read,
    "PATCH /v1/{store}/contacts/{contact}": patch,
    "DELETE /v1/{store}/contacts/{contact}": erase,
    "POST /v1/{store}/contacts/{contact}/export": export,
    "GET /v1/{store}/privacy/{request}": request_status,
    "GET /v1/{store}/contacts/{contact}/timeline": timeline,
    "GET /v1/{store}/contacts/{contact}/enrollments": enrollments,
    "GET /v1/{store}/contacts/{contact}/messages": messages,
    "GET /v1/{store}/contacts/{contact}/consents": consents,
    "POST /v1/{store}/contacts/{contact}/consents": record_answer,
    "PUT /v1/{store}/contacts/{contact}/lists/{list}": add_to_list,
    "DELETE /v1/{store}/contacts/{contact}/lists/{list}": remove_from_list,
}

handler = http(respond)
preload(api.contact_queries, api.contact_writer, core.secrets, core.clock)
