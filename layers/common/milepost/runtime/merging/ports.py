"""The port of merging."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from milepost.contacts.event import Event
    from milepost.contacts.ports import ReplayedEvent
    from milepost.contacts.profile import Profile
    from milepost.runtime.merging.rules import OpenEnrollment


class Merging(Protocol):
    """Merges contacts in the table, and replays events that a timeline already has."""

    def reserve(self, store: str, loser: str, winner: str) -> list[OpenEnrollment]:
        """The loser's enrollments; from now on the winner cannot enter for the same."""

    def merge_profiles(
        self,
        loser: Profile,
        tombstone: Profile,
        winner: Profile,
        after: Profile,
        topics: Sequence[str],
    ) -> bool:
        """Replace both profiles in one transaction. False if one has changed meanwhile or the
        loser is still the winner of another merge. `topics` are those that the contact may have
        withdrawn meanwhile."""

    def copy_timeline(self, loser: Profile, after: str) -> tuple[list[Event], str]:
        """Copy the next batch of a loser's timeline and consent log to the winner. Returns the
        events that the winner already had, and the cursor, empty at the end. Copies are not
        applied."""

    def finish_merge(self, loser: Profile) -> None:
        """Remove the loser from all lists and mark the merge as complete."""

    def undo_double_count(self, winner: str, event: Event, loser: str) -> bool:
        """Whether a late event of the loser is on the winner's timeline but was counted for
        neither, or was corrected once."""

    def replay(self, contact: str, event: Event, again: ReplayedEvent) -> bool:
        """Replay an event of a timeline, once for each reason; False if it was replayed before."""

    def move_misrouted(self, before: Profile, after: Profile, event: Event) -> bool:
        """Replace a profile, as `Contacts.apply` does, and remove a misrouted event from its
        timeline, in one transaction."""
