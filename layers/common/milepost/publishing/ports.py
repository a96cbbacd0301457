"""What publishing needs: a store's files, the registry's writing side, state machines."""

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
    """The writing side of the registry: always the present, never from a cache."""

    def head(self, store: str) -> PublishedState: ...

    def program(self, store: str, workflow: str, version: int) -> Program: ...

    def template(self, store: str, name: str, version: str) -> TemplateVersion:
        """A version, live or not; LookupError if it was never kept."""

    def source(self, store: str, workflow: str, version: int) -> str:
        """What identifies the file and compiler that a version was made from."""

    def save_program(self, store: str, program: Program, source: str) -> bool:
        """Keep a version; False if that number belongs to another source: versions never change."""

    def keep_resume(self, store: str, workflow: str, version: int, machine: str) -> None:
        """Keep the machine on which later legs of a version run."""

    def keep_template(self, store: str, template: TemplateVersion) -> None: ...

    def go_live(self, store: str, workflow: str, live: LiveWorkflow, after: int) -> bool:
        """Make a version live in place of version `after` (0: none); False if that is not live."""

    def show_template(self, store: str, name: str, version: str) -> None: ...

    def hide_template(self, store: str, name: str) -> None: ...

    def apply_settings(
        self, store: str, settings: Mapping[str, Any], pauses: Sequence[Pause] = ()
    ) -> None: ...

    def segment(self, store: str, name: str, version: int) -> Condition:
        """The condition of a version; LookupError if there is none."""

    def keep_segment(self, store: str, name: str, version: int, condition: Condition) -> bool:
        """Keep a version; False if that number belongs to another condition."""

    def show_segment(self, store: str, name: str, segment: Segment, after: int) -> bool:
        """Make a segment live in place of version `after` (0: none); False if that is not live."""

    def apply_scoring(self, store: str, scoring: Mapping[str, Any] | None) -> None: ...

    def enqueue(self, work: Job) -> None:
        """Have something done for everybody inside a workflow; it replaces the same done before."""

    def record_refusal(self, store: str, path: str, refused: bool) -> None:
        """Note whether a file as it is now was refused."""

    def all_refused(self, store: str) -> list[str]:
        """The paths of the files that were refused."""


class StateMachines(Protocol):
    """Publishes state machines."""

    def publish(self, store: str, workflow: str, definition: Mapping[str, Any]) -> str:
        """Create or update the machine; the ARN of the published version."""
