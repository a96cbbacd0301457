"""Dead letters: stream records that could not be applied, with the reason.

A record that fails is tried a few times, because the error may be temporary. Then it goes to the
dead-letter queue, and the contact continues with its next event. `milepost redrive` applies the
record later, once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from milepost.base.errors import ThrottledError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from milepost.contacts.ports import Contacts


class DeadLetter(NamedTuple):
    """One quarantined record. `key` is its sort key under the contact.

    `applied` means that the profile includes the record and only its consequences are missing;
    None if unknown. `reason` names the error and its line in Milepost, and no personal data.
    """

    store: str
    contact: str
    key: str
    sequence: int
    reason: str
    attempts: int = 0
    applied: bool | None = False

    def to_json(self) -> dict[str, Any]:
        return {**self._asdict(), "sequence": str(self.sequence)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> DeadLetter:
        return cls(**{**document, "sequence": int(document["sequence"])})


class QueuedDeadLetters(NamedTuple):
    """A message of the dead-letter queue: one record, or all records of a batch of the stream.

    `letters` is None for records that the stream no longer has. `receipt` is the queue's own.
    """

    receipt: Any
    letters: list[DeadLetter] | None


def reason_of(error: BaseException) -> str:
    """The type and the line of an error; not its text, which may quote personal data."""
    place = ""
    trace = error.__traceback__
    while trace is not None:
        module = trace.tb_frame.f_globals.get("__name__", "")
        if module.startswith("milepost."):
            place = f" at {module}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__}{place}"


class DeadLetterStore(Protocol):
    """Stores records that cannot be applied."""

    def failed(self, letter: DeadLetter, image: Any, now: datetime) -> int:
        """Count a failed attempt; how many there were. `image` is the whole record."""

    def quarantine(self, letter: DeadLetter) -> None:
        """Put a record into the dead-letter queue; it is not tried again."""


MAX_ATTEMPTS = 3
"""For an unexpected error: wrong data or a wrong program stays wrong."""

MAX_THROTTLED_ATTEMPTS = 7
"""For a service that throttles. The stream delivers nine times in all, with growing pauses."""


@dataclass(frozen=True, slots=True)
class DeadLetterHandler:
    """Decides whether a record that failed is tried again or quarantined."""

    contacts: Contacts
    letters: Callable[[], DeadLetterStore]

    def handle(
        self,
        store: str,
        contact: str,
        key: str,
        sequence: int,
        image: Any,
        error: Exception,
        now: datetime,
    ) -> DeadLetter:
        """Quarantine a record that failed with `error`; the dead letter that it became.

        Raises `error` as long as the record has attempts left.
        """
        letter = DeadLetter(store, contact, key, sequence, reason_of(error))
        letters = self.letters()
        attempts = letters.failed(letter, image, now)
        throttled = isinstance(error, ThrottledError)
        if attempts < (MAX_THROTTLED_ATTEMPTS if throttled else MAX_ATTEMPTS):
            raise error
        profile = self.contacts.get_even_if_merged(store, contact)
        applied = profile is not None and profile.last_sequence >= sequence
        letter = letter._replace(attempts=attempts, applied=applied)
        letters.quarantine(letter)
        return letter
