"""The service: accepts or refuses SendEmail requests."""

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from local.aws import REGION
from local.ses import model, rules
from local.ses.errors import (
    MailFromDomainNotVerified,
    MessageRejected,
    NotFound,
    SendingPaused,
    TooManyRequests,
    Unreadable,
)
from local.ses.event_publisher import EventPublisher
from local.ses.identities import Identities
from local.ses.mail import Mail, mail_of
from local.ses.store import Mailbox

MAX_PER_SECOND = 500.0
MAX_PER_DAY = 1_000_000.0

Refusal = tuple[int, Mapping[str, str], bytes]


class Authorizer(Protocol):
    """Checks whether the signer of a request is authorized."""

    def refusal(
        self, path: str, headers: Mapping[str, str], body: bytes, method: str = "POST"
    ) -> Refusal | None: ...


class Denied(Exception):
    """The caller's role does not allow it; `refusal` is the exact answer to return."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal[2].decode("utf-8", "replace"))
        self.refusal = refusal


class SendingRate:
    """SES's rate limit: the most recipients in any one second of real time."""

    def __init__(self, limit: float = MAX_PER_SECOND) -> None:
        self.limit = limit
        self._sent: deque[float] = deque()
        self._lock = threading.Lock()

    def spend(self, recipients: int, at: float | None = None) -> None:
        """Count `recipients`; raises TooManyRequests if they exceed the limit."""
        instant = time.monotonic() if at is None else at
        with self._lock:
            while self._sent and self._sent[0] <= instant - 1.0:
                self._sent.popleft()
            if len(self._sent) + recipients > self.limit:
                raise TooManyRequests("Maximum sending rate exceeded.")
            self._sent.extend([instant] * recipients)


class SesService:
    """Everything between the wire API and the mailbox. Thread-safe."""

    def __init__(
        self,
        identities: Identities,
        mailbox: Mailbox,
        publisher: EventPublisher,
        now: Callable[[], datetime],
        authorizer: Authorizer | None = None,
    ) -> None:
        self.rate = SendingRate()
        self.daily_quota = MAX_PER_DAY
        self.control = SendingRate(1.0)  # SES answers one control request a second
        self.sending_enabled = True
        self._identities = identities
        self._mailbox = mailbox
        self._publisher = publisher
        self._now = now
        self._authorizer = authorizer

    def accept(self, path: str, headers: Mapping[str, str], body: bytes) -> Mail:
        """Accept an e-mail and queue its delivery; raises SesError or Denied if it is refused."""
        refusal = self._authorizer.refusal(path, headers, body) if self._authorizer else None
        if refusal is not None:
            raise Denied(refusal)
        mail = self.judge(body)
        self._mailbox.add(mail)
        self._publisher.publish_outcome(mail)
        return mail

    def judge(self, body: bytes) -> Mail:
        """The e-mail of a request that SES would accept; raises SesError otherwise."""
        try:
            document = json.loads(body)
        except ValueError:
            raise Unreadable("The request is not JSON.") from None
        request = model.check(document)
        rules.check_rules(request)
        if not self.sending_enabled:
            raise SendingPaused("Email sending is disabled for your account.")
        mail = mail_of(request, self._now())
        rules.check_size(len(mail.source))
        self._check_configuration_set(mail)
        self._check_sender(mail)
        if self._mailbox.accepted + len(mail.recipients) > self.daily_quota >= 0:
            raise TooManyRequests("Daily message quota exceeded.")
        self.rate.spend(len(mail.recipients))
        return mail

    def get_account(self, path: str, headers: Mapping[str, str]) -> dict[str, Any]:
        """Answer GetAccount. Raises TooManyRequests if called too often, or Denied."""
        refusal = self._authorizer.refusal(path, headers, b"", "GET") if self._authorizer else None
        if refusal is not None:
            raise Denied(refusal)
        self.control.spend(1)
        return self.account()

    def account(self) -> dict[str, Any]:
        """The account as it is now."""
        return {
            "DedicatedIpAutoWarmupEnabled": False,
            "EnforcementStatus": "HEALTHY",
            "ProductionAccessEnabled": True,
            "SendQuota": {
                "Max24HourSend": self.daily_quota,
                "MaxSendRate": self.rate.limit,
                "SentLast24Hours": float(self._mailbox.accepted),
            },
            "SendingEnabled": self.sending_enabled,
            "SuppressionAttributes": {"SuppressedReasons": ["BOUNCE", "COMPLAINT"]},
            "VdmAttributes": {"VdmEnabled": "DISABLED"},
        }

    def _check_configuration_set(self, mail: Mail) -> None:
        if not mail.configuration_set:
            return
        found = self._identities.configuration_set(mail.configuration_set)
        if found is None:
            raise NotFound(f"Configuration set <{mail.configuration_set}> does not exist.")
        if not found.sending:
            raise SendingPaused(
                f"Email sending is disabled for configuration set <{mail.configuration_set}>."
            )

    def _check_sender(self, mail: Mail) -> None:
        """The address, its domain or a parent domain must be verified."""
        labels = mail.sender.domain.split(".")
        domains = [".".join(labels[start:]) for start in range(len(labels) - 1)]
        for name in (mail.sender.address, *domains):
            identity = self._identities.identity(name)
            if identity is not None and identity.verified:
                if identity.insists_on_mail_from:
                    raise MailFromDomainNotVerified(
                        f"The MAIL FROM domain of identity <{name}> is not verified."
                    )
                return
        raise MessageRejected(
            f"Email address is not verified. The following identities failed the check in region "
            f"{REGION.upper()}: {mail.sender.address}"
        )
