"""Lookouts: what comes to a contact by itself becomes an event on its timeline.

The clock is a source like any other: it translates and appends. Whoever does it twice appends the
same events; `react` notes that they came, and looks out for the next.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from milepost.base.refs import ContactRef
from milepost.contacts.profile import NextCheck, Profile
from milepost.enrollments.time_triggers import (
    checked_until,
    due,
    is_reevaluation,
    next_due,
    plan_next_check,
)
from milepost.segments.evaluator import read_ahead
from milepost.segments.membership import reevaluation_event

if TYPE_CHECKING:
    from milepost.contacts.event import Event
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


def next_check_at(
    profile: Profile, head: "PublishedState", now: datetime, event: "Event | None" = None
) -> NextCheck | None:
    """When a contact has to be looked at again: something comes, or a segment may change.

    If `event` has the contact looked at, what came since its instant is still to come: between
    publishing and the look for it nobody may have known.
    """
    since = checked_until(profile, now)
    if event is not None and is_reevaluation(event):
        since = min(since, event.occurred_at)
    occasions = next_due(profile, head.time_triggers(), since, head.settings.timezone)[:1]
    instants = [*(occasion.at for occasion in occasions), *read_ahead(profile, head)]
    return plan_next_check(profile, min(instants, default=None), now)
