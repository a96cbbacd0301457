"""From the decision to send to the post."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from milepost.base.refs import EnrollmentRef, MessageRef
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


class Attachments(Protocol):
    """The files that a store's mails may carry."""

    def read(self, store: str, path: str, most: int) -> bytes | None:
        """A file, cut at `most` bytes; None if there is none. Raises ThrottledError."""


class Mailer(Protocol):
    """Hands a finished message to the post, once."""

    def send(self, mail: OutgoingEmail) -> Answer: ...
