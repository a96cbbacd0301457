"""A block run: its data and its unsaved outcomes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from milepost.contacts.event import Event
from milepost.contacts.profile import Profile, apply_event
from milepost.enrollments.enrollment import Enrollment, template_data
from milepost.enrollments.ports import PendingOutcomes
from milepost.enrollments.program import Node, Outcome, Program, outcome_key
from milepost.enrollments.version_migration import TIMESTAMP_RESOLUTION
from milepost.sending.send import SendDeferred, SendPaused
from milepost.stores.settings import StoreSettings

if TYPE_CHECKING:
    from milepost.enrollments.ports import Enrollments


class Next(NamedTuple):
    """The block run continues with this step."""

    step: str


class Ended(NamedTuple):
    """The enrollment ends for this reason."""

    reason: str


class Suspended(NamedTuple):
    """The block run is repeated after a pause, or when its deferred message may go."""

    why: SendPaused | SendDeferred


StepResult = Next | Ended | Suspended


class Emission(NamedTuple):
    """The event that a step has decided to emit: its key, outcome and time."""

    key: str
    outcome: Outcome
    at: datetime


Emitted = tuple[Event, bool]
"""An emitted event, and whether it was new on the timeline."""


@dataclass(slots=True)
class BlockRun:
    """One run of one block.

    A repeated step must not decide, emit or call again, so runners use only `decide_once`,
    `decide_then_emit` and `call_at_least_once`. Only e-mail differs, because its claim is saved
    together with the pending outcomes.

    `block_seq` counts the block runs, so a repetition differs from a second visit. `paused_for`
    is the paused time since `began`.
    """

    enrollments: "Enrollments"
    entry: str
    block_seq: int
    program: Program
    profile: Profile
    enrollment: Enrollment
    began: datetime
    settings: StoreSettings
    begun_now: bool = False
    paused_for: timedelta = timedelta(0)
    _reported: int = 0
    _unwritten: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def decide_once(self, node: Node, decide: Callable[[], Outcome]) -> Outcome:
        """The outcome of this step visit, decided now if it is not yet. The next save includes
        it."""
        outcome = self.enrollment.outcomes.get(outcome_key(node, self.block_seq))
        return self._set_outcome(node, decide()) if outcome is None else outcome

    def decide_then_emit(
        self, node: Node, decide: Callable[[], Outcome], emit: Callable[[Emission], Emitted]
    ) -> Outcome:
        """Save a decision, then emit its event; a repetition emits the same event, without
        effect."""
        outcome = self.decide_once(node, decide)
        self.save()
        self._reported += 1
        # A later step gets a later time, because the newest event counts.
        at = self.began + self._reported * TIMESTAMP_RESOLUTION
        self._apply_own(*emit(Emission(outcome_key(node, self.block_seq), outcome, at)))
        return outcome

    def call_at_least_once(self, node: Node, call: Callable[[str], Outcome]) -> Outcome:
        """Save earlier decisions, call another system with an idempotency key, and save its
        answer."""

        def called() -> Outcome:
            self.save()
            return call(outcome_key(node, self.block_seq))

        outcome = self.decide_once(node, called)
        self.save()
        return outcome

    def _set_outcome(self, node: Node, outcome: Outcome) -> Outcome:
        key = outcome_key(node, self.block_seq)
        self._unwritten[key] = outcome
        outcomes = {**self.enrollment.outcomes, key: outcome}
        self.enrollment = replace(self.enrollment, outcomes=outcomes)
        return outcome

    def data(self) -> dict[str, Any]:
        """The data from which a step reads values."""
        return template_data(self.profile, self.enrollment, self.settings)

    def _apply_own(self, event: Event, new: bool) -> None:
        """Apply an emitted event to the profile in memory, unless `react` has applied it since an
        earlier run."""
        total = self.profile.totals.get(event.name)
        if new or total is None or total.last < event.occurred_at:
            self.profile = apply_event(self.profile, event, self.settings)

    def pending(self) -> PendingOutcomes:
        began = {str(self.block_seq): self.began} if self.begun_now else {}
        entries = {str(self.block_seq): self.entry} if self.begun_now else {}
        return PendingOutcomes(began, dict(self._unwritten), entries)

    def mark_saved(self) -> None:
        """Mark all outcomes as saved."""
        self._unwritten.clear()
        self.begun_now = False

    def save(self) -> None:
        pending = self.pending()
        if pending.began or pending.outcomes:
            self.enrollments.write(self.enrollment.ref, pending, self.enrollment.execution_no)
            self.mark_saved()
