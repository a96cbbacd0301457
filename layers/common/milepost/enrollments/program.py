"""The compiled workflow: a graph of nodes. A node is a step with its successors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

END = "end"
"""The successor of the last step. No step may have this id: see `compiler/flow.py`."""

Node = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Program:
    """One published version of one workflow.

    `options` holds the settings of the workflow (trigger, audience, reentry, exit_on, goal,
    category, topic, title), `nodes` the steps by id, and `entry` the first node.
    """

    workflow: str
    version: int
    options: Mapping[str, Any]
    nodes: Mapping[str, Node]
    entry: str

    def to_json(self) -> dict[str, Any]:
        return {
            "workflow": self.workflow,
            "version": self.version,
            "options": self.options,
            "nodes": self.nodes,
            "entry": self.entry,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Program":
        return cls(**document)


class TemplateUse(NamedTuple):
    """A template that a node may send, and the `version` to which it is pinned."""

    template: str
    version: str = ""


def template_use(part: Mapping[str, Any]) -> TemplateUse:
    """The template of a variant, or of a node without variants."""
    return TemplateUse(str(part["template"]), part.get("template_version", ""))


def outcome_key(node: Node, block_seq: int) -> str:
    """The key of an outcome: the step's id, and the block run if the step is in a loop."""
    return f"{node['id']}@{block_seq}" if "repeats" in node else str(node["id"])


def visit_of(node: Node, block_seq: int) -> int:
    """The number of a step visit, which is part of its message's id."""
    return visit_in(block_seq) if "repeats" in node else 1


def visit_in(block_seq: int) -> int:
    """The number of a visit in a loop: the block run plus 2, because 1 means outside of loops."""
    return block_seq + 2
