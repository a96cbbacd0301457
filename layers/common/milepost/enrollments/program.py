"""The compiled workflow: a flat graph of nodes. A node is a step with its successors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

END = "end"
"""The successor of the last step. No step can be called this: see `compiler/flow.py`."""

Node = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Program:
    """One published version of one workflow.

    `options` holds what concerns the whole workflow (trigger, audience, reentry, exit_on, goal,
    category, topic, title); `nodes` the steps by id; `entry` the first node.
    """

    workflow: str
    version: int
    options: Mapping[str, Any]
    nodes: Mapping[str, Node]
    entry: str

    def to_json(self) -> dict[str, Any]:
        return {
            "workflow": self.workflow, "version": self.version, "options": self.options,
            "nodes": self.nodes, "entry": self.entry,
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Program":
        return cls(**document)


class TemplateUse(NamedTuple):
    """A template that a node may send; `version` if it is this one, and no other, for good."""

    template: str
    version: str = ""


def template_use(part: Mapping[str, Any]) -> TemplateUse:
    """What a node without variants sends, or one of its variants."""
    return TemplateUse(str(part["template"]), part.get("template_version", ""))


def outcome_key(node: Node, turn: int) -> str:
    """Where the outcome of a step is kept: by its id, and by the turn if it may come again."""
    return f"{node['id']}@{turn}" if "repeats" in node else str(node["id"])


def visit_of(node: Node, turn: int) -> int:
    """The number of a step's visit in a turn, which is part of its message's id."""
    return visit_in(turn) if "repeats" in node else 1


def visit_in(turn: int) -> int:
    """Visits of a step that may come again are numbered by its turns; others have number 1."""
    return turn + 2
