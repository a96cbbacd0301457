"""Load exactly what some conditions need to see, and no more."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from milepost.conditions.context import Condition, EvaluationContext
from milepost.conditions.evaluate import emails_needed, windows_needed
from milepost.contacts.profile import Profile
from milepost.enrollments.enrollment import Enrollment, last_visit, latest_outcomes

if TYPE_CHECKING:
    from milepost.base.refs import EnrollmentRef
    from milepost.contacts.ports import Timeline


class MessageStatuses(Protocol):
    """The part of the send ledger that conditions read."""

    def message_statuses(
        self, enrollment: "EnrollmentRef", visits: Mapping[str, int]
    ) -> dict[str, dict[str, Any]]:
        """What became of an enrollment's e-mails, by step; `visits` says which of each step's."""


@dataclass(frozen=True, slots=True)
class ContextLoader:
    """Reads the timeline and the ledger on behalf of conditions."""

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
        asked = tuple(conditions)
        windows = {
            window for condition in asked for window in windows_needed(condition, now, since)
        }
        outcomes = enrollment.outcomes if enrollment else {}
        emails = {
            step: last_visit(outcomes, step)
            for condition in asked
            for step in emails_needed(condition)
        }
        return EvaluationContext(
            now=now,
            contact=profile.as_data(),
            event=event_data,
            consent=profile.consents(),
            metrics=profile.metrics(),
            active_workflows=frozenset(
                presence.workflow for presence in profile.active_enrollments.values()
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
        """The facts as one enrollment sees them."""
        return self.load(
            conditions, profile, enrollment.event_data, now, enrollment.since, enrollment
        )
