"""The API of segments and lists: their members and counts, previews of conditions, and members of
static segments."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from milepost.api.pages import sign_page_token, verify_page_token
from milepost.base.names import is_contact, is_workflow
from milepost.base.strict_json import InvalidJsonError, read_json
from milepost.handlers.authentication import authenticate
from milepost.handlers.cold_start import preload
from milepost.handlers.http import HttpError, HttpRequest, Response, answer, http
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
    counted = segments.census().count(request.store, "segment", name)
    looked = tables.progress().looked(request.store, f"segment/{name}")
    return answer(
        200,
        {
            "segment": name,
            "title": segment.title,
            "version": segment.version,
            "static": segment.static,
            "count": counted,
            "backfill": None if looked is None else _progress(looked),
        },
    )


def _list(request: HttpRequest) -> Response:
    name = _name(request)
    return answer(
        200, {"list": name, "count": segments.census().count(request.store, "list", name)}
    )


def _members(group: "Group") -> Callable[[HttpRequest], Response]:
    def members(request: HttpRequest) -> Response:
        name = _name(request)
        if group == "segment":
            _live(request, name)
        most = _most(request.query.get("limit", "100"))
        where = (request.store, group, name)
        place = ""
        if token := request.query.get("after", ""):
            place = verify_page_token(token, *where) or ""
            if not place:
                raise HttpError(400, "bad_cursor", "after is not the next of an answer", "after")
        page = segments.census().page(*where, place, most)
        following = sign_page_token(page.next, *where) if page.next else None
        return answer(200, {"members": [m._asdict() for m in page.members], "next": following})

    return members


def _put(request: HttpRequest) -> Response:
    name, contact = _name(request), request.path["contact"]
    if not is_contact(contact):
        raise HttpError(404, "unknown_contact", "there is no such contact")
    if not _live(request, name).static:
        reason = "its members follow from its condition: change that, or the contact"
        raise HttpError(409, "not_static", reason)
    inside = request.method == "PUT"
    if not segments.census().set_static_member(request.store, contact, name, inside):
        raise HttpError(404, "unknown_contact", "there is no such contact")
    return answer(202, {"segment": name, "contact": contact, "member": inside})


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
    head = core.registry().head(request.store)
    if isinstance(file, list) or file.condition is None:
        problems = file if isinstance(file, list) else []
    else:
        beside = SegmentContext(head.segments, head.settings.topics or {}, head.workflows)
        problems = list(check_condition("condition", file.condition, "", beside))
        if not problems:
            seen = segments.census().preview(request.store, compile_condition(file.condition))
            said = {**seen.estimate._asdict(), "description": seen.estimate.words()}
            return answer(200, {**said, "sample": list(seen.sample)})
    first = problems[0]
    raise HttpError(422, "bad_condition", f"{first.reason}. {first.remedy}".strip(), first.location)


def _live(request: HttpRequest, name: str) -> Any:
    segment = core.registry().head(request.store).segments.live().get(name)
    if segment is None:
        raise HttpError(404, "unknown_segment", "there is no such segment")
    return segment


def _name(request: HttpRequest) -> str:
    name = request.path.get("name", "")
    if not is_workflow(name):
        raise HttpError(404, "unknown_name", "names have lower-case letters, digits and hyphens")
    return name


def _most(text: str) -> int:
    if (
        not text.isascii()
        or not text.isdigit()
        or len(text) > 4
        or not 1 <= int(text) <= MAX_MEMBERS
    ):
        raise HttpError(400, "bad_limit", f"limit is a number from 1 to {MAX_MEMBERS}", "limit")
    return int(text)


def _progress(looked: "BackfillSummary") -> dict[str, Any]:
    done = sum(part.done for part in looked.parts.values())
    return {
        "at": looked.at,
        "parts": looked.of,
        "parts_done": done,
        "contacts": sum(part.evaluated for part in looked.parts.values()),
        "changed": sum(part.changed for part in looked.parts.values()),
        "done": done == looked.of,
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
preload(segments.census, core.secrets, core.clock)
