"""What changed in one step, field by field."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from milepost.base.file_model import FileModel
from milepost.base.markdown import bold, code, describe_duration, listed, value
from milepost.conditions.file import describe_condition
from milepost.workflows.steps import AnyStep, Branch, BranchPath, Split, SplitPath, Variant, Winner

_NOT_HERE = {"id", "note", "type", "paths", "variants", "else_", "on_event", "on_timeout"}
"""Told elsewhere (steps inside steps, paths and variants by their names), or not at all."""

_DURATIONS = {"for_", "timeout", "expires"}

Part = BranchPath | SplitPath | Variant


def describe_old_value(what: str, before: str, after: str) -> str:
    return f"{what} was {before}, is now {after}."


def changed_fields(old: AnyStep, new: AnyStep) -> Iterator[str]:
    """Sentences about one step before and after; both are of one type."""
    for field, info in type(new).model_fields.items():
        if field in _NOT_HERE:
            continue
        before, after = (_said(field, getattr(step, field)) for step in (old, new))
        if before != after:
            yield describe_old_value(f"{code(new.id)}: its `{info.alias or field}`", before, after)
        elif field not in _DURATIONS and _plain(getattr(old, field)) != _plain(getattr(new, field)):
            yield f"{code(new.id)}: its `{info.alias or field}` has other spaces: {after}."
    yield from _changed_parts(new.id, "path", _paths(old), _paths(new))
    yield from _changed_parts(new.id, "variant", _variants(old), _variants(new))


def _paths(step: AnyStep) -> Sequence[Part]:
    return step.paths if isinstance(step, Branch | Split) else ()


def _variants(step: AnyStep) -> Sequence[Part]:
    return getattr(step, "variants", None) or ()


def _changed_parts(id_: str, kind: str, old: Sequence[Part], new: Sequence[Part]) -> Iterator[str]:
    before, after = ({part.name: part for part in parts} for parts in (old, new))
    for name, part in before.items():
        if name not in after:
            yield f"{code(id_)}: its {kind} {bold(name)} is gone ({_part(part)})."
    for name, part in after.items():
        whose = f"{code(id_)}: its {kind} {bold(name)}"
        if name not in before:
            yield f"{whose} is new ({_part(part)})."
        elif _part(part) != _part(before[name]):
            yield describe_old_value(whose, _part(before[name]), _part(part))
    stayed = [[name for name in names if name in before and name in after]
              for names in (before, after)]  # fmt: skip
    if stayed[0] != stayed[1]:
        order = listed([bold(name) for name in after])
        yield f"{code(id_)}: its {kind}s have another order: {order}."


def _part(part: Part) -> str:
    """A path or a variant without its steps: who takes it."""
    match part:
        case BranchPath():
            return f"if {describe_condition(part.if_)}"
        case Variant():
            pinned = part.template_version
            version = f" in version {code(pinned)}" if pinned else ""
            return f"{bold(part.template)}{version}, weight {part.weight}"
        case SplitPath():
            return f"weight {part.weight}"


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
            return _pairs(given) if given else "none"
        case _:
            return value(given)


def _pairs(given: Mapping[str, Any]) -> str:
    return listed([f"{code(name)} = {value(each)}" for name, each in sorted(given.items())])


def _plain(given: Any) -> Any:
    return None if isinstance(given, FileModel) else given
