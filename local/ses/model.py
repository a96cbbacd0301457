"""The service model: types, required members, lengths, patterns and enums, from botocore.

boto3 itself checks little more than types before it sends; this module checks the rest as SES does.
The error texts follow SES's form.
"""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ListShape, OperationModel, ServiceModel, Shape, StructureShape

from local.ses.errors import BadRequest, Unreadable

PYTHON_TYPES: dict[str, type | tuple[type, ...]] = {
    "structure": dict,
    "map": dict,
    "list": list,
    "string": str,
    "blob": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "double": (int, float),
    "float": (int, float),
    "timestamp": (int, float),
}


@cache
def service() -> ServiceModel:
    """botocore's description of the API."""
    return botocore.session.Session().get_service_model("sesv2")


def operation(name: str) -> OperationModel:
    return service().operation_model(name)


def check(document: object, name: str = "SendEmail") -> dict[str, Any]:
    """Return the document if it is a valid input of the operation `name`.

    Raises Unreadable for a wrong type, BadRequest with all broken constraints otherwise.
    """
    shape = operation(name).input_shape
    if not isinstance(document, dict) or shape is None:
        raise Unreadable("The request is not a JSON object.")
    problems = list(broken_constraints(document, shape, ""))
    if problems:
        count = f"{len(problems)} validation error{'s' if len(problems) > 1 else ''} detected: "
        raise BadRequest(count + "; ".join(problems))
    return document


def broken_constraints(value: Any, shape: Shape, place: str) -> Iterator[str]:
    """The broken constraints of `value` and everything inside it, as sentences."""
    if not fits(value, shape.type_name):
        raise Unreadable(f"The value at '{place}' is not a {shape.type_name}.")
    if isinstance(shape, StructureShape):
        for member in shape.required_members:
            if value.get(member) is None:
                yield failed("null", within(place, member), "Member must not be null")
        for member, inner in shape.members.items():
            # Unknown members are ignored, as SES does.
            if value.get(member) is not None:
                yield from broken_constraints(value[member], inner, within(place, member))
    elif isinstance(shape, ListShape):
        yield from broken_lengths(value, shape, place)
        for number, inner_value in enumerate(value, start=1):
            where = f"{place}.{number}.member"
            yield from broken_constraints(inner_value, shape.member, where)
    elif shape.type_name == "blob":
        try:
            b64decode(value, validate=True)
        except Base64Error:
            raise Unreadable(f"The value at '{place}' is not base64.") from None
    elif shape.type_name == "string":
        yield from broken_lengths(value, shape, place)
        yield from broken_text(value, shape, place)


def fits(value: object, type_name: str) -> bool:
    """Whether a JSON value has the type; true and false are not numbers."""
    if isinstance(value, bool):
        return type_name == "boolean"
    return isinstance(value, PYTHON_TYPES[type_name])


def broken_lengths(value: str | list[Any], shape: Shape, place: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and len(value) < least:
        rule = f"Member must have length greater than or equal to {least}"
        yield failed(f"'{value}'", place, rule)
    if most is not None and len(value) > most:
        yield failed(f"'{value}'", place, f"Member must have length less than or equal to {most}")


def broken_text(value: str, shape: Shape, place: str) -> Iterator[str]:
    pattern = shape.metadata.get("pattern")
    if pattern is not None and not re.fullmatch(pattern, value):
        rule = f"Member must satisfy regular expression pattern: {pattern}"
        yield failed(f"'{value}'", place, rule)
    allowed = shape.metadata.get("enum")
    if allowed and value not in allowed:
        rule = f"Member must satisfy enum value set: [{', '.join(allowed)}]"
        yield failed(f"'{value}'", place, rule)


def failed(value: str, place: str, rule: str) -> str:
    return f"Value {value} at '{place}' failed to satisfy constraint: {rule}"


def within(place: str, member: str) -> str:
    """The path of a member in the service's spelling: `content.simple.subject`."""
    name = member[0].lower() + member[1:]
    return f"{place}.{name}" if place else name
