"""A compiled workflow, and how each of its steps leads on."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal, NamedTuple

from milepost.base.dates import date_due, delay_ends
from milepost.base.times import parse_duration

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


Outcome = Mapping[str, Any]

TIMED_OUT: Final[Outcome] = {}
"""The outcome of a wait that timed out."""


class Exit(NamedTuple):
    """One exit of a step, with its display `name` if it has one.

    An exit that is not `possible`, such as a path of weight 0, is never taken.
    """

    to: str
    name: str = ""
    possible: bool = True


class Jump(NamedTuple):
    """A jump to another step, at most `max` times (None: always)."""

    to: str
    max: int | None


class PendingWait(NamedTuple):
    """A wait that counts events from `since` and ends, or times out, at `until` (None: no date)."""

    since: datetime
    until: datetime | None


class WaitContext(NamedTuple):
    """The data that determines the end of a wait.

    `began` is the start of its block run; durations count from `resumed`, which is later after a
    deferred message; `since` gives the instant from which events of a name count.
    """

    began: datetime
    resumed: datetime
    timezone: str | None
    store_timezone: str
    data: Callable[[], Mapping[str, Any]]
    since: Callable[[str], datetime]


class Wait(NamedTuple):
    """How a step waits. A wait ends its block."""

    state: Literal["timestamp", "task_token"]
    """The form that the compiler emits in Amazon States Language."""
    bound: Callable[[Node], timedelta | None]
    """The longest duration that is known at compile time, which decides if the wait is suspended.
    None: that is decided when the step runs."""
    always_waits: Callable[[Node], bool]
    """Whether the wait always takes time; a date or a weekday may be now."""
    ends: Callable[[Node, WaitContext], PendingWait]
    event: Callable[[Node], str | None] = lambda _: None
    """The event that ends the wait early."""
    follows: Callable[[Node], frozenset[str]] = lambda _: frozenset()
    """The fields of the contact that move its end during the wait."""
    leaves_without_date: Callable[[Node], bool] = lambda _: False
    """Whether the contact leaves if `until` is None."""
    keeps_due_time: bool = False
    """Whether its end is a date, which no pause and no new version moves."""


class StepFlow(NamedTuple):
    """What the runtime must know about a step type to find the next step."""

    exits: Callable[[Node], tuple[Exit, ...]]
    """In reading order."""
    taken: Callable[[Node, Outcome], str]
    """The exit that an outcome takes."""
    pending: Literal["never", "until_outcome", "in_ledger"]
    """What must be decided about this step before the wait after it may migrate."""
    wait: Wait | None = None
    jump: Callable[[Node], Jump | None] = lambda _: None
    templates: Callable[[Node], tuple[TemplateUse, ...]] = lambda _: ()


def _next(node: Node, _: Outcome = TIMED_OUT) -> str:
    return str(node["next"])


def _straight(node: Node) -> tuple[Exit, ...]:
    return (Exit(node["next"]),)


def _sent(node: Node) -> tuple[TemplateUse, ...]:
    return tuple(dict.fromkeys(template_use(each) for each in node.get("variants") or [node]))


def _duration(node: Node, field: str) -> timedelta:
    return parse_duration(node.get(field) or "0 seconds")


def _path_exits(node: Node) -> tuple[Exit, ...]:
    paths = [
        Exit(path["next"], path["name"], bool(path.get("weight", 1))) for path in node["paths"]
    ]
    return (*paths, Exit(node["else"], "otherwise")) if "else" in node else tuple(paths)


def _path_taken(node: Node, outcome: Outcome) -> str:
    taken = (path["next"] for path in node["paths"] if path["name"] == outcome["path"])
    return str(next(taken, node.get("else", END)))


def _goto(node: Node) -> tuple[Exit, ...]:
    back = Exit(node["to"])
    return (back, Exit(node["next"])) if "max" in node else (back,)


def _call_exits(node: Node) -> tuple[Exit, ...]:
    if node.get("on_failure") != "exit":
        return _straight(node)
    return Exit(node["next"], "done"), Exit(END, "fails")


def _date_fields(node: Node) -> frozenset[str]:
    moving = {str(node["date"]).removeprefix("contact."), "timezone"}
    return frozenset(moving) if "movable" in node else frozenset()


_DELAY = Wait(
    state="timestamp",
    bound=lambda node: _duration(node, "for"),
    always_waits=lambda node: "for" in node,
    ends=lambda node, at: PendingWait(
        at.began, delay_ends(node, at.resumed, at.timezone, at.store_timezone)
    ),
)
_DELAY_UNTIL = Wait(
    state="timestamp",
    # An execution that waits cannot be rescheduled.
    bound=lambda node: timedelta.max if "movable" in node else None,
    always_waits=lambda _: False,
    ends=lambda node, at: PendingWait(
        at.began, date_due(node, at.data(), at.timezone, at.store_timezone)
    ),
    follows=_date_fields,
    leaves_without_date=lambda node: node.get("if_missing") == "exit",
    keeps_due_time=True,
)
_WAIT_FOR = Wait(
    state="task_token",
    bound=lambda node: _duration(node, "timeout"),
    always_waits=lambda _: True,
    ends=lambda node, at: PendingWait(
        at.since(node["event"]), at.resumed + _duration(node, "timeout")
    ),
    event=lambda node: str(node["event"]),
)

STRAIGHT: Final = StepFlow(_straight, _next, "until_outcome")
"""A step that continues with the next one when it is done."""

FLOWS: Final[dict[str, StepFlow]] = {
    "delay": StepFlow(_straight, _next, "never", _DELAY),
    "delay_until": StepFlow(
        lambda node: (Exit(node["next"], "on its day"),), _next, "never", _DELAY_UNTIL
    ),
    "wait_for": StepFlow(
        lambda node: (Exit(node["on_event"], node["event"]), Exit(node["on_timeout"], "timeout")),
        lambda node, outcome: str(node["on_event" if "event" in outcome else "on_timeout"]),
        "never",
        _WAIT_FOR,
    ),
    "branch": StepFlow(_path_exits, _path_taken, "never"),
    "split": StepFlow(_path_exits, _path_taken, "never"),
    "holdout": StepFlow(
        lambda node: (Exit(node["next"], "goes on"), Exit(END, "kept back")),
        lambda node, outcome: END if outcome["held_back"] else str(node["next"]),
        "never",
    ),
    "send_email": StepFlow(_straight, _next, "in_ledger", templates=_sent),
    "send_sms": STRAIGHT,
    "update_contact": STRAIGHT,
    "add_to_list": STRAIGHT,
    "remove_from_list": STRAIGHT,
    "set_stage": STRAIGHT,
    "add_score": STRAIGHT,
    "issue_coupon": STRAIGHT,
    "webhook": StepFlow(
        _call_exits,
        lambda node, outcome: END if "error" in outcome else str(node["next"]),
        "until_outcome",
    ),
    "notify": STRAIGHT,
    "create_ticket": STRAIGHT,
    "emit_event": STRAIGHT,
    "start_workflow": STRAIGHT,
    "exit": StepFlow(lambda _: (Exit(END),), lambda *_: END, "never"),
    "goto": StepFlow(
        _goto,
        lambda node, outcome: str(node["next"] if outcome["over"] else node["to"]),
        "never",
        jump=lambda node: Jump(node["to"], node.get("max")),
    ),
}
"""One row for each step type. An unknown type is an error, never a default."""


def flow_of(node: Node) -> StepFlow:
    return FLOWS[node["type"]]


def successors(node: Node) -> tuple[str, ...]:
    """The possible next nodes, in reading order."""
    return tuple(exit_.to for exit_ in flow_of(node).exits(node))


def is_wait(node: Node) -> bool:
    return flow_of(node).wait is not None


def always_waits(node: Node) -> bool:
    """Whether time always passes at a node."""
    return (wait := flow_of(node).wait) is not None and wait.always_waits(node)


def event_of(node: Node) -> str | None:
    """The event that ends the wait at a node, if there is one."""
    return None if (wait := flow_of(node).wait) is None else wait.event(node)


def woken_at(node: Node) -> str:
    """The next node after the event for which a node waits."""
    return flow_of(node).taken(node, {"event": event_of(node)})


def timed_out_at(node: Node) -> str:
    """The next node after a wait times out."""
    return flow_of(node).taken(node, TIMED_OUT)


def follows(node: Node) -> frozenset[str]:
    """The fields of a contact that move the end of a node's wait."""
    return frozenset() if (wait := flow_of(node).wait) is None else wait.follows(node)


def keeps_due_time(node: Node) -> bool:
    """Whether a node waits for a date that no pause and no new version moves."""
    return (wait := flow_of(node).wait) is not None and wait.keeps_due_time


def templates_of(node: Node) -> tuple[TemplateUse, ...]:
    """The templates that a node may send."""
    return flow_of(node).templates(node)


def waits_for(program: Program, event: str) -> Iterator[Node]:
    """The nodes that wait for this event."""
    return (node for node in program.nodes.values() if event_of(node) == event)
