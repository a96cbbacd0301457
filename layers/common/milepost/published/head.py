"""What has been published, as those read it who act on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from milepost.segments.segment import Segments

if TYPE_CHECKING:
    from collections.abc import Mapping

    from milepost.conditions.context import Condition
    from milepost.enrollments.pauses import Pause
    from milepost.enrollments.program import Program
    from milepost.published.marketing_stop import MarketingStop
    from milepost.segments.scoring import Scoring
    from milepost.stores.settings import StoreSettings
    from milepost.templates.rendering import Renderer


class LiveWorkflow(NamedTuple):
    """A workflow that is published: its version, and the machine that new entries start on.

    `trigger` is its program's without `where`, so that whoever has an event need not read the
    programs of all the workflows that it does not concern.
    """

    version: int
    machine: str
    status: Literal["live", "paused", "draft", "archived"]
    pauses: tuple[Pause, ...] = ()
    trigger: Mapping[str, Any] = {}


class PublishedState(NamedTuple):
    """What is live in a store now; `pauses` are the whole store's.

    `breaker` says why its marketing is stopped, `resumed` when a person last let it go on.
    """

    settings: StoreSettings
    workflows: Mapping[str, LiveWorkflow]
    templates: Mapping[str, str]
    pauses: tuple[Pause, ...] = ()
    segments: Segments = Segments()
    scoring: Scoring | None = None
    breaker: MarketingStop | None = None
    resumed: str = ""

    def pauses_of(self, workflow: str) -> tuple[Pause, ...]:
        """All pauses that freeze those inside a workflow."""
        live = self.workflows.get(workflow)
        return (*self.pauses, *(live.pauses if live else ()))

    def time_triggers(self) -> list[Mapping[str, Any]]:
        """What live workflows wait for that comes to contacts by itself, paused ones included."""
        from milepost.enrollments.trigger_types import scope_of  # few who need a head ask this

        return [
            live.trigger
            for live in self.workflows.values()
            if live.status in ("live", "paused") and scope_of(live.trigger) == "contact_clock"
        ]

    def is_paused(self, workflow: str) -> bool:
        return any(pause.ended is None for pause in self.pauses_of(workflow))


class Published(Protocol):
    """What has been published."""

    def head(self, store: str, anew: bool = False) -> PublishedState:
        """What is live; it may be half a minute old, unless it is to be read `anew`."""

    def program(self, store: str, workflow: str, version: int) -> Program: ...

    def template(self, store: str, name: str, version: str) -> Renderer: ...

    def resume_state_machine(self, store: str, workflow: str, version: int) -> str:
        """The machine on which later legs of this version run."""

    def segment(self, store: str, name: str, version: int) -> Condition:
        """Who is in a segment, as this version says."""
