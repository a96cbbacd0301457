"""Redrive: apply quarantined records again, each exactly once.

A record cannot be delivered again, because the contact's last sequence number is already higher
(decision 3). Instead, redrive puts an item with a request to apply the event into the contact's
collection; the stream delivers it with a new sequence number. Its key contains the record's id, so
a second redrive adds nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from milepost.runtime.dead_letters import DeadLetter, QueuedDeadLetters

if TYPE_CHECKING:
    from milepost.contacts.ports import Contacts


RedriveResult = Literal["applied", "requested before", "gone", "unknown", "trimmed"]
"""`unknown`: Lambda gave up on the record, and it may have been applied. `gone`: the event expired,
or its contact was erased. `trimmed`: the stream keeps records for a day and has deleted this one.
"""


class DeadLetterQueue(Protocol):
    """The dead-letter queue."""

    def waiting(self) -> Iterator[QueuedDeadLetters]: ...

    def apply_again(self, dead_letter: DeadLetter) -> bool | None:
        """Request that a record is applied; False if that was requested before, None if it is
        gone."""

    def done(self, message: QueuedDeadLetters) -> None:
        """Delete a message from the queue."""

    def put_back(self, message: QueuedDeadLetters) -> None:
        """Make a message visible again at once."""


class Redriven(NamedTuple):
    """The result for one dead letter. `dead_letter` is None for a part of the stream that is
    gone."""

    dead_letter: DeadLetter | None
    result: RedriveResult


@dataclass(frozen=True, slots=True)
class Redriver:
    """Empties the dead-letter queue."""

    contacts: "Contacts"
    queue: DeadLetterQueue

    def redrive(self, dry_run: bool = False, insist: bool = False) -> Iterator[Redriven]:
        """Apply every dead letter, one at a time. A dry run changes nothing.

        An `unknown` record stays in the queue unless the operator insists: then it is applied, even
        if it may have been applied before.
        """
        kept: list[QueuedDeadLetters] = []
        for message in self.queue.waiting():
            if message.letters is None:
                yield Redriven(None, "trimmed")
                settled = insist
            else:
                results = [self._again(each, dry_run, insist) for each in message.letters]
                yield from results
                settled = all(each.result != "unknown" for each in results)
            if settled and not dry_run:
                self.queue.done(message)
            else:
                kept.append(message)
        for message in kept:
            self.queue.put_back(message)

    def _again(self, dead_letter: DeadLetter, dry_run: bool, insist: bool) -> Redriven:
        checked = dead_letter
        if checked.applied is None:
            contact = self.contacts.get_even_if_merged(dead_letter.store, dead_letter.contact)
            if (
                contact is None
                or contact.last_sequence < dead_letter.sequence
                or contact.merged_into
                or insist
            ):
                checked = dead_letter._replace(applied=False)
        if checked.applied is None:
            return Redriven(dead_letter, "unknown")
        if dry_run:
            return Redriven(checked, "applied")
        requested = self.queue.apply_again(checked)
        return Redriven(
            checked, "gone" if requested is None else "applied" if requested else "requested before"
        )
