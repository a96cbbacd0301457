"""The types of the ledger: a message, its status, and its delivery events.

SES has no idempotency token, so Milepost cannot guarantee exactly one e-mail. It guarantees one
claim and one submission per decision. A message without an answer from SES is `unknown` until a
delivery event settles it. Every decision ends as exactly one of sent, skipped, failed or unknown.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from milepost.base.addresses import address_hash
from milepost.base.names import EnrollmentRef, MessageRef
from milepost.contacts.recent_marketing import DEFAULT_HISTORY_SIZE, add_send, send_key

if TYPE_CHECKING:
    from milepost.sending.attachments import Attachment
    from milepost.sending.bot_detection import Why


Category = Literal["marketing", "transactional"]

MessageStatus = Literal[
    "claimed", "accepted", "unknown", "throttled", "rejected", "failed", "skipped"
]
"""`claimed` and `unknown` are open; `throttled` can be claimed again; the others are final.

A `throttled` message without further tries is abandoned as `failed`, and can be claimed too.
"""

CONFIRMATION_TIMEOUT = timedelta(minutes=15)
"""How long a delivery event can settle an unknown result before the scheduler decides."""

RETRY_PERIOD = timedelta(hours=3)
"""How long a throttled message waits for its next try: longer than any pause between two tries (see
`workflows/compiler`). After that, its enrollment or its execution has ended."""

Reported = Literal[
    "sent", "delayed", "delivered", "opened", "clicked", "bounced", "complained", "rejected"
]


@dataclass(frozen=True, slots=True)
class PendingMessage:
    """A message before its decision: everything that the ledger stores about it.

    `block_seq` numbers the block run, `execution_no` the execution. `owner` is the contact whose
    consent and address count, if the message belongs to another contact. `mailed` is the recent
    marketing that the gate has seen; the profile keeps at most `remember` sends.
    """

    ref: MessageRef
    enrollment: EnrollmentRef
    step: str
    block_seq: int
    category: Category
    topic: str | None
    template: str
    template_hash: str = ""
    variant: str = ""
    recipient: str = ""
    decision_numbers: Mapping[str, Any] = field(default_factory=dict)
    execution_no: int = 0
    owner: str = ""
    mailed: Mapping[str, datetime] = field(default_factory=dict)
    remember: int = DEFAULT_HISTORY_SIZE

    @property
    def remembered(self) -> bool:
        """Whether an earlier claim has added the message to the recent sends."""
        return send_key(self.ref.id) in self.mailed

    def mailed_at(self, at: datetime) -> Mapping[str, datetime]:
        """The recent marketing after a claim of this message."""
        if self.category != "marketing":
            return self.mailed
        return add_send(self.mailed, self.ref.id, at, self.remember)


class OutgoingEmail(NamedTuple):
    """A finished e-mail to one recipient, with plain header values.

    Without `tracked`, SES does not report opens and clicks. Without `sender_address`, the e-mail
    comes from the stack's own address.
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
    """SES rejected the message. `retry` says that it can be submitted again later."""

    reason: str
    retry: bool = False


class NoResponse(NamedTuple):
    """No definite answer: SES may or may not have taken the message."""

    reason: str


Answer = Accepted | SubmissionRejected | NoResponse


class Claimed(NamedTuple):
    """This run has the claim and submits the message once."""


class ClaimDenied(NamedTuple):
    """The claim failed. `status` is the message's status if it exists; otherwise `reason` says why.

    `ended` says that the enrollment has ended.
    """

    reason: str
    status: MessageStatus | None = None
    ended: bool = False


class DeliveryEvent(NamedTuple):
    """A delivery event of one message. Clicks have a `link`, bounces a `detail`.

    `others` are further addresses in the event. `bot_reason` says why an open or a click comes from
    a bot (see `bot_detection.py`).
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
        """The name of the timestamp in the ledger."""
        return f"bot_{self.kind}_at" if self.bot_reason else f"{self.kind}_at"

    def hashes(self) -> tuple[str, ...]:
        """The hashes of the addresses in the event, as in the ledger."""
        named = (self.recipient, *self.others) if self.recipient else ()
        return tuple(map(address_hash, named))


def is_claimable(message: Mapping[str, Any] | None) -> bool:
    """Whether the message has no decision yet, or SES has only throttled it."""
    if message is None:
        return True
    abandoned = message["status"] == "failed" and "abandoned_at" in message
    return abandoned or message["status"] == "throttled"


def message_id(enrollment: EnrollmentRef, step: str, visit: int = 1) -> str:
    """One id per store, enrollment, step and visit: a repeated step visit finds its own message."""
    text = f"{enrollment.store}\n{enrollment.id}\n{step}\n{visit}"
    return f"{enrollment.contact}-{sha256(text.encode()).hexdigest()[:24]}"
