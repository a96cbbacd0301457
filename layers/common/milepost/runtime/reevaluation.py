"""Lookouts: what comes to a contact by itself becomes an event on its timeline.

The clock is a source like any other: it translates and appends. Whoever does it twice appends the
same events; `react` notes that they came, and looks out for the next.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from milepost.base.refs import ContactRef
from milepost.contacts.profile import Profile
from milepost.enrollments.trigger_types import due
from milepost.segments.evaluator import next_check_at, read_ahead
from milepost.segments.membership import reevaluation_event

if TYPE_CHECKING:
    from milepost.contacts.ports import Contacts, Timeline
    from milepost.published.head import Published, PublishedState


MISSED_CHECK_GRACE = timedelta(minutes=5)
"""A look in vain is taken again until then: what was just published may not be known here yet."""


@dataclass(frozen=True, slots=True)
class Reevaluator:
    """Looks at contacts whose time has come. `now` is the time of the business, `unseen` too."""

    contacts: "Contacts"
    timeline: "Timeline"
    registry: "Published"
    now: Callable[[], datetime]
    unseen: timedelta = MISSED_CHECK_GRACE

    def reevaluate(self, ref: ContactRef) -> int:
        """Append what has come for a contact; how many events that is."""
        now = self.now()
        profile = self.contacts.profile(*ref)
        if profile is None or profile.next_check is None or profile.next_check.at > now:
            return 0
        head = self.registry.head(ref.store)
        found = due(profile, head.time_triggers(), now, head.settings.timezone)
        for occasion in found:
            self.timeline.append(ref.contact, occasion.event(profile))
        flipped = [at for at in read_ahead(profile, head) if at <= now]
        if flipped:
            self.timeline.append(ref.contact, reevaluation_event(ref.store, min(flipped)))
        if not found and not flipped and now - profile.next_check.at >= self.unseen:
            self._move_on(profile, head, now)
        return len(found) + bool(flipped)

    def _move_on(self, profile: Profile, head: "PublishedState", now: datetime) -> None:
        """Nothing has come after all: look again when the next thing does."""
        self.contacts.apply(profile, replace(profile, next_check=next_check_at(profile, head, now)))
