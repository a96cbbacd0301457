"""POST /v1/{store}/events: one event, or a batch of up to 500."""

from typing import TYPE_CHECKING, Any

from milepost.api.event_body import RefusedEventError, translate
from milepost.base.strict_json import InvalidJsonError, check_json, parse_json
from milepost.contacts.timeline import append, date_event
from milepost.handlers.cold_start import preload
from milepost.handlers.http import HttpError, HttpRequest, Response, answer, authenticate, http
from milepost.wiring import core, tables

if TYPE_CHECKING:
    from milepost.contacts.event import Event


MAX_BATCH = 500

Result = dict[str, Any]


def accept(request: HttpRequest) -> Response:
    """Answer 202 accepted, 200 duplicate, 4xx refused; a batch gets 207 and a result per item."""
    clock = core.clock()
    authenticate(request, core.secrets(), clock.wire_now(), body_alone=True)
    try:
        document = parse_json(request.body)
        if isinstance(document, list) or (isinstance(document, dict) and "batch" in document):
            return _batch(request.store, document)
    except InvalidJsonError as error:
        raise HttpError(400, "bad_json", str(error)) from None
    (result,) = _accept(request.store, [document])
    if result["status"] == "refused":
        status = 400 if result["error"]["code"] == "bad_json" else 422
        raise HttpError(status, **result["error"])
    return answer(202 if result["status"] == "accepted" else 200, result)


def _batch(store: str, document: Any) -> Response:
    if isinstance(document, dict) and len(document) > 1:
        check_json(document)  # its error names a field
        extra = sorted(document.keys() - {"batch"})
        raise HttpError(422, "bad_batch", "a batch has the field batch alone", extra[0])
    items = document if isinstance(document, list) else document["batch"]
    if not isinstance(items, list) or not items:
        raise HttpError(422, "bad_batch", "batch must be a list of events", "batch")
    if len(items) > MAX_BATCH:
        raise HttpError(413, "batch_too_large", f"a batch may have {MAX_BATCH} events", "batch")
    results = _accept(store, items)
    totals = {
        status: sum(result["status"] == status for result in results)
        for status in ("accepted", "duplicate", "refused")
    }
    numbered = [{"index": index, **result} for index, result in enumerate(results)]
    return answer(207 if totals["refused"] else 202, {**totals, "results": numbered})


def _accept(store: str, documents: list[Any]) -> list[Result]:
    """Store the valid events; return a result for each item, in order."""
    now = core.clock().now()
    results: list[Result] = []
    events: dict[int, Event] = {}
    for index, document in enumerate(documents):
        try:
            check_json(document)  # item by item: one invalid item must not refuse the others
            event, dated = translate(store, document, now)
        except InvalidJsonError as error:
            results.append(_refused("bad_json", str(error), None))
            continue
        except RefusedEventError as error:
            results.append(_refused(error.code, str(error), error.field))
            continue
        events[index] = event if dated else date_event(tables.timeline(), event, now)
        results.append({"id": event.id, "status": "accepted"})
    kept = append(tables.timeline(), list(events.values()))
    for index, status in zip(events, kept, strict=True):
        results[index]["status"] = status
    return results


def _refused(code: str, message: str, field: str | None) -> Result:
    return {"status": "refused", "error": {"code": code, "message": message, "field": field}}


handler = http(accept)
preload(tables.timeline, core.secrets, core.clock)
