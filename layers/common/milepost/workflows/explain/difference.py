"""What a new version of a workflow changes, in words."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from milepost.base.file_model import FileModel
from milepost.base.markdown import bold, code, describe_duration, listed, pairs, value
from milepost.conditions.file import describe_condition
from milepost.enrollments.program import Node
from milepost.enrollments.step_flow import is_wait
from milepost.workflows.explain.description import (
    describe_exit,
    describe_step,
    say_goal,
    say_on_publish,
    say_reentry,
)
from milepost.workflows.language.workflow import Workflow, walk
from milepost.workflows.step_type import Part
from milepost.workflows.steps import AnyStep, type_of
from milepost.workflows.steps.split import Winner
from milepost.workflows.triggers import describe_trigger

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


class StepLocation(NamedTuple):
    """A step, the list it stands in (its holder's id and the list's name), and where in words."""

    step: AnyStep
    home: tuple[str, str]
    where: str


def outline(steps: Sequence[AnyStep]) -> dict[str, StepLocation]:
    """Every step by its id, in reading order."""
    return {spot.step.id: spot for spot in _spots(steps, ("", ""))}


def _spots(steps: Sequence[AnyStep], home: tuple[str, str]) -> Iterator[StepLocation]:
    above = ""
    for step in steps:
        yield StepLocation(step, home, _where(above, home))
        for inner in type_of(step).lists(step):
            yield from _spots(inner.steps, (step.id, inner.name))
        above = step.id


def _where(above: str, home: tuple[str, str]) -> str:
    holder, name = home
    inside = f"in {code(holder)} {name}" if holder else ""
    if above:
        return f"below {code(above)}" + (f" {inside}" if inside else "")
    return f"first {inside}" if inside else "first"


def compare(old: Workflow, new: Workflow) -> list[str]:
    """The changes from the whole workflow down to its steps; none if nothing that matters changed.

    Descriptions, notes, and another spelling of the same duration do not matter. Steps are the
    same if their ids are.
    """
    return [*_head(old, new), *_steps(old, new)]


def vanished(old: Mapping[str, Node], new: Workflow) -> list[str]:
    """The waiting steps of an old program's nodes that the new workflow has not, or not to wait.

    People may stand at them. Those that `renamed_steps` maps are among them.
    """
    waiting = {step.id for _, step in walk(new.steps) if is_wait({"type": step.type})}
    return [name for name, node in old.items() if is_wait(node) and name not in waiting]


def _head(old: Workflow, new: Workflow) -> Iterator[str]:
    for field in ("title", "status", "category", "topic"):
        before, after = getattr(old, field), getattr(new, field)
        if before != after:
            yield describe_old_value(f"Its `{field}`", _name(before), _name(after))
    yield from _now(
        "It now begins when", describe_trigger(old.trigger), describe_trigger(new.trigger)
    )
    asked = [
        f"while {describe_condition(w.audience)}" if w.audience else "always" for w in (old, new)
    ]
    yield from _now("Contacts may now be here", *asked)
    again = [say_reentry(w.reentry) for w in (old, new)]
    yield from _now("From now on, whoever was here before", *again)
    ended, ends = ([describe_exit(ending) for ending in w.exit_on] for w in (old, new))
    yield from (f"It no longer ends {ending}." for ending in ended if ending not in ends)
    yield from (f"It now ends {ending}." for ending in ends if ending not in ended)
    goals = [say_goal(w.goal) if w.goal else "none" for w in (old, new)]
    yield from _now("Its goal is now", *goals)
    inside = [say_on_publish(w) for w in (old, new)]
    yield from _now("Those inside on an older version now", *inside)


def _name(given: str | None) -> str:
    return bold(given) if given else "left out"


def _now(what: str, before: str, after: str) -> Iterator[str]:
    if before != after:
        yield f"{what} {after} (it was: {before})."


def _steps(old: Workflow, new: Workflow) -> Iterator[str]:
    before, after = outline(old.steps), outline(new.steps)
    for id_, spot in before.items():
        if id_ not in after:
            yield f"{code(id_)} is gone: {describe_step(spot.step)}."
    moved = _moved(before, after)
    for id_, spot in after.items():
        if id_ not in before:
            yield f"{code(id_)} is new, {spot.where}: {describe_step(spot.step)}."
            continue
        if id_ in moved:
            yield f"{code(id_)} has moved: it is now {spot.where}, was {before[id_].where}."
        yield from _changed(before[id_].step, spot.step)


def _changed(old: AnyStep, new: AnyStep) -> Iterator[str]:
    if type(old) is not type(new):
        yield f"{code(new.id)} was: {describe_step(old)}; it is now: {describe_step(new)}."
    else:
        yield from changed_fields(old, new)


def _moved(before: Mapping[str, StepLocation], after: Mapping[str, StepLocation]) -> set[str]:
    """The steps in another list than before, and as few as explain a new order within one."""
    common = [id_ for id_ in after if id_ in before]
    moved = {id_ for id_ in common if after[id_].home != before[id_].home}
    ranks = {id_: rank for rank, id_ in enumerate(before)}
    lists: dict[tuple[str, str], list[str]] = {}
    for id_ in common:
        if id_ not in moved:
            lists.setdefault(after[id_].home, []).append(id_)
    for ids in lists.values():
        stayed = _longest_rise([ranks[id_] for id_ in ids])
        moved.update(id_ for id_ in ids if ranks[id_] not in stayed)
    return moved


def _longest_rise(ranks: Sequence[int]) -> set[int]:
    """The longest rising subsequence: what kept its order."""
    from bisect import bisect_left

    tails: list[int] = []
    before: dict[int, int | None] = {}
    for rank in ranks:
        place = bisect_left(tails, rank)
        before[rank] = tails[place - 1] if place else None
        tails[place:] = [rank, *tails[place + 1 :]]
    kept: set[int] = set()
    last = tails[-1] if tails else None
    while last is not None:
        kept.add(last)
        last = before[last]
    return kept
