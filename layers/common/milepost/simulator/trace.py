"""The trace of a simulated enrollment: timed entries with a sentence each.

`Trace` records which steps of a block the runner visits, whatever their type.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, NamedTuple

from milepost.base.names import EnrollmentRef
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
    """One thing that happened. `step` is empty if no step is concerned. `detail` is plain JSON."""

    at: datetime
    kind: Kind
    step: str
    text: str
    detail: Mapping[str, Any] = {}


class SentMail(NamedTuple):
    """One e-mail that was sent."""

    at: datetime
    step: str
    to: str
    subject: str
    locale: str


class EnrollmentTrace(NamedTuple):
    """The result of one simulated case.

    `path` has the visited steps in order. `ends` and `reason` are those of the last enrollment:
    `refused` if the contact did not enter, `active` if the enrollment did not end. `action_count`
    counts all actions of the clock.
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
    """Records the steps of a block run."""

    steps: list[str] = field(default_factory=list)
    over: bool = False

    def begin(self, over: bool = False) -> None:
        """Start a run. If the enrollment has ended or continues elsewhere, it visits no step."""
        self.steps.clear()
        self.over = over

    def note(self, step: str) -> None:
        """Record a visited step, unless the enrollment has ended."""
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
    """Implements `Published`. Wraps another one and records which nodes are read."""

    def __init__(self, registry: Published, trace: Trace) -> None:
        self._registry, self._trace = registry, trace

    def __getattr__(self, name: str) -> Any:
        return getattr(self._registry, name)

    def program(self, store: str, workflow: str, version: int) -> Program:
        program = self._registry.program(store, workflow, version)
        return replace(program, nodes=_Nodes(program.nodes, self._trace))


class TracedEnrollments:
    """Implements `Enrollments`. Wraps another one and records when an enrollment ends."""

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
        execution_no: int,
        start: ResumePoint,
        pending: PendingOutcomes,
        paused: bool = False,
    ) -> bool:
        self._trace.over = True  # this run visits no more steps
        return self._enrollments.suspend(ref, execution_no, start, pending, paused)

    def finish(
        self,
        ref: EnrollmentRef,
        status: Status,
        reason: str,
        at: datetime,
        execution_no: int | None = None,
    ) -> bool:
        self._trace.over = True
        return self._enrollments.finish(ref, status, reason, at, execution_no)
