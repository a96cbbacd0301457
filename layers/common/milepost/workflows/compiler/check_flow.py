"""Mistakes of a workflow as a whole: ids used twice, jumps to nowhere, loops, lost steps."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from milepost.base.problems import Problem, did_you_mean
from milepost.enrollments.program import END
from milepost.workflows.compiler.graph import flatten, jumps, loops, reached
from milepost.workflows.language.tree import lists_in, walk
from milepost.workflows.language.workflow import Workflow
from milepost.workflows.steps import AnyStep, Branch, Exit, Goto, Split


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
        if not isinstance(step, Branch | Split):
            continue
        seen: set[str] = set()
        for index, name in enumerate([path.name for path in step.paths]):
            if name in seen:
                yield Problem(
                    f"{place}.paths[{index}].name",
                    f'"{name}" is already the name of a path above',
                    "the outcome is recorded by name, so every path needs its own",
                )
            seen.add(name)


def _targets(places: list[tuple[str, AnyStep]]) -> Iterator[Problem]:
    ids = [step.id for _, step in places]
    for place, step in places:
        if isinstance(step, Goto) and step.to not in ids:
            yield Problem(f"{place}.to", f'no step "{step.to}"', did_you_mean(step.to, ids))


def _loops(workflow: Workflow, places: list[tuple[str, AnyStep]]) -> Iterator[Problem]:
    nodes, _ = flatten(workflow.steps)
    place_of = {step.id: place for place, step in places}
    rounds, awake = loops(nodes), loops(nodes, awake=True)
    for jump in jumps(nodes):
        node = nodes[jump]
        if jump not in rounds or rounds[jump] != rounds.get(node["to"]):
            continue
        if "max" not in node:
            remedy = 'say how often at most, as in "max": 3'
            yield Problem(place_of[jump], f'goes back to "{node["to"]}" for ever', remedy)
        if jump in awake and awake[jump] == awake.get(node["to"]):
            remedy = (
                'put a wait_for inside the loop, or a delay with "for": a date may be past, and a '
                "time of day or a weekday may be now"
            )
            reason = f'may go round from "{node["to"]}" without waiting anywhere'
            yield Problem(place_of[jump], reason, remedy)


def _lost(workflow: Workflow, places: list[tuple[str, AnyStep]]) -> Iterator[Problem]:
    """Steps that nothing reaches. Of several in a row the first is named."""
    nodes, entry = flatten(workflow.steps)
    found = reached(nodes, [entry])
    lists: list[tuple[str, Sequence[AnyStep]]] = [("steps", workflow.steps)]
    for place, step in places:
        lists += [(f"{place}.{name}", inner) for name, inner in lists_in(step)]
    for place, steps in lists:
        for number, (above, step) in enumerate(pairwise(steps), start=1):
            if above.id in found and step.id not in found:
                leaves = "leaves the workflow" if not isinstance(above, Goto) else "goes elsewhere"
                always = "" if isinstance(above, Exit | Goto) else ", whichever way it goes"
                kind = "goto" if isinstance(above, Goto) else "exit"
                yield Problem(
                    f"{place}[{number}]",
                    f'nothing reaches this step: "{above.id}" above it {leaves}{always}',
                    f"move it above the {kind}, or delete it",
                )
