"""A turn: one run of one block, what is known in it, and what is not yet written down."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from milepost.contacts.event import Event
from milepost.contacts.profile import Profile, apply_event
from milepost.enrollments.enrollment import Enrollment, template_data
from milepost.enrollments.ports import PendingOutcomes
from milepost.enrollments.program import Node, Program, outcome_key
from milepost.enrollments.step_flow import Outcome
from milepost.enrollments.version_migration import TIMESTAMP_RESOLUTION
from milepost.sending.send import SendDeferred, SendPaused
from milepost.stores.settings import StoreSettings

if TYPE_CHECKING:
    from milepost.enrollments.ports import Enrollments


class Next(NamedTuple):
    """The block goes on at this step."""

    step: str


class Ended(NamedTuple):
    """The enrollment is over, and why."""

    reason: str


class Suspended(NamedTuple):
    """The block is run again from its beginning: after a pause, or when its message may go."""

    why: SendPaused | SendDeferred


StepResult = Next | Ended | Suspended


class Emission(NamedTuple):
    """What a step has decided to report, under which key, and when that happens."""

    key: str
    outcome: Outcome
    at: datetime


Emitted = tuple[Event, bool]
"""An event of ours, and whether the timeline had not had it before."""


@dataclass(slots=True)
class BlockRun:
    """One run of one block.

    A step that is run again must not decide, report or call anew, so a runner has three ways and no
    other: `decide_once`, `decide_then_emit` and `call_at_least_once`. Only mail has its own, for
    its claim is saved together with what is pending here.

    `number` tells a second run of a block from a second visit: it counts the blocks so far.
    `frozen` is how long pauses lasted since it began.
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
    frozen: timedelta = timedelta(0)
    _reported: int = 0
    _unwritten: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def decide_once(self, node: Node, decide: Callable[[], Outcome]) -> Outcome:
        """What this very visit of a step comes to: decided if it has not been, and noted before
        anything follows from it. It is saved with what is saved next."""
        held = self.enrollment.outcomes.get(outcome_key(node, self.block_seq))
        return self._set_outcome(node, decide()) if held is None else held

    def decide_then_emit(
        self, node: Node, decide: Callable[[], Outcome], emit: Callable[[Emission], Emitted]
    ) -> Outcome:
        """Save a decision, and only then put on the timeline what it says: a second run puts the
        same event there, which changes nothing."""
        outcome = self.decide_once(node, decide)
        self.save()
        self._reported += 1
        # later steps later, for the newest counts
        at = self.began + self._reported * TIMESTAMP_RESOLUTION
        self._learn(*emit(Emission(outcome_key(node, self.block_seq), outcome, at)))
        return outcome

    def call_at_least_once(self, node: Node, call: Callable[[str], Outcome]) -> Outcome:
        """Call somebody else with a key that tells a second call from the first, and save what they
        answered; all that was decided before is saved before."""

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
        """What a step may look values up in."""
        return template_data(self.profile, self.enrollment, self.settings)

    def _learn(self, event: Event, new: bool) -> None:
        """See the contact as it will be when an event of ours has been applied.

        One that an earlier run reported may have been applied by now: it must not count twice.
        """
        total = self.profile.totals.get(event.name)
        if new or total is None or total.last < event.occurred_at:
            self.profile = apply_event(self.profile, event, self.settings)

    def pending(self) -> PendingOutcomes:
        began = {str(self.block_seq): self.began} if self.begun_now else {}
        entries = {str(self.block_seq): self.entry} if self.begun_now else {}
        return PendingOutcomes(began, dict(self._unwritten), entries)

    def mark_saved(self) -> None:
        """All of the journal has been written."""
        self._unwritten.clear()
        self.begun_now = False

    def save(self) -> None:
        journal = self.pending()
        if journal.began or journal.outcomes:
            self.enrollments.write(self.enrollment.ref, journal, self.enrollment.execution_no)
            self.mark_saved()
