"""Poison: a record that cannot be applied is put aside with its reason, and hurts nobody else.

It is tried a few times, for what is wrong may pass. Then it is a letter in the queue of dead
letters, and the contact goes on with what came after it. `redrive` has it applied later, once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from milepost.domain.letters import Letter, reason_of
from milepost.ports.errors import Busy
from milepost.services.react import Reaction

if TYPE_CHECKING:
    from milepost.ports.contacts import Contacts
    from milepost.ports.letters import Letters

TRIES = 3
"""For an error that nobody expected: data or a program that is wrong stays wrong."""

BUSY_TRIES = 7
"""For a world that cannot answer. The stream comes nine times in all, with growing pauses."""


@dataclass(frozen=True, slots=True)
class Isolator:
    """Applies records, or puts them aside. The account of failures is opened when one fails."""

    contacts: "Contacts"
    letters: Callable[[], "Letters"]

    def apply(
        self, record: Letter, image: Any, now: datetime, act: Callable[[], Reaction]
    ) -> Reaction | Letter:
        """Apply a record by `act`; the letter that it became. Raises what `act` does until then."""
        try:
            return act()
        except Exception as error:
            letter = record._replace(reason=reason_of(error))
            letters = self.letters()
            attempts = letters.failed(letter, image, now)
            if attempts < (BUSY_TRIES if isinstance(error, Busy) else TRIES):
                raise
            held = self.contacts.held(record.store, record.contact)
            applied = held is not None and held.applied >= record.position
            letter = letter._replace(attempts=attempts, applied=applied)
            letters.put_aside(letter)
            return letter
