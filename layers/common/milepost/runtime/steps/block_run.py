"""A turn: one run of one block, what is known in it, and what is not yet written down."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from milepost.contacts.event import Event
from milepost.contacts.profile import Profile, fold
from milepost.enrollments.enrollment import Enrollment, step_data
from milepost.enrollments.ports import Journal
from milepost.enrollments.program import Node, Program, outcome_key
from milepost.enrollments.version_migration import MOMENT
from milepost.stores.settings import StoreSettings

if TYPE_CHECKING:
    from milepost.enrollments.ports import Enrollments


@dataclass(slots=True)
class Turn:
    """`number` tells a second run of a block from a second visit: it counts the blocks so far.

    `frozen` is how long pauses lasted since it began.
    """

    entry: str
    number: int
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
        return self.enrollment.outcomes.get(outcome_key(node, self.number))

    def note(self, node: Node, outcome: Mapping[str, Any]) -> Mapping[str, Any]:
        """Keep an outcome; it is written down by `flush`, or with the next message."""
        key = outcome_key(node, self.number)
        self._unwritten[key] = outcome
        outcomes = {**self.enrollment.outcomes, key: outcome}
        self.enrollment = replace(self.enrollment, outcomes=outcomes)
        return outcome

    def data(self) -> dict[str, Any]:
        """What a step may look values up in."""
        return step_data(self.profile, self.enrollment, self.settings)

    def moment(self) -> datetime:
        """The instant of the next report: later steps report later, for the newest counts."""
        self.reported += 1
        return self.began + self.reported * MOMENT

    def learn(self, event: Event, new: bool) -> None:
        """See the contact as it will be when an event of ours has been applied.

        One that an earlier run reported may have been applied by now: it must not count twice.
        """
        total = self.profile.totals.get(event.name)
        if new or total is None or total.last < event.occurred_at:
            self.profile = fold(self.profile, event, self.settings)

    def journal(self) -> Journal:
        began = {str(self.number): self.began} if self.begun_now else {}
        entries = {str(self.number): self.entry} if self.begun_now else {}
        return Journal(began, dict(self._unwritten), entries)

    def written(self) -> None:
        """All of the journal has been written."""
        self._unwritten.clear()
        self.begun_now = False

    def flush(self, enrollments: "Enrollments") -> None:
        journal = self.journal()
        if journal.began or journal.outcomes:
            enrollments.write(self.enrollment.ref, journal, self.enrollment.leg)
            self.written()
