"""What changed in one step, field by field."""

from collections.abc import Iterator, Sequence
from typing import Any

from milepost.base.file_model import FileModel
from milepost.base.markdown import bold, code, describe_duration, listed, pairs, value
from milepost.conditions.file import describe_condition
from milepost.workflows.step_type import Part
from milepost.workflows.steps import AnyStep, type_of
from milepost.workflows.steps.split import Winner

_NOT_HERE = {"id", "note", "type"}
_DURATIONS = {"for_", "timeout", "expires"}


def describe_old_value(what: str, before: str, after: str) -> str:
    return f"{what} was {before}, is now {after}."


def changed_fields(old: AnyStep, new: AnyStep) -> Iterator[str]:
    """Sentences about one step before and after; both are of one type."""
    for field, info in type(new).model_fields.items():
        given = [getattr(step, field) for step in (old, new)]
        if field in _NOT_HERE or any(map(_holds_parts, given)):
            continue
        before, after = (_said(field, each) for each in given)
        if before != after:
            yield describe_old_value(f"{code(new.id)}: its `{info.alias or field}`", before, after)
        elif field not in _DURATIONS and _plain(getattr(old, field)) != _plain(getattr(new, field)):
            yield f"{code(new.id)}: its `{info.alias or field}` has other spaces: {after}."
    parts = [[*type_of(step).parts(step)] for step in (old, new)]
    for kind in dict.fromkeys(part.kind for each in parts for part in each):
        yield from _changed_parts(new.id, kind, *parts)


def _changed_parts(id_: str, kind: str, old: Sequence[Part], new: Sequence[Part]) -> Iterator[str]:
    before, after = ({p.name: p.says() for p in parts if p.kind == kind} for parts in (old, new))
    for name, says in before.items():
        if name not in after:
            yield f"{code(id_)}: its {kind} {bold(name)} is gone ({says})."
    for name, says in after.items():
        whose = f"{code(id_)}: its {kind} {bold(name)}"
        if name not in before:
            yield f"{whose} is new ({says})."
        elif says != before[name]:
            yield describe_old_value(whose, before[name], says)
    stayed = [[name for name in names if name in before and name in after]
              for names in (before, after)]  # fmt: skip
    if stayed[0] != stayed[1]:
        order = listed([bold(name) for name in after])
        yield f"{code(id_)}: its {kind}s have another order: {order}."


def _holds_parts(given: Any) -> bool:
    """Whether a field holds steps, paths or variants: they are told by themselves."""
    return isinstance(given, list) and any(isinstance(each, FileModel) for each in given)


def _said(field: str, given: Any) -> str:
    """The value of a field in words; two that mean the same are in the same words."""
    match given:
        case None:
            return "left out"
        case str() if field in _DURATIONS:
            return describe_duration(given)
        case Winner():
            return (
                f"{given.metric} after {describe_duration(given.after)}, "
                f"{value(given.confidence)} sure"
            )
        case FileModel():
            return describe_condition(given, "its")  # type: ignore[arg-type]
        case list() | tuple():
            return listed([value(each) for each in given]) if given else "none"
        case dict():
            return pairs(dict(sorted(given.items()))) if given else "none"
        case _:
            return value(given)


def _plain(given: Any) -> Any:
    return None if isinstance(given, FileModel) else given
