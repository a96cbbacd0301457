"""From the step tree a marketer reads to the graph of nodes that runs."""

from collections.abc import Iterator, Sequence
from typing import Any

from milepost.domain.problems import Problem
from milepost.domain.program import END, Program
from milepost.domain.workflow import AnyStep, Branch, Exit, WaitFor, Workflow

_HEAD = (
    "title", "status", "category", "topic", "trigger", "audience", "reentry", "exit_on", "goal",
)  # fmt: skip


def build_program(name: str, version: int, workflow: Workflow) -> Program:
    """Flatten a checked workflow; `check_steps` must have found nothing."""
    nodes: dict[str, dict[str, Any]] = {}
    entry = _lay_out(workflow.steps, END, nodes)
    document = _written(workflow)
    defaults = {"status": "live", "category": "marketing"}
    head = {**defaults, **{key: document[key] for key in _HEAD if key in document}}
    head["reentry"] = {"allow": workflow.reentry.allow, **document.get("reentry", {})}
    if workflow.goal:
        head["goal"] = {"within": workflow.goal.within, **document["goal"]}
    return Program(name, version, head, nodes, entry)


def _written(part: Workflow | AnyStep) -> dict[str, Any]:
    """What the file says and no more: a field left out and a field set to null are the same."""
    return part.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)


def _lay_out(steps: Sequence[AnyStep], after: str, nodes: dict[str, dict[str, Any]]) -> str:
    """Add the steps' nodes in reading order; answer the first one's id, or `after` if none."""
    following = [*(step.id for step in steps[1:]), after]
    for step, next_id in zip(steps, following, strict=False):
        node = _written(step)
        node.pop("note", None)
        nodes[step.id] = node
        match step:
            case Branch():
                node["paths"] = [
                    {
                        "name": path.name,
                        "if": written["if"],
                        "next": _lay_out(path.steps, next_id, nodes),
                    }
                    for path, written in zip(step.paths, node["paths"], strict=True)
                ]
                node["else"] = _lay_out(step.else_, next_id, nodes)
            case WaitFor():
                node["on_event"] = _lay_out(step.on_event, next_id, nodes)
                node["on_timeout"] = _lay_out(step.on_timeout, next_id, nodes)
            case Exit():
                node["reason"] = step.reason
            case _:
                node["next"] = next_id
    return steps[0].id if steps else after


def walk(steps: Sequence[AnyStep], place: str = "steps") -> Iterator[tuple[str, AnyStep]]:
    """Every step of the tree with its place, from top to bottom."""
    for number, step in enumerate(steps):
        here = f"{place}[{number}]"
        yield here, step
        match step:
            case Branch():
                for index, path in enumerate(step.paths):
                    yield from walk(path.steps, f"{here}.paths[{index}].steps")
                yield from walk(step.else_, f"{here}.else")
            case WaitFor():
                yield from walk(step.on_event, f"{here}.on_event")
                yield from walk(step.on_timeout, f"{here}.on_timeout")
            case _:
                pass


def check_steps(workflow: Workflow) -> list[Problem]:
    """Mistakes of the tree as a whole: ids used twice, steps that nothing can reach."""
    problems: list[Problem] = []
    first: dict[str, str] = {}
    for place, step in walk(workflow.steps):
        if step.id == END:
            problems.append(Problem(f"{place}.id", f'"{END}" is reserved', "choose another id"))
        elif step.id in first:
            problems.append(
                Problem(
                    f"{place}.id",
                    f'"{step.id}" is already the id of {first[step.id]}',
                    "every step needs an id of its own",
                )
            )
        first.setdefault(step.id, place)
        if isinstance(step, Branch):
            problems.extend(_paths_twice(step, place))
    problems.extend(_after_exit(workflow.steps, "steps"))
    for place, step in walk(workflow.steps):
        for name, inner in _lists_in(step):
            problems.extend(_after_exit(inner, f"{place}.{name}"))
    return problems


def _paths_twice(branch: Branch, place: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, path in enumerate(branch.paths):
        if path.name in seen:
            yield Problem(
                f"{place}.paths[{index}].name",
                f'"{path.name}" is already the name of a path above',
                "the outcome is recorded by name, so every path needs its own",
            )
        seen.add(path.name)


def _lists_in(step: AnyStep) -> Iterator[tuple[str, Sequence[AnyStep]]]:
    if isinstance(step, Branch):
        for index, path in enumerate(step.paths):
            yield f"paths[{index}].steps", path.steps
        yield "else", step.else_
    elif isinstance(step, WaitFor):
        yield "on_event", step.on_event
        yield "on_timeout", step.on_timeout


def _after_exit(steps: Sequence[AnyStep], place: str) -> Iterator[Problem]:
    for number, step in enumerate(steps[:-1]):
        if _leaves(step):
            always = "" if isinstance(step, Exit) else ", whichever way it goes"
            yield Problem(
                f"{place}[{number + 1}]",
                f'nothing reaches this step: "{step.id}" above it leaves the workflow{always}',
                "move it above the exit, or delete it",
            )


def _leaves(step: AnyStep) -> bool:
    """Whether every way through the step ends in an exit: nothing can come after it."""
    if isinstance(step, Exit):
        return True
    ways = [inner for _, inner in _lists_in(step)]
    return bool(ways) and all(any(_leaves(last) for last in inner) for inner in ways)
