"""The API of segments and lists: their members and counts, previews of conditions, and members of
static segments."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from milepost.api.pages import sign_page_token, verify_page_token
from milepost.base.names import is_contact, is_workflow
from milepost.base.strict_json import InvalidJsonError, read_json
from milepost.handlers.cold_start import preload
from milepost.handlers.http import HttpError, HttpRequest, Response, answer, authenticate, http
from milepost.wiring import core, segments, tables

if TYPE_CHECKING:
    from milepost.contacts.ports import Group
    from milepost.runtime.ports import BackfillSummary


MAX_MEMBERS = 1000
"""Maximum members on one page."""


def accept(request: HttpRequest) -> Response:
    """Answer an authenticated request."""
    authenticate(request, core.secrets(), core.clock().wire_now())
    route = _ROUTES.get(request.route)
    if route is None:
        raise HttpError(404, "unknown_route", "there is nothing of that kind here")
    return route(request)


def _segment(request: HttpRequest) -> Response:
    name = _name(request)
    segment = _live(request, name)
    count = segments.segment_queries().count(request.store, "segment", name)
    summary = tables.backfill_progress().looked(request.store, f"segment/{name}")
    return answer(
        200,
        {
            "segment": name,
            "title": segment.title,
            "version": segment.version,
            "static": segment.static,
            "count": count,
            "backfill": None if summary is None else _progress(summary),
        },
    )


def _list(request: HttpRequest) -> Response:
    name = _name(request)
    return answer(
        200, {"list": name, "count": segments.segment_queries().count(request.store, "list", name)}
    )


def _members(group: "Group") -> Callable[[HttpRequest], Response]:
    def members(request: HttpRequest) -> Response:
        name = _name(request)
        if group == "segment":
            _live(request, name)
        limit = _limit(request.query.get("limit", "100"))
        cursor_of = (request.store, group, name)
        position = ""
        if token := request.query.get("after", ""):
            position = verify_page_token(token, *cursor_of) or ""
            if not position:
                raise HttpError(400, "bad_cursor", "after is not the next of an answer", "after")
        page = segments.segment_queries().page(*cursor_of, position, limit)
        following = sign_page_token(page.next, *cursor_of) if page.next else None
        return answer(
            200, {"members": [member._asdict() for member in page.members], "next": following}
        )

    return members


def _put(request: HttpRequest) -> Response:
    name, contact = _name(request), request.path["contact"]
    if not is_contact(contact):
        raise HttpError(404, "unknown_contact", "there is no such contact")
    if not _live(request, name).static:
        reason = "its members follow from its condition: change that, or the contact"
        raise HttpError(409, "not_static", reason)
    is_member = request.method == "PUT"
    if not segments.segment_queries().set_static_member(request.store, contact, name, is_member):
        raise HttpError(404, "unknown_contact", "there is no such contact")
    return answer(202, {"segment": name, "contact": contact, "member": is_member})


def _preview(request: HttpRequest) -> Response:
    from milepost.base.parse_file import parse_file
    from milepost.segments.file import SegmentFile
    from milepost.workflows.compiler.check_segment import (
        SegmentContext,
        check_condition,
        compile_condition,
    )

    try:
        document = read_json(request.body)
    except InvalidJsonError as error:
        raise HttpError(400, "bad_json", str(error)) from None
    if not isinstance(document, dict) or document.keys() != {"condition"}:
        raise HttpError(422, "bad_preview", "say the condition, and nothing else", "condition")
    from json import dumps

    file = parse_file(dumps({"title": "preview", **document}), SegmentFile)
    head = core.published().head(request.store)
    if isinstance(file, list) or file.condition is None:
        problems = file if isinstance(file, list) else []
    else:
        context = SegmentContext(head.segments, head.settings.topics or {}, head.workflows)
        problems = list(check_condition("condition", file.condition, "", context))
        if not problems:
            preview = segments.segment_queries().preview(
                request.store, compile_condition(file.condition)
            )
            estimate = {**preview.estimate._asdict(), "description": preview.estimate.words()}
            return answer(200, {**estimate, "sample": list(preview.sample)})
    first = problems[0]
    raise HttpError(422, "bad_condition", f"{first.reason}. {first.remedy}".strip(), first.location)


def _live(request: HttpRequest, name: str) -> Any:
    segment = core.published().head(request.store).segments.live().get(name)
    if segment is None:
        raise HttpError(404, "unknown_segment", "there is no such segment")
    return segment


def _name(request: HttpRequest) -> str:
    name = request.path.get("name", "")
    if not is_workflow(name):
        raise HttpError(404, "unknown_name", "names have lower-case letters, digits and hyphens")
    return name


def _limit(text: str) -> int:
    if (
        not text.isascii()
        or not text.isdigit()
        or len(text) > 4
        or not 1 <= int(text) <= MAX_MEMBERS
    ):
        raise HttpError(400, "bad_limit", f"limit is a number from 1 to {MAX_MEMBERS}", "limit")
    return int(text)


def _progress(summary: "BackfillSummary") -> dict[str, Any]:
    done = sum(part.done for part in summary.parts.values())
    return {
        "at": summary.at,
        "parts": summary.of,
        "parts_done": done,
        "contacts": sum(part.evaluated for part in summary.parts.values()),
        "changed": sum(part.changed for part in summary.parts.values()),
        "done": done == summary.of,
    }


_ROUTES: dict[str, Callable[[HttpRequest], Response]] = {
    "GET /v1/{store}/segments/{name}": _segment,
    "GET /v1/{store}/segments/{name}/members": _members("segment"),
    "PUT /v1/{store}/segments/{name}/members/{contact}": _put,
    "DELETE /v1/{store}/segments/{name}/members/{contact}": _put,
    "POST /v1/{store}/segments/preview": _preview,
    "GET /v1/{store}/lists/{name}": _list,
    "GET /v1/{store}/lists/{name}/members": _members("list"),
}

handler = http(accept)
preload(segments.segment_queries, core.secrets, core.clock)
