"""What importing and exporting need from the world.

Whatever the world cannot answer momentarily is `errors.Busy`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from milepost.domain.contacts import Profile
from milepost.domain.events import Event, IdentifierKind
from milepost.domain.exports import Export, Kind
from milepost.domain.imports.progress import Import, Upload

Identifier = tuple[IdentifierKind, str]


class Gone(Exception):
    """The version of a file that was being read is no longer there."""


class Uploads(Protocol):
    """Files of a store of any size. A version, once found, is what is read from then on."""

    def find(self, store: str, path: str) -> Upload | None:
        """The file as it is now; None if there is none."""

    def read(self, store: str, upload: Upload, start: int = 0) -> Iterator[bytes]:
        """The bytes of that version from an offset on, in small pieces. Raises Gone."""

    def settle(self, store: str, upload: Upload) -> None:
        """The file has served: mark it as one that is kept for a limited time."""


class Reports(Protocol):
    """Texts that are written over and over: reports, and lists of mistakes."""

    def read(self, store: str, path: str) -> str | None: ...

    def write(self, store: str, path: str, text: str) -> None: ...


MOST_REMOVED = 90
"""Items that go together with a contact at once: a transaction may have 100 parts."""


class Life(NamedTuple):
    """All that there is of a contact. `others` are the keys of what is neither of the first two."""

    store: str
    contact: str
    profile: Profile | None
    events: tuple[Event, ...]
    others: tuple[str, ...] = ()

    @property
    def is_short(self) -> bool:
        """Whether all of it can be forgotten at once."""
        known = self.profile.known if self.profile else {}
        names = sum(len(values) for values in known.values())
        return len(self.events) + len(self.others) + names <= MOST_REMOVED


class People(Protocol):
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

    def life(self, store: str, contact: str) -> Life: ...

    def forget(self, life: Life) -> bool:
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


class Requeue(Protocol):
    """Has the same function called again, in a process of its own."""

    def again(self, message: Mapping[str, Any], delay: int = 0) -> None:
        """Hand the message over once `delay` seconds have passed (900 at most)."""


class Page(NamedTuple):
    """A part of the tables: what it holds by kind, how much was read, and where the next begins."""

    lines: Sequence[tuple[Kind, Mapping[str, Any]]]
    read: int
    after: str


class Everything(Protocol):
    """All items of a store, in no particular order."""

    def page(self, store: str, after: str) -> Page:
        """The page after a place; "" is before the first, and after the last."""


class Exports(Protocol):
    """Keeps how far each export has come."""

    def begin(self, new: Export) -> Export:
        """Keep a new export; if there is one of its id, that one stays and is the answer."""

    def load(self, store: str, export_id: str) -> Export | None: ...

    def save(self, before: Export, after: Export) -> bool:
        """Write a step down; False if somebody else has written one since `before` was read."""


class Shelves(Protocol):
    """Where an export's files go."""

    def put(self, store: str, path: str, lines: Iterable[str]) -> None:
        """Write a file that is kept for a limited time; again is the same as once."""
