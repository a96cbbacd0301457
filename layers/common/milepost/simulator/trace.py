"""What somebody sees who watches an enrollment: moments in order, each worth a sentence.

The way through a block: which steps the runner looked at, in order, whatever they are.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, NamedTuple

from milepost.base.refs import EnrollmentRef
from milepost.contacts.profile import Profile
from milepost.enrollments.enrollment import Enrollment, ResumePoint, Status
from milepost.enrollments.ports import Enrollments, PendingOutcomes
from milepost.enrollments.program import Node, Program
from milepost.published.head import Published

Kind = Literal[
    "event",
    "enters",
    "refused",
    "decides",
    "mails",
    "no mail",
    "deferred",
    "waits",
    "time-out",
    "leaves",
]


class TraceEntry(NamedTuple):
    """One thing that happened. `step` is empty where none is concerned, `detail` plain JSON."""

    at: datetime
    kind: Kind
    step: str
    text: str
    detail: Mapping[str, Any] = {}


class SentMail(NamedTuple):
    """One mail that went out."""

    at: datetime
    step: str
    to: str
    subject: str
    locale: str


class EnrollmentTrace(NamedTuple):
    """Everything that came of one story.

    `path` holds the steps in the order they were come to. `ends` and `reason` are those of the
    last enrollment: `refused` if nobody entered, `active` if it never ends. `effort` counts all
    that happened, seen or not.
    """

    began: datetime
    moments: tuple[TraceEntry, ...]
    mails: tuple[SentMail, ...]
    path: tuple[str, ...]
    ends: str
    reason: str
    action_count: int = 0


@dataclass(slots=True)
class Trace:
    """Notes the steps of one run after the other."""

    steps: list[str] = field(default_factory=list)
    over: bool = False

    def begin(self, over: bool = False) -> None:
        """A run begins; one of an enrollment that is over, or goes on elsewhere, takes no step."""
        self.steps.clear()
        self.over = over

    def note(self, step: str) -> None:
        """A step was come to. After the end of an enrollment only its machine is led to an end."""
        if not self.over and self.steps[-1:] != [step]:
            self.steps.append(step)


@dataclass(frozen=True, slots=True)
class _Nodes(Mapping[str, Node]):
    nodes: Mapping[str, Node]
    trace: Trace

    def __getitem__(self, step: str) -> Node:
        self.trace.note(step)
        return self.nodes[step]

    def __iter__(self) -> Iterator[str]:
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)


class TracedRegistry:
    """Implements `Published`: that of somebody else, whose programs say what is read of them."""

    def __init__(self, registry: Published, trace: Trace) -> None:
        self._registry, self._trace = registry, trace

    def __getattr__(self, name: str) -> Any:
        return getattr(self._registry, name)

    def program(self, store: str, workflow: str, version: int) -> Program:
        program = self._registry.program(store, workflow, version)
        return replace(program, nodes=_Nodes(program.nodes, self._trace))


class TracedEnrollments:
    """Implements `Enrollments`: those of somebody else, who tell when one is over."""

    def __init__(self, enrollments: Enrollments, trace: Trace) -> None:
        self._enrollments, self._trace = enrollments, trace

    def __getattr__(self, name: str) -> Any:
        return getattr(self._enrollments, name)

    def load(self, ref: EnrollmentRef) -> tuple[Profile, Enrollment] | None:
        loaded = self._enrollments.load(ref)
        if loaded is not None and loaded[1].status != "active":
            self._trace.over = True
        return loaded

    def suspend(
        self,
        ref: EnrollmentRef,
        leg: int,
        start: ResumePoint,
        journal: PendingOutcomes,
        paused: bool = False,
    ) -> bool:
        self._trace.over = True  # for this run, as it looks for nothing but its way out
        return self._enrollments.suspend(ref, leg, start, journal, paused)

    def finish(
        self,
        ref: EnrollmentRef,
        status: Status,
        reason: str,
        at: datetime,
        leg: int | None = None,
    ) -> bool:
        self._trace.over = True
        return self._enrollments.finish(ref, status, reason, at, leg)
