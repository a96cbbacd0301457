"""Parse a request body, as a form or as JSON."""

from typing import Any
from urllib.parse import parse_qs

from milepost.base.strict_json import InvalidJsonError, read_json
from milepost.handlers.http import HttpError, HttpRequest

MAX_FIELDS = 200


def is_json(request: HttpRequest) -> bool:
    return _kind(request) == "application/json"


def json_object(request: HttpRequest) -> dict[str, Any]:
    """Parse a JSON object; raise HttpError for everything else."""
    try:
        document = read_json(request.body)
    except InvalidJsonError as error:
        raise HttpError(400, "bad_json", str(error)) from None
    if not isinstance(document, dict):
        raise HttpError(400, "bad_json", "the body must be a JSON object")
    return document


def form_fields(request: HttpRequest) -> dict[str, list[str]]:
    """Parse a form: each field with all of its values. Raise HttpError for another encoding."""
    if _kind(request) == "multipart/form-data":
        raise HttpError(
            415, "no_multipart", "forms send no files here: leave enctype out of the form's tag"
        )
    if _kind(request) != "application/x-www-form-urlencoded":
        raise HttpError(
            415, "bad_content_type", "send application/x-www-form-urlencoded or application/json"
        )
    try:
        text = request.body.decode("utf-8", "replace")
        return parse_qs(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        raise HttpError(400, "bad_form", f"a form has {MAX_FIELDS} fields at most") from None


def _kind(request: HttpRequest) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()
