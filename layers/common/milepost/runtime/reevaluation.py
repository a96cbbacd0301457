"""Scheduled re-evaluation: due time triggers and segment changes become events of a contact.

A repetition appends the same events again, without effect. `react` marks them as fired and plans
the next check.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from milepost.base.names import ContactRef
from milepost.enrollments.trigger_types import due
from milepost.segments.evaluator import next_check_at, read_ahead
from milepost.segments.membership import reevaluation_event

if TYPE_CHECKING:
    from milepost.contacts.ports import Contacts, Timeline
    from milepost.published.head import Published


MISSED_CHECK_GRACE = timedelta(minutes=5)
"""How long a check without result is repeated: a new publication may not be known here yet."""


@dataclass(frozen=True, slots=True)
class Reevaluator:
    """Re-evaluates contacts whose next check is due. `now` and `unseen` are in business time."""

    contacts: "Contacts"
    timeline: "Timeline"
    registry: "Published"
    now: Callable[[], datetime]
    unseen: timedelta = MISSED_CHECK_GRACE

    def reevaluate(self, ref: ContactRef) -> int:
        """Append the due events of a contact; how many there are."""
        now = self.now()
        profile = self.contacts.profile(*ref)
        if profile is None or profile.next_check is None or profile.next_check.at > now:
            return 0
        head = self.registry.head(ref.store)
        found = due(profile, head.time_triggers(), now, head.settings.timezone)
        for occurrence in found:
            self.timeline.append(ref.contact, occurrence.event(profile))
        changes = [at for at in read_ahead(profile, head) if at <= now]
        if changes:
            self.timeline.append(ref.contact, reevaluation_event(ref.store, min(changes)))
        if not found and not changes and now - profile.next_check.at >= self.unseen:
            after = replace(profile, next_check=next_check_at(profile, head, now))
            self.contacts.apply(profile, after)
        return len(found) + bool(changes)
