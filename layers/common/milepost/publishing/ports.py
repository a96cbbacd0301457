"""The ports of publishing: the writer of published state, and state machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from milepost.conditions.context import Condition
    from milepost.enrollments.pauses import Pause
    from milepost.enrollments.program import Program
    from milepost.published.head import LiveWorkflow, PublishedState
    from milepost.runtime.jobs import Job
    from milepost.segments.segment import Segment
    from milepost.templates.version import TemplateVersion


class PublishedWriter(Protocol):
    """Reads and writes published state, always strongly consistent, never from a cache."""

    def head(self, store: str) -> PublishedState: ...

    def program(self, store: str, workflow: str, version: int) -> Program: ...

    def template(self, store: str, name: str, version: str) -> TemplateVersion:
        """A version, live or not; LookupError if it was never stored."""

    def source(self, store: str, workflow: str, version: int) -> str:
        """The hash of the file and compiler that a version was made from."""

    def save_program(self, store: str, program: Program, source: str) -> bool:
        """Store a version; False if its number belongs to another source. Versions never change."""

    def keep_resume(self, store: str, workflow: str, version: int, machine: str) -> None:
        """Store the state machine on which later executions of a version run."""

    def keep_template(self, store: str, template: TemplateVersion) -> None: ...

    def go_live(self, store: str, workflow: str, live: LiveWorkflow, after: int) -> bool:
        """Replace live version `after` (0: none) with this one; False if `after` is not live."""

    def show_template(self, store: str, name: str, version: str) -> None: ...

    def hide_template(self, store: str, name: str) -> None: ...

    def apply_settings(
        self, store: str, settings: Mapping[str, Any], pauses: Sequence[Pause] = ()
    ) -> None: ...

    def segment(self, store: str, name: str, version: int) -> Condition:
        """The condition of a version; LookupError if there is none."""

    def keep_segment(self, store: str, name: str, version: int, condition: Condition) -> bool:
        """Store a version; False if its number belongs to another condition."""

    def show_segment(self, store: str, name: str, segment: Segment, after: int) -> bool:
        """Replace live version `after` (0: none) with this one; False if `after` is not live."""

    def apply_scoring(self, store: str, scoring: Mapping[str, Any] | None) -> None: ...

    def enqueue(self, work: Job) -> None:
        """Queue a job of the scheduler. It replaces an earlier job of the same kind and name."""

    def record_refusal(self, store: str, path: str, refused: bool) -> None:
        """Record whether the current state of a file was refused."""

    def all_refused(self, store: str) -> list[str]:
        """The paths of the refused files."""


class StateMachines(Protocol):
    """Publishes state machines."""

    def publish(self, store: str, workflow: str, definition: Mapping[str, Any]) -> str:
        """Create or update the state machine and return the ARN of the published version."""
