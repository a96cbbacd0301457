"""A turn: one run of one block, what is known in it, and what is not yet written down."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from milepost.contacts.event import Event
from milepost.contacts.profile import Profile, apply_event
from milepost.enrollments.enrollment import Enrollment, template_data
from milepost.enrollments.ports import PendingOutcomes
from milepost.enrollments.program import Node, Program, outcome_key
from milepost.enrollments.version_migration import TIMESTAMP_RESOLUTION
from milepost.stores.settings import StoreSettings

if TYPE_CHECKING:
    from milepost.enrollments.ports import Enrollments


@dataclass(slots=True)
class BlockRun:
    """`number` tells a second run of a block from a second visit: it counts the blocks so far.

    `frozen` is how long pauses lasted since it began.
    """

    entry: str
    block_seq: int
    program: Program
    profile: Profile
    enrollment: Enrollment
    began: datetime
    settings: StoreSettings
    begun_now: bool = False
    reported: int = 0
    frozen: timedelta = timedelta(0)
    _unwritten: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def outcome(self, node: Node) -> Mapping[str, Any] | None:
        """What this very visit of the node came to, if it was decided before."""
        return self.enrollment.outcomes.get(outcome_key(node, self.block_seq))

    def set_outcome(self, node: Node, outcome: Mapping[str, Any]) -> Mapping[str, Any]:
        """Keep an outcome; it is written down by `save`, or with the next message."""
        key = outcome_key(node, self.block_seq)
        self._unwritten[key] = outcome
        outcomes = {**self.enrollment.outcomes, key: outcome}
        self.enrollment = replace(self.enrollment, outcomes=outcomes)
        return outcome

    def data(self) -> dict[str, Any]:
        """What a step may look values up in."""
        return template_data(self.profile, self.enrollment, self.settings)

    def next_instant(self) -> datetime:
        """The instant of the next report: later steps report later, for the newest counts."""
        self.reported += 1
        return self.began + self.reported * TIMESTAMP_RESOLUTION

    def apply_changes(self, event: Event, new: bool) -> None:
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

    def save(self, enrollments: "Enrollments") -> None:
        journal = self.pending()
        if journal.began or journal.outcomes:
            enrollments.write(self.enrollment.ref, journal, self.enrollment.execution_no)
            self.mark_saved()
