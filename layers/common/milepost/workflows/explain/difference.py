"""Describes what a new version of a workflow changes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from milepost.base.file_model import FileModel
from milepost.base.markdown import bold, code, describe_duration, listed, pairs, value
from milepost.conditions.file import describe_condition
from milepost.enrollments.program import Node, is_wait
from milepost.workflows.explain.description import (
    describe_exit,
    describe_goal,
    describe_on_publish,
    describe_reentry,
    describe_step,
)
from milepost.workflows.language.workflow import Workflow, walk
from milepost.workflows.step_type import Part
from milepost.workflows.steps import AnyStep, type_of
from milepost.workflows.steps.split import Winner
from milepost.workflows.triggers import describe_trigger

_IGNORED = {"id", "note", "type"}
_DURATIONS = {"for_", "timeout", "expires"}


def describe_old_value(what: str, before: str, after: str) -> str:
    return f"{what} was {before}, is now {after}."


def changed_fields(old: AnyStep, new: AnyStep) -> Iterator[str]:
    """Sentences about the changed fields of a step; both versions have one type."""
    for field, info in type(new).model_fields.items():
        values = [getattr(step, field) for step in (old, new)]
        if field in _IGNORED or any(map(_holds_parts, values)):
            continue
        before, after = (_describe_value(field, each) for each in values)
        if before != after:
            yield describe_old_value(f"{code(new.id)}: its `{info.alias or field}`", before, after)
        elif field not in _DURATIONS and _plain(values[0]) != _plain(values[1]):
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
    if [name for name in before if name in after] != [name for name in after if name in before]:
        order = listed([bold(name) for name in after])
        yield f"{code(id_)}: its {kind}s have another order: {order}."


def _holds_parts(given: Any) -> bool:
    """Whether a field holds steps, paths or variants, which are compared separately."""
    return isinstance(given, list) and any(isinstance(each, FileModel) for each in given)


def _describe_value(field: str, given: Any) -> str:
    """The value of a field as text; equivalent values have the same text."""
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
    """A step, its list (the holder's id and the list's name), and its position as text."""

    step: AnyStep
    home: tuple[str, str]
    where: str


def outline(steps: Sequence[AnyStep]) -> dict[str, StepLocation]:
    """Every step by its id, in reading order."""
    return {each.step.id: each for each in _locations(steps, ("", ""))}


def _locations(steps: Sequence[AnyStep], home: tuple[str, str]) -> Iterator[StepLocation]:
    above = ""
    for step in steps:
        yield StepLocation(step, home, _where(above, home))
        for inner in type_of(step).lists(step):
            yield from _locations(inner.steps, (step.id, inner.name))
        above = step.id


def _where(above: str, home: tuple[str, str]) -> str:
    holder, name = home
    inside = f"in {code(holder)} {name}" if holder else ""
    if above:
        return f"below {code(above)}" + (f" {inside}" if inside else "")
    return f"first {inside}" if inside else "first"


def compare(old: Workflow, new: Workflow) -> list[str]:
    """The relevant changes, from the whole workflow down to its steps.

    Descriptions, notes, and other spellings of the same duration are ignored. The id identifies a
    step.
    """
    return [*_head(old, new), *_steps(old, new)]


def vanished(old: Mapping[str, Node], new: Workflow) -> list[str]:
    """The wait steps of an old program that are not waits in the new workflow, renamed ones too.

    Active enrollments can be waiting there.
    """
    waiting = {step.id for _, step in walk(new.steps) if is_wait({"type": step.type})}
    return [name for name, node in old.items() if is_wait(node) and name not in waiting]


def _head(old: Workflow, new: Workflow) -> Iterator[str]:
    for field in ("title", "status", "category", "topic"):
        before, after = getattr(old, field), getattr(new, field)
        if before != after:
            yield describe_old_value(f"Its `{field}`", _name(before), _name(after))
    yield from _now("It now begins when", *(describe_trigger(w.trigger) for w in (old, new)))
    audiences = [
        f"while {describe_condition(w.audience)}" if w.audience else "always" for w in (old, new)
    ]
    yield from _now("Contacts may now be here", *audiences)
    reentries = [describe_reentry(w.reentry) for w in (old, new)]
    yield from _now("From now on, whoever was here before", *reentries)
    ended, ends = ([describe_exit(ending) for ending in w.exit_on] for w in (old, new))
    yield from (f"It no longer ends {ending}." for ending in ended if ending not in ends)
    yield from (f"It now ends {ending}." for ending in ends if ending not in ended)
    goals = [describe_goal(w.goal) if w.goal else "none" for w in (old, new)]
    yield from _now("Its goal is now", *goals)
    policies = [describe_on_publish(w) for w in (old, new)]
    yield from _now("Those inside on an older version now", *policies)


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
    """The steps that changed their list, and the fewest that explain a new order within a list."""
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
    """The longest increasing subsequence: the steps that kept their order."""
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
