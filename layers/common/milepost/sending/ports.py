"""From the decision to send to the post."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from milepost.base.refs import EnrollmentRef, MessageRef
    from milepost.enrollments.ports import Journal
    from milepost.sending.message import (
        Answer,
        Claimed,
        Draft,
        Mail,
        MessageStatus,
        NotClaimed,
        Report,
    )


class Ledger(Protocol):
    """The send ledger."""

    def claim(self, draft: Draft, journal: Journal, at: datetime) -> Claimed | NotClaimed:
        """Claim a new or throttled message, if the contact may still be mailed: one transaction."""

    def claim_again(self, draft: Draft, at: datetime) -> Claimed | NotClaimed:
        """Claim a transactional message that stayed unknown or throttled, for its second try."""

    def settle(self, ref: MessageRef, answer: Answer, at: datetime) -> None: ...

    def close(
        self, draft: Draft, status: MessageStatus, reason: str, journal: Journal, at: datetime
    ) -> None:
        """Record a decision that led to no submission; harmless if the message exists."""

    def report(self, ref: MessageRef, report: Report) -> Mapping[str, Any] | None:
        """Merge what SES reports; the message's facts, or None if we never sent it there. `news` is
        among them if nothing of this kind was known before."""

    def fates(
        self, enrollment: EnrollmentRef, visits: Mapping[str, int]
    ) -> dict[str, dict[str, Any]]:
        """What became of an enrollment's e-mails, by step; `visits` says which of each step's."""


class Archive(Protocol):
    """The send ledger, for whoever only reads it."""

    def message(self, ref: MessageRef) -> Mapping[str, Any] | None:
        """What was decided about a message and what became of it; None if there is none."""


class Attachments(Protocol):
    """The files that a store's mails may carry."""

    def read(self, store: str, path: str, most: int) -> bytes | None:
        """A file, cut at `most` bytes; None if there is none. Raises Busy."""


class Mailer(Protocol):
    """Hands a finished message to the post, once."""

    def send(self, mail: Mail) -> Answer: ...
