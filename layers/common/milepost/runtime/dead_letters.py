"""Dead letters: records of the stream that could not be applied, and why.

Records that cannot be applied.

Poison: a record that cannot be applied is put aside with its reason, and hurts nobody else.

It is tried a few times, for what is wrong may pass. Then it is a letter in the queue of dead
letters, and the contact goes on with what came after it. `redrive` has it applied later, once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from milepost.base.errors import ThrottledError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from milepost.runtime.react import AppliedEvent

    pass
    from milepost.contacts.ports import Contacts

    pass


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
    """Applies records, or puts them aside. The account of failures is opened when one fails."""

    contacts: Contacts
    letters: Callable[[], DeadLetterStore]

    def apply(
        self, record: DeadLetter, image: Any, now: datetime, act: Callable[[], AppliedEvent]
    ) -> AppliedEvent | DeadLetter:
        """Apply a record by `act`; the letter that it became. Raises what `act` does until then."""
        try:
            return act()
        except Exception as error:
            letter = record._replace(reason=reason_of(error))
            letters = self.letters()
            attempts = letters.failed(letter, image, now)
            if attempts < (
                MAX_THROTTLED_ATTEMPTS if isinstance(error, ThrottledError) else MAX_ATTEMPTS
            ):
                raise
            held = self.contacts.get_even_if_merged(record.store, record.contact)
            applied = held is not None and held.last_sequence >= record.position
            letter = letter._replace(attempts=attempts, applied=applied)
            letters.quarantine(letter)
            return letter
