"""The ports of sending: the ledger, attachments and the mailer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from milepost.base.names import EnrollmentRef, MessageRef
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
        self, pending: PendingMessage, outcomes: PendingOutcomes, at: datetime
    ) -> Claimed | ClaimDenied:
        """Claim a new or throttled message in one transaction, if the contact can still get it."""

    def claim_again(self, pending: PendingMessage, at: datetime) -> Claimed | ClaimDenied:
        """Claim a transactional message that stayed unknown or throttled, for its second try."""

    def record_result(self, ref: MessageRef, answer: Answer, at: datetime) -> None: ...

    def record_skip(
        self,
        pending: PendingMessage,
        status: MessageStatus,
        reason: str,
        outcomes: PendingOutcomes,
        at: datetime,
    ) -> None:
        """Record a decision without a submission. Has no effect if the message exists."""

    def record_delivery_event(
        self, ref: MessageRef, event: DeliveryEvent
    ) -> Mapping[str, Any] | None:
        """Merge a delivery event. Return the message, or None if it was not sent to this address.

        The message has `news` if this is the first event of its kind.
        """

    def message_statuses(
        self, enrollment: EnrollmentRef, visits: Mapping[str, int]
    ) -> dict[str, dict[str, Any]]:
        """The messages of an enrollment, by step; `visits` gives the visit of each step."""


class MessageArchive(Protocol):
    """The send ledger, read only."""

    def message(self, ref: MessageRef) -> Mapping[str, Any] | None:
        """A message with its decision and its delivery events; None if there is none."""


class RunEntry(NamedTuple):
    """An item of the index `runs`: an enrollment or a message, with its attributes."""

    kind: Literal["ENROLLMENT", "MESSAGE"]
    enrollment: EnrollmentRef
    message: MessageRef
    values: Mapping[str, Any]


class Runs(Protocol):
    """Reads every enrollment and message of a workflow, for counting only."""

    def page(
        self, store: str, workflow: str, after: str, most: int
    ) -> tuple[Sequence[RunEntry], str]:
        """The entries after the cursor `after`, and the next cursor, empty at the end.

        Each entry appears once. An enrollment that ends meanwhile can appear twice, but is never
        missing.
        """

    def enrollments(self, refs: Sequence[EnrollmentRef]) -> list[Enrollment]:
        """These enrollments, possibly slightly out of date, without their trigger event."""

    def decided(
        self, messages: Mapping[MessageRef, tuple[str, str]], exact: bool
    ) -> set[MessageRef]:
        """The messages that the ledger has and the index shows under their workflow and step.

        With `exact`, the read is consistent.
        """

    def was_erased(self, ref: EnrollmentRef) -> bool:
        """Whether an enrollment is gone, or started before its contact was erased."""


class Attachments(Protocol):
    """The files that a store can attach to e-mails."""

    def read(self, store: str, path: str, max_bytes: int) -> bytes | None:
        """A file, cut at `most` bytes; None if there is none. Raises ThrottledError."""


class Mailer(Protocol):
    """Submits a finished message once."""

    def send(self, mail: OutgoingEmail) -> Answer: ...
