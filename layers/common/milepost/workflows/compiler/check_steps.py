"""Checks that every step is available and reachable, and that loops end; builds the program."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, Final, NamedTuple

from milepost.base.file_model import FileModel
from milepost.base.problems import Problem, did_you_mean
from milepost.enrollments.program import END, Jump, Node, Program, always_waits, flow_of, successors
from milepost.enrollments.trigger_types import normalize_trigger
from milepost.workflows.language.workflow import Workflow, walk
from milepost.workflows.steps import STEPS, AnyStep, type_of
from milepost.workflows.triggers import TRIGGERS

_HEAD = (
    "title",
    "status",
    "category",
    "topic",
    "audience",
    "reentry",
    "exit_on",
    "goal",
    "active_enrollments",
)


def build_program(name: str, version: int, workflow: Workflow) -> Program:
    """Flatten a checked workflow; `check_flow` must have found nothing."""
    document = written(workflow)
    defaults = {"status": "live", "category": "marketing"}
    head = {**defaults, **{key: document[key] for key in _HEAD if key in document}}
    head["trigger"] = normalize_trigger(document["trigger"])
    head["reentry"] = {"allow": workflow.reentry.allow, **document.get("reentry", {})}
    if workflow.goal:
        head["goal"] = {"within": workflow.goal.within, **document["goal"]}
    nodes, entry = flatten(workflow.steps)
    for id_ in loops(nodes):
        nodes[id_]["repeats"] = True
    return Program(name, version, head, nodes, entry)


def written(part: Workflow | AnyStep) -> dict[str, Any]:
    """The fields of the file, without null values and defaults."""
    return part.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)


def flatten(steps: Sequence[AnyStep]) -> tuple[dict[str, dict[str, Any]], str]:
    """The nodes in reading order, and the id of the first."""
    nodes: dict[str, dict[str, Any]] = {}
    return nodes, _lay_out(steps, END, nodes)


def _lay_out(steps: Sequence[AnyStep], after: str, nodes: dict[str, dict[str, Any]]) -> str:
    """Add the nodes of steps; returns the first id, or `after` if there are no steps."""
    following = [*(step.id for step in steps[1:]), after]
    for step, next_id in zip(steps, following, strict=False):
        node = written(step)
        node.pop("note", None)
        nodes[step.id] = node
        kind, lay_out_inner = type_of(step), partial(_lay_out, after=next_id, nodes=nodes)
        kind.flatten(step, node, next_id, lay_out_inner)
    return steps[0].id if steps else after


def jumps(nodes: Mapping[str, Node]) -> Iterator[tuple[str, Jump]]:
    """The nodes that jump to an existing node. Every loop contains one."""
    for id_, node in nodes.items():
        jump = flow_of(node).jump(node)
        if jump is not None and jump.to in nodes:
            yield id_, jump


def loops(nodes: Mapping[str, Node], *, awake: bool = False) -> dict[str, str]:
    """The nodes that lead back to themselves; with `awake` only through nodes that may not wait.

    Nodes of one cycle have the same value. Two walks find all (Kosaraju): a file can hold thousands
    of gotos, and one search for each would take minutes.
    """
    ways: dict[str, list[str]] = {
        id_: []
        if awake and always_waits(node)
        else [following for following in successors(node) if following in nodes]
        for id_, node in nodes.items()
    }
    back: dict[str, list[str]] = {id_: [] for id_ in nodes}
    for id_, following in ways.items():
        for each in following:
            back[each].append(id_)
    found: dict[str, str] = {}
    seen: set[str] = set()
    for first in reversed(_deepest_first(ways)):
        together = [first] if first not in seen else []
        seen.add(first)
        for id_ in together:  # grows meanwhile
            new = [before for before in dict.fromkeys(back[id_]) if before not in seen]
            seen.update(new)
            together += new
        if len(together) > 1 or first in ways[first]:
            found |= dict.fromkeys(together, first)
    return found


def _deepest_first(ways: Mapping[str, Sequence[str]]) -> list[str]:
    """The nodes in depth-first postorder."""
    order: list[str] = []
    seen: set[str] = set()
    for root in ways:
        pending = [(root, False)]
        while pending:
            id_, left = pending.pop()
            if left:
                order.append(id_)
            elif id_ not in seen:
                seen.add(id_)
                pending.append((id_, True))
                pending.extend((following, False) for following in ways[id_])
    return order


def reached(nodes: Mapping[str, Node], begin: Iterable[str]) -> set[str]:
    """The nodes that are reachable from these."""
    found: set[str] = set()
    pending = list(begin)
    while pending:
        id_ = pending.pop()
        if id_ == END or id_ not in nodes or id_ in found:
            continue
        found.add(id_)
        pending.extend(successors(nodes[id_]))
    return found


KINDS: Final[Mapping[type[FileModel], str]] = {
    **{trigger.model: trigger.instead for trigger in TRIGGERS if trigger.instead},
    **{step.model: step.instead for step in STEPS if step.instead},
}
"""Unavailable triggers and steps, each with the remedy."""


class UnavailableFeature(NamedTuple):
    """An unavailable field with the remedy."""

    model: type[FileModel]
    field: str
    remedy: str


FIELDS: Final = tuple(
    UnavailableFeature(step.model, field, remedy)
    for step in STEPS
    for field, remedy in step.instead_of.items()
)
"""Unavailable fields of available steps. The value `false` is allowed."""


def check_available(workflow: Workflow) -> Iterator[Problem]:
    """The unavailable features that a workflow uses, from top to bottom."""
    trigger = workflow.trigger
    yield from _check("trigger", trigger, f'the trigger "{trigger.type}"')
    found = [*((place, step, f'the step "{step.type}"') for place, step in walk(workflow.steps))]
    for place, part, words in found:
        yield from _check(place, part, words)


def _check(place: str, part: FileModel, words: str) -> Iterator[Problem]:
    if type(part) in KINDS:
        yield Problem(place, f"{words} is not available in this version", KINDS[type(part)])
    for missing in FIELDS:
        if isinstance(part, missing.model) and getattr(part, missing.field) not in (None, False):
            reason = f"{missing.field} is not available in this version"
            yield Problem(f"{place}.{missing.field}", reason, missing.remedy)


def check_flow(workflow: Workflow) -> list[Problem]:
    """All problems of ids, names, targets, loops and reachability. Without any, it compiles."""
    places = list(walk(workflow.steps))
    problems = [*_ids(places), *_names(places), *_targets(places)]
    return problems or [*_loops(workflow, places), *_lost(workflow, places)]


def _ids(places: list[tuple[str, AnyStep]]) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for place, step in places:
        if step.id == END:
            yield Problem(f"{place}.id", f'"{END}" is reserved', "choose another id")
        elif step.id in first:
            yield Problem(
                f"{place}.id",
                f'"{step.id}" is already the id of {first[step.id]}',
                "every step needs an id of its own",
            )
        first.setdefault(step.id, place)


def _names(places: list[tuple[str, AnyStep]]) -> Iterator[Problem]:
    for place, step in places:
        seen: set[str] = set()
        for part in type_of(step).parts(step):
            if part.name in seen:
                yield Problem(
                    f"{place}.{part.place}.name",
                    f'"{part.name}" is already the name of a {part.kind} above',
                    f"the outcome is recorded by name, so every {part.kind} needs its own",
                )
            seen.add(part.name)


def _targets(places: list[tuple[str, AnyStep]]) -> Iterator[Problem]:
    ids = [step.id for _, step in places]
    for place, step in places:
        for use in type_of(step).uses(step):
            if use.kind == "step" and use.name not in ids:
                yield Problem(
                    f"{place}.{use.field}", f'no step "{use.name}"', did_you_mean(use.name, ids)
                )


def _loops(workflow: Workflow, places: list[tuple[str, AnyStep]]) -> Iterator[Problem]:
    nodes, _ = flatten(workflow.steps)
    place_of = {step.id: place for place, step in places}
    rounds, awake = loops(nodes), loops(nodes, awake=True)
    for id_, jump in jumps(nodes):
        if id_ not in rounds or rounds[id_] != rounds.get(jump.to):
            continue
        if jump.max is None:
            remedy = 'say how often at most, as in "max": 3'
            yield Problem(place_of[id_], f'goes back to "{jump.to}" for ever', remedy)
        if id_ in awake and awake[id_] == awake.get(jump.to):
            remedy = (
                'put a wait_for inside the loop, or a delay with "for": a date may be past, and a '
                "time of day or a weekday may be now"
            )
            reason = f'may go round from "{jump.to}" without waiting anywhere'
            yield Problem(place_of[id_], reason, remedy)


def _lost(workflow: Workflow, places: list[tuple[str, AnyStep]]) -> Iterator[Problem]:
    """Unreachable steps: the first of several in a row."""
    nodes, entry = flatten(workflow.steps)
    found = reached(nodes, [entry])
    lists: list[tuple[str, Sequence[AnyStep]]] = [("steps", workflow.steps)]
    for place, step in places:
        lists += [(f"{place}.{each.place}", each.steps) for each in type_of(step).lists(step)]
    for place, steps in lists:
        for number, (above, step) in enumerate(pairwise(steps), start=1):
            if above.id in found and step.id not in found:
                jumps_on = flow_of(nodes[above.id]).jump(nodes[above.id])
                leaves = "goes elsewhere" if jumps_on else "leaves the workflow"
                below = type_of(above).leads_below
                always, kind = (", whichever way it goes", "exit") if below else ("", above.type)
                yield Problem(
                    f"{place}[{number}]",
                    f'nothing reaches this step: "{above.id}" above it {leaves}{always}',
                    f"move it above the {kind}, or delete it",
                )
