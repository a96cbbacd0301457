from collections.abc import Collection, Iterable
from typing import NamedTuple, Protocol

from milepost.contacts.event import Event, IdentifierKind
from milepost.contacts.profile import Profile
from milepost.transfer.imports.progress import Import

Identifier = tuple[IdentifierKind, str]
MAX_REMOVED = 90
"""Items that go together with a contact at once: a transaction may have 100 parts."""


class ImportedContact(NamedTuple):
    """All that there is of a contact. `others` are the keys of what is neither of the first two."""

    store: str
    contact: str
    profile: Profile | None
    events: tuple[Event, ...]
    others: tuple[str, ...] = ()

    @property
    def is_short(self) -> bool:
        """Whether all of it can be forgotten at once."""
        known = self.profile.known_identifiers if self.profile else {}
        names = sum(len(values) for values in known.values())
        return len(self.events) + len(self.others) + names <= MAX_REMOVED


class BulkContacts(Protocol):
    """Contacts by the hundred."""

    def owners(self, store: str, identifiers: Collection[Identifier]) -> dict[Identifier, str]:
        """The contacts that identifiers lead to; those that lead nowhere are left out."""

    def profiles(self, store: str, contacts: Collection[str]) -> dict[str, Profile]:
        """The profiles that exist, by contact."""

    def keep(self, contact: str, event: Event) -> Event | None:
        """Append the event; the one that is there already under its name, instant and id."""

    def link(self, store: str, contact: str, identifiers: Iterable[Identifier]) -> None:
        """Make identifiers lead to a contact, where they lead nowhere yet."""

    def unlink(self, store: str, contact: str, identifiers: Iterable[Identifier]) -> None:
        """Make identifiers that lead to this contact lead nowhere."""

    def life(self, store: str, contact: str) -> ImportedContact: ...

    def forget(self, life: ImportedContact) -> bool:
        """Remove everything of a contact; False, and nothing is removed, if it has changed.

        For two days it leaves an empty profile, so that a record of the stream that comes again
        does not bring it back.
        """


class Imports(Protocol):
    """Keeps how far each import has come."""

    def begin(self, new: Import) -> Import:
        """Keep a new import; if there is one of its id, that one stays and is the answer."""

    def load(self, store: str, import_id: str) -> Import | None: ...

    def save(self, before: Import, after: Import) -> bool:
        """Write a step down; False if somebody else has written one since `before` was read."""
