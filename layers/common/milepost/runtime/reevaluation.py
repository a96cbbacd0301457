"""Lookouts: what comes to a contact by itself becomes an event on its timeline.

The clock is a source like any other: it translates and appends. Whoever does it twice appends the
same events; `react` notes that they came, and looks out for the next.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from milepost.base.refs import ContactRef
from milepost.contacts.profile import Lookout, Profile
from milepost.enrollments.time_triggers import coming, due, is_look, look_out, looked_until
from milepost.segments.evaluator import ahead
from milepost.segments.membership import look_event

if TYPE_CHECKING:
    from milepost.contacts.event import Event
    from milepost.contacts.ports import Contacts, Timeline
    from milepost.published.head import Head, Registry


UNSEEN = timedelta(minutes=5)
"""A look in vain is taken again until then: what was just published may not be known here yet."""


@dataclass(frozen=True, slots=True)
class Lookouts:
    """Looks at contacts whose time has come. `now` is the time of the business, `unseen` too."""

    contacts: "Contacts"
    timeline: "Timeline"
    registry: "Registry"
    now: Callable[[], datetime]
    unseen: timedelta = UNSEEN

    def look(self, ref: ContactRef) -> int:
        """Append what has come for a contact; how many events that is."""
        now = self.now()
        profile = self.contacts.profile(*ref)
        if profile is None or profile.lookout is None or profile.lookout.at > now:
            return 0
        head = self.registry.head(ref.store)
        found = due(profile, head.plans(), now, head.settings.timezone)
        for occasion in found:
            self.timeline.append(ref.contact, occasion.event(profile))
        flipped = [at for at in ahead(profile, head) if at <= now]
        if flipped:
            self.timeline.append(ref.contact, look_event(ref.store, min(flipped)))
        if not found and not flipped and now - profile.lookout.at >= self.unseen:
            self._move_on(profile, head, now)
        return len(found) + bool(flipped)

    def _move_on(self, profile: Profile, head: "Head", now: datetime) -> None:
        """Nothing has come after all: look again when the next thing does."""
        self.contacts.apply(profile, replace(profile, lookout=next_look(profile, head, now)))


def next_look(
    profile: Profile, head: "Head", now: datetime, event: "Event | None" = None
) -> Lookout | None:
    """When a contact has to be looked at again: something comes, or a segment may change.

    If `event` has the contact looked at, what came since its instant is still to come: between
    publishing and the look for it nobody may have known.
    """
    since = looked_until(profile, now)
    if event is not None and is_look(event):
        since = min(since, event.occurred_at)
    occasions = coming(profile, head.plans(), since, head.settings.timezone)[:1]
    instants = [*(occasion.at for occasion in occasions), *ahead(profile, head)]
    return look_out(profile, min(instants, default=None), now)
