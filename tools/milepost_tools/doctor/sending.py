"""Checks of SES: the account, the sender's identity, and the event destinations."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from milepost.stores.settings import UNTRACKED
from milepost_tools.doctor.finding import Finding, advice, ok, wrong

EVENTS = frozenset(
    {"SEND", "REJECT", "BOUNCE", "COMPLAINT", "DELIVERY", "DELIVERY_DELAY", "RENDERING_FAILURE"}
)
"""The events that are recorded for every message."""

TRACKING_EVENTS = frozenset({"OPEN", "CLICK"})
"""The events that are recorded additionally for messages with tracking."""

QUOTA_ADVICE_LEVEL = 0.8


class Account(NamedTuple):
    """SES in this account and Region: e-mails a second and e-mails in 24 hours."""

    production: bool
    sending: bool
    enforcement: str
    rate: float
    daily: float
    sent: float


class Identity(NamedTuple):
    """An address or domain. `tokens` name its DKIM records; without `mail_from` it has none."""

    name: str
    verified: bool
    dkim: str = ""
    tokens: tuple[str, ...] = ()
    mail_from: str = ""
    mail_from_state: str = ""

    @property
    def is_domain(self) -> bool:
        return "@" not in self.name


class Destination(NamedTuple):
    """An event destination of a configuration set."""

    enabled: bool
    events: frozenset[str]
    topic: str


def check_account(account: Account) -> Iterator[Finding]:
    if not account.sending:
        remedy = "see the reputation page of SES's console; SES mails the reason to the account"
        yield wrong("account", "SES has paused sending", remedy)
    elif account.enforcement not in {"", "HEALTHY"}:
        remedy = "answer what SES wrote to the account's address"
        yield wrong("account", f"SES has the account under {account.enforcement}", remedy)
    else:
        yield ok("account", "may send")
    if account.production:
        yield ok("sandbox", "is left")
    else:
        remedy = "ask for production access in SES's console; until then only verified addresses"
        yield wrong("sandbox", "SES sends to nobody but verified addresses", f"{remedy} get mail")
    left = account.daily - account.sent
    reason = f"{account.rate:g} a second, {left:,.0f} of {account.daily:,.0f} left for 24 hours"
    if account.daily < 0:
        yield ok("quota", f"{account.rate:g} a second, without limit for 24 hours")
    elif account.sent >= account.daily * QUOTA_ADVICE_LEVEL:
        yield advice("quota", reason, "ask for a higher quota in Service Quotas")
    else:
        yield ok("quota", reason)


def check_identity(sender: str, found: Sequence[Identity]) -> Iterator[Finding]:
    """The identities that may authorize a sender: its address, its domain, the domains above it."""
    verified = [identity for identity in found if identity.verified]
    domain = sender.rpartition("@")[2]
    if not verified:
        waits = f"; {found[0].name} waits for its proof" if found else ""
        remedy = (
            f"aws sesv2 create-email-identity --email-identity {domain}, and publish its records"
        )
        yield wrong("identity", f"SES knows no verified identity for {sender}{waits}", remedy)
        return
    yield ok("identity", f"{verified[0].name} is verified")
    domains = [identity for identity in verified if identity.is_domain]
    if not domains:
        remedy = f"verify {domain}: mailbox providers ask bulk senders for DKIM of the domain"
        yield wrong("dkim", "only the address is verified, so nothing is signed for it", remedy)
    elif domains[0].dkim == "SUCCESS":
        yield ok("dkim", f"mail is signed for {domains[0].name}")
    else:
        state = domains[0].dkim.lower() or "off"
        remedy = f"publish the DKIM records of {domains[0].name} that SES shows"
        yield wrong("dkim", f"is {state} for {domains[0].name}", remedy)


def check_reports(name: str, destinations: Sequence[Destination], topic: str) -> Iterator[Finding]:
    """Check that the configuration set `name` reports all required events to our topic, and no
    opens and clicks of recipients without tracking."""
    untracked = name.endswith(UNTRACKED)
    ours = [each for each in destinations if each.topic == topic and each.enabled]
    events = frozenset[str]().union(*(each.events for each in ours))
    missing = sorted((EVENTS if untracked else EVENTS | TRACKING_EVENTS) - events)
    remedy = "deploy template.yaml again: it says what is reported"
    if not ours:
        yield wrong("reports", f"the configuration set {name} reports nothing to us", remedy)
    elif untracked and events & TRACKING_EVENTS:
        reason = f"{name} looks at readers who did not agree to it"
        yield wrong("reports", reason, remedy)
    elif missing:
        yield wrong("reports", f"{name} keeps {', '.join(missing)} to itself", remedy)
    else:
        yield ok("reports", f"the configuration set {name} reports to our topic")


def check_subscription(subscribers: Mapping[str, str], queue: str) -> Iterator[Finding]:
    """`subscribers` maps the ARN of each subscriber of the topic to its protocol."""
    if subscribers.get(queue) == "sqs":
        yield ok("subscription", "the queue hears the topic")
    else:
        remedy = "deploy template.yaml again: it makes FeedbackSubscription"
        yield wrong("subscription", "the queue does not hear the topic", remedy)
