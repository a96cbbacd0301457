"""Mistakes of a workflow as a whole: ids used twice, jumps to nowhere, loops, lost steps."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from milepost.base.problems import Problem, did_you_mean
from milepost.enrollments.program import END
from milepost.enrollments.step_flow import flow_of
from milepost.workflows.compiler.graph import flatten, jumps, loops, reached
from milepost.workflows.language.tree import walk
from milepost.workflows.language.workflow import Workflow
from milepost.workflows.steps import AnyStep, type_of


def check_flow(workflow: Workflow) -> list[Problem]:
    """All of them; an empty list means that the workflow can be compiled."""
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
    """Steps that nothing reaches. Of several in a row the first is named."""
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
