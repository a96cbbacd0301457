"""The compiled workflow: a flat graph of nodes, and the blocks Step Functions runs it in.

A **node** is a step with its successors written out. A node that waits (`delay`, `wait_for`) ends
a block; everything reachable from a block's entry without waiting runs in one Lambda call.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

END = "end"
"""The successor of the last step. No step can be called this: see `graph.py`."""

Node = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Program:
    """One published version of one workflow.

    `head` holds what concerns the whole workflow (trigger, audience, reentry, exit_on, goal,
    category, topic, title); `nodes` the steps by id; `entry` the first node.
    """

    workflow: str
    version: int
    head: Mapping[str, Any]
    nodes: Mapping[str, Node]
    entry: str

    def to_json(self) -> dict[str, Any]:
        return {
            "workflow": self.workflow, "version": self.version, "head": self.head,
            "nodes": self.nodes, "entry": self.entry,
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Program":
        return cls(**document)

    def waits_for(self, event: str) -> Iterator[Node]:
        """The `wait_for` nodes that this event may wake."""
        return (
            node
            for node in self.nodes.values()
            if node["type"] == "wait_for" and node["event"] == event
        )


def waits(node: Node) -> bool:
    return node["type"] in {"delay", "wait_for"}


def successors(node: Node) -> tuple[str, ...]:
    """Where a node may lead, in reading order."""
    match node["type"]:
        case "branch":
            return (*(path["next"] for path in node["paths"]), node["else"])
        case "wait_for":
            return (node["on_event"], node["on_timeout"])
        case "exit":
            return (END,)
        case _:
            return (node["next"],)


@dataclass(frozen=True, slots=True)
class Block:
    """A run without waiting: `steps` in reading order, and the waits (or END) it may stop at."""

    entry: str
    steps: tuple[str, ...]
    exits: tuple[str, ...]


def blocks(program: Program) -> dict[str, Block]:
    """The blocks by their entry: the first node, and whatever follows a wait."""
    entries = [program.entry]
    for node in program.nodes.values():
        if waits(node):
            entries.extend(successors(node))
    return {entry: _block(program, entry) for entry in dict.fromkeys(entries)}


def _block(program: Program, entry: str) -> Block:
    steps: dict[str, None] = {}
    exits: dict[str, None] = {}
    pending = [entry]
    while pending:
        name = pending.pop()
        if name in steps or name in exits:
            continue
        if name == END or waits(program.nodes[name]):
            exits[name] = None
            continue
        steps[name] = None
        pending.extend(reversed(successors(program.nodes[name])))
    return Block(entry, tuple(steps), tuple(exits))
