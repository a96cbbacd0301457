"""How two contacts become one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from milepost.contacts.event import Event
    from milepost.contacts.ports import ReplayedEvent
    from milepost.contacts.profile import Profile
    from milepost.runtime.merging.rules import OpenEnrollment


class Merging(Protocol):
    """Makes one contact of two, and has events applied that a timeline already has."""

    def reserve(self, store: str, loser: str, winner: str) -> list[OpenEnrollment]:
        """The loser's enrollments; from now on the winner has been enrolled for the same."""

    def merge_profiles(
        self,
        loser: Profile,
        tombstone: Profile,
        winner: Profile,
        after: Profile,
        topics: Sequence[str],
    ) -> bool:
        """Replace both profiles at once; False if one has changed meanwhile, or if the loser is
        still receiving what another contact was. `topics` are those that somebody may have
        withdrawn meanwhile."""

    def copy_timeline(self, loser: Profile, after: str) -> tuple[list[Event], str]:
        """Copy the next part of a loser's timeline and proofs to the winner; those events which
        that one had already, and the place to go on from, empty at the end. Nobody applies a copy.
        """

    def finish_merge(self, loser: Profile) -> None:
        """Take the loser out of all lists; the merge is complete."""

    def undo_double_count(self, winner: str, event: Event, loser: str) -> bool:
        """Whether an event that came too late for the loser lies on the winner's timeline, but has
        been counted for neither, or taken back once."""

    def replay(self, contact: str, event: Event, again: ReplayedEvent) -> bool:
        """Have an event of a timeline applied, once for each mark; False if that was asked."""

    def move_misrouted(self, before: Profile, after: Profile, event: Event) -> bool:
        """Replace a profile, as `Contacts.apply` does, and take an event that has nothing to do
        with the contact off its timeline, at once."""
