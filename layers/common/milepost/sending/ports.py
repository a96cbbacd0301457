"""From the decision to send to the post."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from milepost.base.refs import EnrollmentRef, MessageRef
    from milepost.enrollments.enrollment import Enrollment
    from milepost.enrollments.ports import PendingOutcomes
    from milepost.sending.message import (
        Answer,
        ClaimDenied,
        Claimed,
        DeliveryEvent,
        MessageStatus,
        OutgoingEmail,
        PendingMessage,
    )


class Ledger(Protocol):
    """The send ledger."""

    def claim(
        self, draft: PendingMessage, journal: PendingOutcomes, at: datetime
    ) -> Claimed | ClaimDenied:
        """Claim a new or throttled message, if the contact may still be mailed: one transaction."""

    def claim_again(self, draft: PendingMessage, at: datetime) -> Claimed | ClaimDenied:
        """Claim a transactional message that stayed unknown or throttled, for its second try."""

    def record_result(self, ref: MessageRef, answer: Answer, at: datetime) -> None: ...

    def record_skip(
        self,
        draft: PendingMessage,
        status: MessageStatus,
        reason: str,
        journal: PendingOutcomes,
        at: datetime,
    ) -> None:
        """Record a decision that led to no submission; harmless if the message exists."""

    def record_delivery_event(
        self, ref: MessageRef, report: DeliveryEvent
    ) -> Mapping[str, Any] | None:
        """Merge what SES reports; the message's facts, or None if we never sent it there. `news` is
        among them if nothing of this kind was known before."""

    def message_statuses(
        self, enrollment: EnrollmentRef, visits: Mapping[str, int]
    ) -> dict[str, dict[str, Any]]:
        """What became of an enrollment's e-mails, by step; `visits` says which of each step's."""


class MessageArchive(Protocol):
    """The send ledger, for whoever only reads it."""

    def message(self, ref: MessageRef) -> Mapping[str, Any] | None:
        """What was decided about a message and what became of it; None if there is none."""


class RunEntry(NamedTuple):
    """An entry of the index of runs, the one of the two that it is of, and what it shows."""

    kind: Literal["ENROLLMENT", "MESSAGE"]
    enrollment: EnrollmentRef
    message: MessageRef
    values: Mapping[str, Any]


class Runs(Protocol):
    """Every enrollment and message of a workflow, read by nothing that acts on them."""

    def page(
        self, store: str, workflow: str, after: str, most: int
    ) -> tuple[Sequence[RunEntry], str]:
        """The entries of the index after a place, and the next place, empty at the end. Each is
        there once; an enrollment that ends meanwhile may be there twice, never not at all."""

    def enrollments(self, refs: Sequence[EnrollmentRef]) -> list[Enrollment]:
        """These enrollments, as they are or were a moment ago; without what set them off."""

    def decided(
        self, messages: Mapping[MessageRef, tuple[str, str]], exact: bool
    ) -> set[MessageRef]:
        """Those of these messages that the ledger has and that the index can show, under their
        workflow and step; as they are now if it must be `exact`."""

    def was_erased(self, ref: EnrollmentRef) -> bool:
        """Whether an enrollment is gone, or was its contact's before it was erased."""


class Attachments(Protocol):
    """The files that a store's mails may carry."""

    def read(self, store: str, path: str, most: int) -> bytes | None:
        """A file, cut at `most` bytes; None if there is none. Raises ThrottledError."""


class Mailer(Protocol):
    """Hands a finished message to the post, once."""

    def send(self, mail: OutgoingEmail) -> Answer: ...
