"""Quarantined records and the dead-letter queue, in memory."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from milepost.contacts.ports import ReplayedEvent
from milepost.runtime.dead_letters import DeadLetter, QueuedDeadLetters
from milepost.simulator.memory.state import ContactsTable, StreamRecord


@dataclass(slots=True)
class MemoryDeadLetters:
    """Implements `DeadLetterStore` and `DeadLetterQueue`. An image is the `StreamRecord`."""

    state: ContactsTable
    attempts: dict[tuple[str, str, int], int] = field(default_factory=dict)
    images: dict[tuple[str, str, int], StreamRecord] = field(default_factory=dict)
    queue: list[DeadLetter] = field(default_factory=list)
    asked: set[tuple[str, str, int]] = field(default_factory=set)

    def failed(self, letter: DeadLetter, image: Any, now: datetime) -> int:
        name = _name(letter)
        self.images[name] = image
        self.attempts[name] = self.attempts.get(name, 0) + 1
        return self.attempts[name]

    def quarantine(self, letter: DeadLetter) -> None:
        self.queue.append(letter)

    def waiting(self) -> Iterator[QueuedDeadLetters]:
        yield from [QueuedDeadLetters(letter, [letter]) for letter in self.queue]

    def apply_again(self, letter: DeadLetter) -> bool | None:
        held = self.images.get(_name(letter))
        if held is None:
            return None
        if _name(letter) in self.asked:
            return False
        self.asked.add(_name(letter))
        again = ReplayedEvent(
            f"redrive-{letter.sequence}", letter.sequence if letter.applied else 0
        )
        with self.state.lock:
            position = len(self.state.stream) + 1
            self.state.stream.append(StreamRecord(position, held.contact, held.event, again))
        return True

    def put_back(self, envelope: QueuedDeadLetters) -> None:
        """The message never left the queue."""

    def done(self, envelope: QueuedDeadLetters) -> None:
        self.queue.remove(envelope.receipt)


def _name(letter: DeadLetter) -> tuple[str, str, int]:
    return letter.store, letter.contact, letter.sequence
