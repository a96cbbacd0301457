"""How many contacts a condition is true of, by a sample of them.

Census: who is in a segment or on a list, and how many would be.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from milepost.conditions.context import Condition
from milepost.contacts.event import ContactUpdate, Event
from milepost.contacts.event_names import CONTACT
from milepost.contacts.fields import Change
from milepost.segments.evaluator import SegmentEvaluator
from milepost.segments.membership import STATIC

if TYPE_CHECKING:
    from milepost.contacts.ports import Contacts, Group, MemberPage, Memberships, Timeline
    from milepost.segments.ports import SegmentSource


class Estimate(NamedTuple):
    """How many of the contacts that were looked at belong to a segment, and how many there are."""

    matched: int
    sampled: int
    total: int

    def words(self) -> str:
        """The same as a person would say it."""
        if not self.sampled:
            return "there are no contacts yet"
        if self.sampled >= self.total:
            return f"{self.matched:,} of {self.total:,} contacts belong to it"
        about = round(self.matched / self.sampled * self.total)
        seen = f"{self.matched:,} of {self.sampled:,} that were looked at"
        return f"about {about:,} of {self.total:,} contacts belong to it ({seen})"


SAMPLE = 200
"""Contacts that are looked at for an estimate: someone waits for the answer."""

READERS = 8


class SegmentPreview(NamedTuple):
    """An estimate, and some of those whom it counts."""

    estimate: Estimate
    sample: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SegmentQueries:
    """Answers how many, and who."""

    contacts: "Contacts"
    timeline: "Timeline"
    registry: "SegmentSource"
    members: "Memberships"
    segmenter: SegmentEvaluator
    now: Callable[[], datetime]
    sample: int = SAMPLE

    def count(self, store: str, group: "Group", name: str) -> int:
        return self.members.count(store, group, name)

    def page(self, store: str, group: "Group", name: str, after: str, most: int) -> "MemberPage":
        return self.members.page(store, group, name, after, most)

    def estimate(self, store: str, condition: Condition) -> Estimate:
        return self.preview(store, condition).estimate

    def preview(self, store: str, condition: Condition) -> SegmentPreview:
        """Ask a condition of some contacts, the first of each part that they are kept in."""
        parts = self.members.partition_count()
        each = -(-self.sample // parts)
        names = [
            member.contact
            for part in range(parts)
            for member in self.members.page_of(store, "all", "", part, most=each).members
        ]
        head, now = self.registry.head(store), self.now()

        def asked(contact: str) -> bool:
            profile = self.contacts.profile(store, contact)
            if profile is None:
                return False
            profile = self.segmenter.score(profile, None, head, now)
            return self.segmenter.matches(profile, condition, head, now)

        with ThreadPoolExecutor(READERS) as readers:
            found = list(readers.map(asked, names))
        inside = [name for name, belongs in zip(names, found, strict=True) if belongs]
        total = self.members.count(store, "all", "")
        estimate = Estimate(len(inside), len(names), max(total, len(names)))
        return SegmentPreview(estimate, tuple(inside[:10]))

    def set_static_member(self, store: str, contact: str, segment: str, inside: bool) -> bool:
        """Put a contact into a static segment, or take it out; False if there is no such contact.

        What is so already is left as it is.
        """
        profile = self.contacts.profile(store, contact)
        if profile is None:
            return False
        if (profile.get(f"{STATIC}{segment}") is True) is inside:
            return True
        now = self.now()
        text = f"{segment}\n{inside}\n{now.isoformat()}"
        change = Change("set", f"{STATIC}{segment}", inside)
        data: dict[str, Any] = {"segment": segment, "member": inside}
        event = Event(
            store=store,
            id="a" + sha256(text.encode()).hexdigest()[:31],
            name=CONTACT,
            occurred_at=now,
            source="api",
            identifiers={},
            data=data,
            contact=ContactUpdate(changes=(change,)),
        )
        self.timeline.append(contact, event)
        return True
