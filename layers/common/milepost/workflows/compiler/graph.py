"""From the step tree a marketer reads to the control-flow graph that runs.

A node keeps a step's fields as the file has them, with its successors in place of its lists of
steps: `next`, `else`, `on_event`, `on_timeout`, `to`, and a `next` for each of its `paths`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from milepost.enrollments.program import END, Node, Program
from milepost.enrollments.step_flow import Jump, always_waits, flow_of, successors
from milepost.enrollments.trigger_index import normalize_trigger
from milepost.workflows.language.workflow import Workflow
from milepost.workflows.steps import AnyStep, type_of

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
    """What the file says and no more: a field left out and a field set to null are the same."""
    return part.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)


def flatten(steps: Sequence[AnyStep]) -> tuple[dict[str, dict[str, Any]], str]:
    """The nodes in reading order, and the first of them."""
    nodes: dict[str, dict[str, Any]] = {}
    return nodes, _lay_out(steps, END, nodes)


def _lay_out(steps: Sequence[AnyStep], after: str, nodes: dict[str, dict[str, Any]]) -> str:
    """Add the steps' nodes; answer the first one's id, or `after` if there is none."""
    following = [*(step.id for step in steps[1:]), after]
    for step, next_id in zip(steps, following, strict=False):
        node = written(step)
        node.pop("note", None)
        nodes[step.id] = node
        kind, lay_out_inner = type_of(step), partial(_lay_out, after=next_id, nodes=nodes)
        kind.flatten(step, node, next_id, lay_out_inner)
    return steps[0].id if steps else after


def jumps(nodes: Mapping[str, Node]) -> Iterator[tuple[str, Jump]]:
    """The nodes that jump to one that exists. Every loop goes through one of them."""
    for id_, node in nodes.items():
        jump = flow_of(node).jump(node)
        if jump is not None and jump.to in nodes:
            yield id_, jump


def loops(nodes: Mapping[str, Node], *, awake: bool = False) -> dict[str, str]:
    """The nodes that lead back to themselves; with `awake` where no time must pass.

    Nodes that lead to each other have one value. All are found in two walks (Kosaraju), for a file
    may hold thousands of jumps, and to look for a way back from each would take minutes.
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
    """Every node after all that it leads to, as far as loops allow."""
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
    """The nodes on any way from these."""
    found: set[str] = set()
    pending = list(begin)
    while pending:
        id_ = pending.pop()
        if id_ == END or id_ not in nodes or id_ in found:
            continue
        found.add(id_)
        pending.extend(successors(nodes[id_]))
    return found
