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

    def apply_again(self, letter: DeadLetter) -> bool | None:
        """Request that a record is applied; False if that was requested before, None if it is
        gone."""

    def done(self, envelope: QueuedDeadLetters) -> None:
        """Delete a message from the queue."""

    def put_back(self, envelope: QueuedDeadLetters) -> None:
        """Make a message visible again at once."""


class Redriven(NamedTuple):
    """The result for one dead letter. `letter` is None for a part of the stream that is gone."""

    letter: DeadLetter | None
    fate: RedriveResult


@dataclass(frozen=True, slots=True)
class Redriver:
    """Empties the dead-letter queue."""

    contacts: "Contacts"
    box: DeadLetterQueue

    def redrive(self, dry_run: bool = False, insist: bool = False) -> Iterator[Redriven]:
        """Apply every dead letter, one at a time. A dry run changes nothing.

        An `unknown` record stays in the queue unless the operator insists: then it is applied, even
        if it may have been applied before.
        """
        kept: list[QueuedDeadLetters] = []
        for envelope in self.box.waiting():
            if envelope.letters is None:
                yield Redriven(None, "trimmed")
                settled = insist
            else:
                fates = [self._again(each, dry_run, insist) for each in envelope.letters]
                yield from fates
                settled = all(each.fate != "unknown" for each in fates)
            if settled and not dry_run:
                self.box.done(envelope)
            else:
                kept.append(envelope)
        for envelope in kept:
            self.box.put_back(envelope)

    def _again(self, letter: DeadLetter, dry_run: bool, insist: bool) -> Redriven:
        known = letter
        if known.applied is None:
            held = self.contacts.get_even_if_merged(letter.store, letter.contact)
            if held is None or held.last_sequence < letter.sequence or held.merged_into or insist:
                known = letter._replace(applied=False)
        if known.applied is None:
            return Redriven(letter, "unknown")
        if dry_run:
            return Redriven(known, "applied")
        laid = self.box.apply_again(known)
        return Redriven(
            known, "gone" if laid is None else "applied" if laid else "requested before"
        )
