"""Load only the data that conditions need."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from milepost.conditions.context import Condition, EvaluationContext
from milepost.conditions.evaluate import emails_needed, windows_needed
from milepost.contacts.profile import Profile
from milepost.enrollments.enrollment import Enrollment, last_visit, latest_outcomes

if TYPE_CHECKING:
    from milepost.base.names import EnrollmentRef
    from milepost.contacts.ports import Timeline


class MessageStatuses(Protocol):
    """The part of the send ledger that conditions read."""

    def message_statuses(
        self, enrollment: "EnrollmentRef", visits: Mapping[str, int]
    ) -> dict[str, dict[str, Any]]:
        """The statuses of an enrollment's e-mails by step; `visits` holds the visit of each."""


@dataclass(frozen=True, slots=True)
class ContextLoader:
    """Builds the evaluation context of conditions from the timeline and the ledger."""

    timeline: "Timeline"
    ledger: MessageStatuses

    def load(
        self,
        conditions: Iterable[Condition],
        profile: Profile,
        event_data: Mapping[str, Any],
        now: datetime,
        since: datetime | None = None,
        enrollment: Enrollment | None = None,
    ) -> EvaluationContext:
        needed = tuple(conditions)
        windows = {window for each in needed for window in windows_needed(each, now, since)}
        outcomes = enrollment.outcomes if enrollment else {}
        emails = {
            step: last_visit(outcomes, step) for each in needed for step in emails_needed(each)
        }
        return EvaluationContext(
            now=now,
            contact=profile.as_data(),
            event=event_data,
            consent=profile.consents(),
            metrics=profile.metrics(),
            active_workflows=frozenset(
                active.workflow for active in profile.active_enrollments.values()
            ),
            entered_at=since,
            windows={
                window: self.timeline.past_events(profile.store, profile.contact, window)
                for window in windows
            },
            emails=self.ledger.message_statuses(enrollment.ref, emails)
            if enrollment and emails
            else {},
            steps=latest_outcomes(outcomes),
            segments=profile.segment_state.inside(),
        )

    def load_for_enrollment(
        self,
        conditions: Iterable[Condition],
        profile: Profile,
        enrollment: Enrollment,
        now: datetime,
    ) -> EvaluationContext:
        return self.load(
            conditions, profile, enrollment.event_data, now, enrollment.since, enrollment
        )
