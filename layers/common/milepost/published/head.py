"""What is live in a store, as the running functions read it."""

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
    """A published workflow: its version, and the state machine that runs new enrollments.

    `trigger` is the program's trigger without `where`, so that an event needs the programs of
    matching workflows only.
    """

    version: int
    machine: str
    status: Literal["live", "paused", "draft", "archived"]
    pauses: tuple[Pause, ...] = ()
    trigger: Mapping[str, Any] = {}


class PublishedState(NamedTuple):
    """What is live in a store now; `pauses` are those of the whole store.

    `breaker` is the marketing stop, if any; `resumed` is when a person last resumed marketing.
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
        """All pauses that apply to the active enrollments of a workflow."""
        live = self.workflows.get(workflow)
        return (*self.pauses, *(live.pauses if live else ()))

    def time_triggers(self) -> list[Mapping[str, Any]]:
        """The time triggers of live and paused workflows."""
        from milepost.enrollments.trigger_types import scope_of  # few functions need it

        return [
            live.trigger
            for live in self.workflows.values()
            if live.status in ("live", "paused") and scope_of(live.trigger) == "contact_clock"
        ]

    def is_paused(self, workflow: str) -> bool:
        return any(pause.ended is None for pause in self.pauses_of(workflow))


class Published(Protocol):
    """Reads what is published."""

    def head(self, store: str, anew: bool = False) -> PublishedState:
        """What is live. It may be half a minute old, unless `anew` is set."""

    def program(self, store: str, workflow: str, version: int) -> Program: ...

    def template(self, store: str, name: str, version: str) -> Renderer: ...

    def resume_state_machine(self, store: str, workflow: str, version: int) -> str:
        """The state machine that runs later executions of this version."""

    def segment(self, store: str, name: str, version: int) -> Condition:
        """The condition of this version of a segment."""
