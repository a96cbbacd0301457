"""Count and list the members of segments and lists, and estimate how many contacts match a
condition."""

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
    """How many contacts of a sample match a condition, and how many contacts there are."""

    matched: int
    sampled: int
    total: int

    def words(self) -> str:
        """The estimate as a sentence."""
        if not self.sampled:
            return "there are no contacts yet"
        if self.sampled >= self.total:
            return f"{self.matched:,} of {self.total:,} contacts belong to it"
        about = round(self.matched / self.sampled * self.total)
        basis = f"{self.matched:,} of {self.sampled:,} that were looked at"
        return f"about {about:,} of {self.total:,} contacts belong to it ({basis})"


SAMPLE = 200
"""Contacts to evaluate for an estimate; a user waits for the response."""

READERS = 8


class SegmentPreview(NamedTuple):
    """An estimate, and some of the matching contacts."""

    estimate: Estimate
    sample: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SegmentQueries:
    """Counts and lists members, and previews conditions."""

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
        """Evaluate a condition for a sample: the first contacts of each partition."""
        parts = self.members.partition_count()
        each = -(-self.sample // parts)
        names = [
            member.contact
            for part in range(parts)
            for member in self.members.page_of(store, "all", "", part, most=each).members
        ]
        head, now = self.registry.head(store), self.now()

        def matches(contact: str) -> bool:
            profile = self.contacts.profile(store, contact)
            if profile is None:
                return False
            profile = self.segmenter.score(profile, None, head, now)
            return self.segmenter.matches(profile, condition, head, now)

        with ThreadPoolExecutor(READERS) as readers:
            found = list(readers.map(matches, names))
        inside = [name for name, matched in zip(names, found, strict=True) if matched]
        total = self.members.count(store, "all", "")
        estimate = Estimate(len(inside), len(names), max(total, len(names)))
        return SegmentPreview(estimate, tuple(inside[:10]))

    def set_static_member(self, store: str, contact: str, segment: str, inside: bool) -> bool:
        """Add a contact to a static segment or remove it; False if there is no such contact."""
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
