"""The compiled workflow: a flat graph of nodes. A node is a step with its successors."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

END = "end"
"""The successor of the last step. No step can be called this: see `compiler/flow.py`."""

Node = Mapping[str, Any]


def is_time_trigger(trigger: Mapping[str, Any]) -> bool:
    """Whether a trigger plans what comes to each contact by itself (`occasions.py`).

    A schedule does if it goes by the clock of the contact; otherwise it comes to all at once.
    """
    kind = trigger.get("type")
    return kind in ("date", "inactivity") or (
        kind == "schedule" and trigger.get("timezone") == "contact"
    )


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


class TemplateUse(NamedTuple):
    """A template that a node may send; `version` if it is this one, and no other, for good."""

    template: str
    version: str = ""


def templates_of(node: Node) -> list[TemplateUse]:
    """The templates that a node may send."""
    if node["type"] != "send_email":
        return []
    variants = node.get("variants") or [node]
    return list(dict.fromkeys(template_use(variant) for variant in variants))


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


def is_wait(node: Node) -> bool:
    return node["type"] in {"delay", "delay_until", "wait_for"}


def always_waits(node: Node) -> bool:
    """Whether some time passes at a node whatever the hour: a date or a weekday may be now."""
    return node["type"] == "wait_for" or (node["type"] == "delay" and "for" in node)


def successors(node: Node) -> tuple[str, ...]:
    """Where a node may lead, in reading order."""
    match node["type"]:
        case "branch":
            return (*(path["next"] for path in node["paths"]), node["else"])
        case "split":
            return tuple(path["next"] for path in node["paths"])
        case "wait_for":
            return (node["on_event"], node["on_timeout"])
        case "exit":
            return (END,)
        case "holdout":
            return (node["next"], END)
        case "goto":
            return (node["to"], node["next"]) if "max" in node else (node["to"],)
        case "webhook" if node.get("on_failure") == "exit":
            return (node["next"], END)
        case _:
            return (node["next"],)
