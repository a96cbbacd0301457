"""How a compiled step leads on: its exits, its wait and its templates, one row for each step type.

No pydantic and no I/O: the functions that run workflows load this, and so does what compiles,
prices and draws them. What a step does is in `runtime/steps`, how it is written in
`workflows/steps`; `tests/workflows/test_step_types.py` compares the three tables.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Literal, NamedTuple

from milepost.base.dates import date_due, delay_ends
from milepost.base.durations import parse_duration
from milepost.enrollments.program import END, Node, Program, TemplateUse, template_use

Outcome = Mapping[str, Any]

TIMED_OUT: Final[Outcome] = {}
"""What a wait comes to when its time is over."""


class Exit(NamedTuple):
    """One way out of a step: `name` as the marketer calls it, empty if there is nothing to say.

    One that is not `possible`, as a path of weight 0, is never taken.
    """

    to: str
    name: str = ""
    possible: bool = True


class Jump(NamedTuple):
    """A step that goes on elsewhere, `max` times at most (None: every time)."""

    to: str
    max: int | None


class PendingWait(NamedTuple):
    """A wait: events count from `since`, and it is over at `until`, None if there is no such date.

    The time-out of a wait for an event is its `until`.
    """

    since: datetime
    until: datetime | None


class WaitContext(NamedTuple):
    """What the end of a wait depends on.

    `began` is when its block began, `resumed` when that went on after a message had been put off
    (durations count from here); `since` is from when events of a name count.
    """

    began: datetime
    resumed: datetime
    timezone: str | None
    store_timezone: str
    data: Callable[[], Mapping[str, Any]]
    since: Callable[[str], datetime]


class Wait(NamedTuple):
    """How a step waits; at it a block ends."""

    state: Literal["timestamp", "task_token"]
    """Which of the two forms of Amazon States Language the compiler emits."""
    bound: Callable[[Node], timedelta | None]
    """The longest rest that is known when the workflow is compiled: a longer one is suspended.
    None: that is decided when the step is run."""
    always_waits: Callable[[Node], bool]
    """Whether time passes whatever the hour; a date or a weekday may be now."""
    ends: Callable[[Node, WaitContext], PendingWait]
    event: Callable[[Node], str | None] = lambda _: None
    """The event that ends it before its time."""
    follows: Callable[[Node], frozenset[str]] = lambda _: frozenset()
    """The fields of the contact that move its end while it lasts."""
    leaves_without_date: Callable[[Node], bool] = lambda _: False
    """Whether the contact leaves if `until` is None."""
    keeps_due_time: bool = False
    """Whether its end is a date, which no pause and no new version of the workflow moves."""


class StepFlow(NamedTuple):
    """What must be known of a step type to lead a contact through a workflow."""

    exits: Callable[[Node], tuple[Exit, ...]]
    """In reading order."""
    taken: Callable[[Node, Outcome], str]
    """Which exit an outcome took."""
    pending: Literal["never", "until_outcome", "in_ledger"]
    """Whether the wait behind it must not be moved to a new version before this step is done."""
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
    # What waits in an execution cannot be given another time.
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
"""A step that goes on below when it is done."""

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
    """Where a node may lead, in reading order."""
    return tuple(exit_.to for exit_ in flow_of(node).exits(node))


def is_wait(node: Node) -> bool:
    return flow_of(node).wait is not None


def always_waits(node: Node) -> bool:
    """Whether some time passes at a node whatever the hour."""
    return (wait := flow_of(node).wait) is not None and wait.always_waits(node)


def event_of(node: Node) -> str | None:
    """The event that ends the wait at a node; None if none does."""
    return None if (wait := flow_of(node).wait) is None else wait.event(node)


def woken_at(node: Node) -> str:
    """Where the event that a node waits for leads."""
    return flow_of(node).taken(node, {"event": event_of(node)})


def timed_out_at(node: Node) -> str:
    """Where a wait leads whose time is over."""
    return flow_of(node).taken(node, TIMED_OUT)


def follows(node: Node) -> frozenset[str]:
    """The fields of a contact on which the end of a node's wait depends while it lasts."""
    return frozenset() if (wait := flow_of(node).wait) is None else wait.follows(node)


def keeps_due_time(node: Node) -> bool:
    """Whether a node waits for a date, which no pause and no new version moves."""
    return (wait := flow_of(node).wait) is not None and wait.keeps_due_time


def templates_of(node: Node) -> tuple[TemplateUse, ...]:
    """The templates that a node may send."""
    return flow_of(node).templates(node)


def waits_for(program: Program, event: str) -> Iterator[Node]:
    """The nodes whose wait this event may end."""
    return (node for node in program.nodes.values() if event_of(node) == event)
