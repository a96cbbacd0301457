from collections.abc import Collection, Iterable
from typing import NamedTuple, Protocol

from milepost.contacts.event import Event, IdentifierKind
from milepost.contacts.profile import Profile
from milepost.transfer.imports.progress import Import

Identifier = tuple[IdentifierKind, str]
MAX_REMOVED = 90
"""Items that one transaction removes with a contact: a transaction has at most 100 parts."""


class ImportedContact(NamedTuple):
    """All items of a contact. `others` are the keys of items that are no profile and no event."""

    store: str
    contact: str
    profile: Profile | None
    events: tuple[Event, ...]
    others: tuple[str, ...] = ()

    @property
    def is_short(self) -> bool:
        """Whether one transaction can remove all of it."""
        known = self.profile.known_identifiers if self.profile else {}
        names = sum(len(values) for values in known.values())
        return len(self.events) + len(self.others) + names <= MAX_REMOVED


class BulkContacts(Protocol):
    """Reads and writes contacts in bulk."""

    def owners(self, store: str, identifiers: Collection[Identifier]) -> dict[Identifier, str]:
        """The contacts of identifiers; unknown identifiers are left out."""

    def profiles(self, store: str, contacts: Collection[str]) -> dict[str, Profile]:
        """The profiles that exist, by contact."""

    def keep(self, contact: str, event: Event) -> Event | None:
        """Append the event; returns the existing one with the same name, instant and id."""

    def link(self, store: str, contact: str, identifiers: Iterable[Identifier]) -> None:
        """Link the identifiers that have no contact yet to this contact."""

    def unlink(self, store: str, contact: str, identifiers: Iterable[Identifier]) -> None:
        """Remove the links of identifiers to this contact."""

    def life(self, store: str, contact: str) -> ImportedContact: ...

    def forget(self, life: ImportedContact) -> bool:
        """Remove all items of a contact; False (nothing is removed) if it has changed.

        An empty profile stays for two days, so that a repeated stream record does not create the
        contact again.
        """


class Imports(Protocol):
    """Stores the progress of imports."""

    def begin(self, new: Import) -> Import:
        """Store a new import; return the existing one if the id exists."""

    def load(self, store: str, import_id: str, /) -> Import | None: ...

    def save(self, before: Import, after: Import) -> bool:
        """Save progress; False if it was changed since `before` was read."""
