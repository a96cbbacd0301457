"""The account's identities and configuration sets, which the emulator stores."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client


T = TypeVar("T")

# Long enough for a burst of mail, short enough for a person who changes a setting and retries.
CACHE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Identity:
    """An address or domain that may be used in From."""

    verified: bool
    insists_on_mail_from: bool = False
    """REJECT_MESSAGE is set and the MAIL FROM domain is not verified."""


@dataclass(frozen=True, slots=True)
class Destination:
    """An event destination of a configuration set."""

    topic: str
    events: frozenset[str]


@dataclass(frozen=True, slots=True)
class ConfigurationSet:
    """A configuration set, as far as sending and event publishing need it."""

    name: str
    sending: bool
    destinations: tuple[Destination, ...]


class Identities(Protocol):
    """The account as sending needs it."""

    def identity(self, name: str) -> Identity | None: ...

    def configuration_set(self, name: str) -> ConfigurationSet | None: ...


class EmulatorIdentities:
    """The account in the emulator, read through its SES API and cached briefly."""

    def __init__(self, client: "SESV2Client") -> None:
        self._client = client
        self._known: dict[str, tuple[float, Any]] = {}
        self._lock = threading.Lock()

    def identity(self, name: str) -> Identity | None:
        return self._remember(f"identity {name}", lambda: self._ask_identity(name))

    def configuration_set(self, name: str) -> ConfigurationSet | None:
        return self._remember(f"set {name}", lambda: self._ask_configuration_set(name))

    def _ask_identity(self, name: str) -> Identity | None:
        try:
            found = self._client.get_email_identity(EmailIdentity=name)
        except self._client.exceptions.NotFoundException:
            return None
        mail_from: Mapping[str, Any] = found.get("MailFromAttributes", {})
        return Identity(
            verified=bool(found.get("VerifiedForSendingStatus")),
            insists_on_mail_from=mail_from.get("BehaviorOnMxFailure") == "REJECT_MESSAGE"
            and mail_from.get("MailFromDomainStatus") != "SUCCESS",
        )

    def _ask_configuration_set(self, name: str) -> ConfigurationSet | None:
        try:
            found = self._client.get_configuration_set(ConfigurationSetName=name)
            reports = self._client.get_configuration_set_event_destinations(
                ConfigurationSetName=name
            )
        except self._client.exceptions.NotFoundException:
            return None
        return ConfigurationSet(
            name=name,
            sending=(found.get("SendingOptions") or {}).get("SendingEnabled", True),
            destinations=tuple(
                Destination(one["SnsDestination"]["TopicArn"], frozenset(one["MatchingEventTypes"]))
                for one in reports.get("EventDestinations") or []
                if one.get("Enabled") and one.get("SnsDestination")
            ),
        )

    def _remember(self, question: str, ask: Callable[[], T]) -> T:
        with self._lock:
            until, answer = self._known.get(question, (0.0, None))
        if until > time.monotonic():
            return answer  # type: ignore[no-any-return]
        fresh = ask()
        if fresh is not None:
            with self._lock:
                self._known[question] = (time.monotonic() + CACHE_SECONDS, fresh)
        return fresh
