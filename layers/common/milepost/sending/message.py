"""The send ledger's vocabulary: what one message is, and how reports about it merge.

SES has no idempotency token, so "exactly once" cannot be claimed. What holds is: one claim and
one submission per decision; an answer that got lost is `unknown` until SES's own event settles
it; every decision ends in exactly one of sent, skipped, failed or unknown.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from milepost.base.refs import EnrollmentRef, MessageRef
from milepost.contacts.recent_marketing import DEFAULT_HISTORY_SIZE, add_send, send_key
from milepost.contacts.suppression import address_hash

if TYPE_CHECKING:
    from milepost.sending.attachments import Attachment
    from milepost.sending.bot_detection import Why


Category = Literal["marketing", "transactional"]

MessageStatus = Literal[
    "claimed", "accepted", "unknown", "throttled", "rejected", "failed", "skipped"
]
"""`claimed` and `unknown` are open; `throttled` may be claimed again; the rest is final.

A `throttled` message that nobody asks for any more is given up as `failed`, and may be claimed too.
"""

CONFIRMATION_TIMEOUT = timedelta(minutes=15)
"""How long SES's own event may settle an unknown outcome before the reconciler decides."""

RETRY_PERIOD = timedelta(hours=3)
"""How long a throttled message is left to whoever tries it again: longer than any pause between
two tries (see `compiler/machine.py`). Then its enrollment is over, or its execution gone."""
Reported = Literal[
    "sent", "delayed", "delivered", "opened", "clicked", "bounced", "complained", "rejected"
]


@dataclass(frozen=True, slots=True)
class PendingMessage:
    """A message about to be decided: everything the ledger keeps of it, and the `leg` it is of.

    `owner` is the contact whose consent and address count, if that is not the one it is kept under.
    `mailed` is the marketing of late as the gate has seen it, of which so much is to `remember`.
    """

    ref: MessageRef
    enrollment: EnrollmentRef
    step: str
    turn: int
    category: Category
    topic: str | None
    template: str
    template_hash: str = ""
    variant: str = ""
    recipient: str = ""
    decision_numbers: Mapping[str, Any] = field(default_factory=dict)
    leg: int = 0
    owner: str = ""
    mailed: Mapping[str, datetime] = field(default_factory=dict)
    remember: int = DEFAULT_HISTORY_SIZE

    @property
    def remembered(self) -> bool:
        """Whether it has been claimed before, and counts since."""
        return send_key(self.ref.id) in self.mailed

    def mailed_at(self, at: datetime) -> Mapping[str, datetime]:
        """The marketing of late once this message has been claimed."""
        if self.category != "marketing":
            return self.mailed
        return add_send(self.mailed, self.ref.id, at, self.remember)


class OutgoingEmail(NamedTuple):
    """A finished message: one recipient, plain header values, nothing left to decide.

    Of one that is not `tracked` nobody learns whether it was opened or clicked. Without
    `sender_address` it comes from the stack's own address.
    """

    ref: MessageRef
    to: str
    sender_name: str
    reply_to: str
    subject: str
    html: str
    text: str
    headers: Mapping[str, str]
    tags: Mapping[str, str]
    tracked: bool = True
    files: "tuple[Attachment, ...]" = ()
    sender_address: str = ""


class Accepted(NamedTuple):
    """SES took the message."""

    ses_id: str


class SubmissionRejected(NamedTuple):
    """SES answered no. `retry` says that the same message may be submitted again later."""

    reason: str
    retry: bool = False


class NoResponse(NamedTuple):
    """No definite answer: SES may or may not have taken it."""

    reason: str


Answer = Accepted | SubmissionRejected | NoResponse


class Claimed(NamedTuple):
    """The message is ours to submit, once."""


class ClaimDenied(NamedTuple):
    """The claim failed: `status` is the message's own if it exists, else `reason` stood against it.

    `ended` says that the enrollment was over.
    """

    reason: str
    status: MessageStatus | None = None
    ended: bool = False


class DeliveryEvent(NamedTuple):
    """What SES reports of one message, translated. `link` with clicks, `detail` with bounces.

    `others` are further addresses that it names, `machine` says why an open or a click shows by
    itself that no person made it (see `robots.py`).
    """

    kind: Reported
    at: datetime
    recipient: str = ""
    link: str = ""
    detail: str = ""
    permanent: bool = False
    bot_reason: "Why" = ""
    others: tuple[str, ...] = ()

    @property
    def fact(self) -> str:
        """The name of the instant that the ledger keeps of it."""
        return f"machine_{self.kind}_at" if self.bot_reason else f"{self.kind}_at"

    def hashes(self) -> tuple[str, ...]:
        """Whom it names, as the ledger knows addresses."""
        named = (self.recipient, *self.others) if self.recipient else ()
        return tuple(map(address_hash, named))


def is_claimable(message: Mapping[str, Any] | None) -> bool:
    """Whether nothing was decided of it yet, or SES has only refused it for now."""
    if message is None:
        return True
    given_up = message["status"] == "failed" and "gave_up_at" in message
    return given_up or message["status"] == "throttled"


def message_id(enrollment: EnrollmentRef, step: str, visit: int = 1) -> str:
    """One id per (store, enrollment, step, visit): a replayed step only finds its own message."""
    text = f"{enrollment.store}\n{enrollment.id}\n{step}\n{visit}"
    return f"{enrollment.contact}-{sha256(text.encode()).hexdigest()[:24]}"
