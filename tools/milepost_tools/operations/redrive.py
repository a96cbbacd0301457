"""Redrive: dead letters are applied after all, each exactly once.

A record cannot be handed over again: its position is behind the contact's by now (decision 3). So
an item is laid on the contact's collection that says to apply the event, and the stream hands that
over at a position of its own. It is named after the record, so a second redrive lays nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from milepost.runtime.dead_letters import DeadLetter, QueuedDeadLetters

if TYPE_CHECKING:
    from milepost.contacts.ports import Contacts


RedriveResult = Literal["again", "asked before", "gone", "unknown", "trimmed"]
"""`unknown`: the stream went on past it, and nobody can tell whether it had been applied. `gone`:
it expired, or its contact was erased. `trimmed`: the stream keeps records for a day."""


class DeadLetterQueue(Protocol):
    """The queue of dead letters."""

    def waiting(self) -> Iterator[QueuedDeadLetters]: ...

    def apply_again(self, letter: DeadLetter) -> bool | None:
        """Have a record applied; False if that was asked before, None if it is gone."""

    def done(self, envelope: QueuedDeadLetters) -> None:
        """Take a message out of the queue."""

    def put_back(self, envelope: QueuedDeadLetters) -> None:
        """Leave a message to whoever comes next, at once."""


class Redriven(NamedTuple):
    """What became of a letter; None for a part of the stream that is no more."""

    letter: DeadLetter | None
    fate: RedriveResult


@dataclass(frozen=True, slots=True)
class Redriver:
    """Empties the queue of dead letters."""

    contacts: "Contacts"
    box: DeadLetterQueue

    def redrive(self, dry_run: bool = False, insist: bool = False) -> Iterator[Redriven]:
        """Have every letter applied, as it is read. A dry run changes nothing.

        What cannot be told apart stays in the queue, unless one insists: then it is applied, though
        it may have been before.
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
            if held is None or held.last_sequence < letter.position or held.merged_into or insist:
                known = letter._replace(applied=False)
        if known.applied is None:
            return Redriven(letter, "unknown")
        if dry_run:
            return Redriven(known, "again")
        laid = self.box.apply_again(known)
        return Redriven(known, "gone" if laid is None else "again" if laid else "asked before")
