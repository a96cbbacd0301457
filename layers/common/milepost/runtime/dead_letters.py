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
    """One record that was put aside. `key` is its place under the contact.

    `applied`: the contact knows of it, and only what follows from it is missing; None if nobody can
    tell. `reason` names an error and the line of Milepost it came from, and nothing personal.
    """

    store: str
    contact: str
    key: str
    position: int
    reason: str
    attempts: int = 0
    applied: bool | None = False

    def to_json(self) -> dict[str, Any]:
        return {**self._asdict(), "position": str(self.position)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> DeadLetter:
        return cls(**{**document, "position": int(document["position"])})


class QueuedDeadLetters(NamedTuple):
    """A message of the queue of letters: one letter, or all those of a part of the stream.

    None stands for records that the stream has no more. `receipt` is the queue's own.
    """

    receipt: Any
    letters: list[DeadLetter] | None


def reason_of(error: BaseException) -> str:
    """The kind of an error and where it came from; its text may quote somebody's data."""
    place = ""
    trace = error.__traceback__
    while trace is not None:
        module = trace.tb_frame.f_globals.get("__name__", "")
        if module.startswith("milepost."):
            place = f" at {module}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__}{place}"


class DeadLetterStore(Protocol):
    """Keeps account of records that cannot be applied."""

    def failed(self, letter: DeadLetter, image: Any, now: datetime) -> int:
        """Note that a record failed once more; how often it has. `image` is all of the record."""

    def quarantine(self, letter: DeadLetter) -> None:
        """Put a record where somebody will look for it: nobody tries it any more."""


MAX_ATTEMPTS = 3
"""For an error that nobody expected: data or a program that is wrong stays wrong."""

MAX_THROTTLED_ATTEMPTS = 7
"""For a world that cannot answer. The stream comes nine times in all, with growing pauses."""


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
        held = self.contacts.get_even_if_merged(store, contact)
        applied = held is not None and held.last_sequence >= sequence
        letter = letter._replace(attempts=attempts, applied=applied)
        letters.quarantine(letter)
        return letter
