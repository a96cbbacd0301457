"""The links of an e-mail that lead back to Milepost, and their signed tokens."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Literal, NamedTuple

from milepost.contacts.event_names import OPT_IN
from milepost.enrollments.enrollment import Enrollment
from milepost.sending.message import PendingMessage

CONFIRM_WITHIN = timedelta(days=7)
"""How long a sign-up can be confirmed. After that, the person may have changed their mind."""

VISIT_WITHIN = timedelta(days=30)
"""How long a link in an e-mail can connect a device with the contact."""

_MILLISECOND = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_Purpose = Literal["unsubscribe.v1", "confirm.v1", "preferences.v1", "visit.v1", "view.v1"]


class UnsubscribeLink(NamedTuple):
    """The contact's subscription to a topic; `message` is the e-mail with the link."""

    store: str
    contact: str
    topic: str
    message: str


class ConfirmationLink(NamedTuple):
    """The contact's sign-up with a form: the `request`, which was made at `at`."""

    store: str
    contact: str
    form: str
    request: str
    at: datetime

    def is_late(self, now: datetime) -> bool:
        return now - self.at > CONFIRM_WITHIN


class PreferencesLink(NamedTuple):
    """The contact's preferences; `message` is the e-mail with the link."""

    store: str
    contact: str
    message: str


class ViewLink(NamedTuple):
    """One e-mail that the contact was sent."""

    store: str
    contact: str
    message: str


class DeviceLink(NamedTuple):
    """The contact who visits the shop from an e-mail that was sent at `at`."""

    store: str
    contact: str
    at: datetime

    def is_late(self, now: datetime) -> bool:
        return now - self.at > VISIT_WITHIN


def sign_unsubscribe_link(link: UnsubscribeLink, key: str) -> str:
    """A URL-safe token of about 130 characters. It contains no address and works in one store."""
    parts = (link.contact, link.topic, _message_suffix(link.message))
    return _sign("unsubscribe.v1", link.store, parts, key)


def verify_unsubscribe_link(store: str, token: str, keys: Sequence[str]) -> UnsubscribeLink | None:
    """The content of a token that was signed with one of `keys`; None for any other text."""
    match _verify("unsubscribe.v1", store, token, keys):
        case [contact, topic, message]:
            return UnsubscribeLink(store, contact, topic, f"{contact}-{message}")
    return None


def seal_confirmation(link: ConfirmationLink, key: str) -> str:
    parts = (link.contact, link.form, link.request, _milliseconds(link.at))
    return _sign("confirm.v1", link.store, parts, key)


def unseal_confirmation(store: str, token: str, keys: Sequence[str]) -> ConfirmationLink | None:
    match _verify("confirm.v1", store, token, keys):
        case [contact, form, request, at]:
            return ConfirmationLink(store, contact, form, request, _instant(at))
    return None


def seal_preferences(link: PreferencesLink, key: str) -> str:
    parts = (link.contact, _message_suffix(link.message))
    return _sign("preferences.v1", link.store, parts, key)


def unseal_preferences(store: str, token: str, keys: Sequence[str]) -> PreferencesLink | None:
    match _verify("preferences.v1", store, token, keys):
        case [contact, message]:
            return PreferencesLink(store, contact, f"{contact}-{message}")
    return None


def sign_view_link(link: ViewLink, key: str) -> str:
    return _sign("view.v1", link.store, (link.contact, _message_suffix(link.message)), key)


def verify_view_link(store: str, token: str, keys: Sequence[str]) -> ViewLink | None:
    match _verify("view.v1", store, token, keys):
        case [contact, message]:
            return ViewLink(store, contact, f"{contact}-{message}")
    return None


def seal_visit(link: DeviceLink, key: str) -> str:
    return _sign("visit.v1", link.store, (link.contact, _milliseconds(link.at)), key)


def unseal_visit(store: str, token: str, keys: Sequence[str]) -> DeviceLink | None:
    match _verify("visit.v1", store, token, keys):
        case [contact, at]:
            return DeviceLink(store, contact, _instant(at))
    return None


def _sign(purpose: _Purpose, store: str, parts: Sequence[str], key: str) -> str:
    body = ".".join(parts)
    return f"{body}.{_signature(purpose, store, body, key)}"


def _verify(purpose: _Purpose, store: str, token: str, keys: Sequence[str]) -> Sequence[str] | None:
    """The parts of a genuine token. They are not read before the signature is verified."""
    body, _, signature = token.rpartition(".")
    if not body or not token.isascii():
        return None
    genuine = False
    for key in keys:  # compare all, so that the time does not reveal which key matches
        genuine |= hmac.compare_digest(signature, _signature(purpose, store, body, key))
    return body.split(".") if genuine else None


def _signature(purpose: _Purpose, store: str, body: str, key: str) -> str:
    text = f"{purpose}\n{store}\n{body}"
    digest = hmac.new(key.encode(), text.encode(), sha256).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def _message_suffix(message: str) -> str:
    """The message's id without the contact's id, which is in the token already."""
    return message.rpartition("-")[2]


def _milliseconds(at: datetime) -> str:
    return str((at - _EPOCH) // _MILLISECOND)


def _instant(milliseconds: str) -> datetime:
    return _EPOCH + int(milliseconds) * _MILLISECOND


def recipient_urls(
    public_url: str,
    shop_url: str,
    pending: PendingMessage,
    enrollment: Enrollment,
    now: datetime,
    key: str,
) -> dict[str, str]:
    """The values of `urls` in a template.

    `shop` is the shop's page, with the token that connects the visitor's browser with the contact.
    `confirm` exists only in the e-mail that asks to confirm a sign-up.
    """
    ref = pending.ref
    tokens: dict[str, str] = {
        "unsubscribe": sign_unsubscribe_link(
            UnsubscribeLink(ref.store, ref.contact, pending.topic or "", ref.id), key
        ),
        "preferences": seal_preferences(PreferencesLink(ref.store, ref.contact, ref.id), key),
        "view": sign_view_link(ViewLink(ref.store, ref.contact, ref.id), key),
    }
    if enrollment.event_name == OPT_IN:
        tokens["confirm"] = seal_confirmation(_confirmation(pending, enrollment), key)
    visit = seal_visit(DeviceLink(ref.store, ref.contact, now), key)
    separator = "&" if "?" in shop_url else "?"
    return {
        **{kind: f"{public_url}/v1/{ref.store}/{kind}/{token}" for kind, token in tokens.items()},
        "shop": f"{shop_url}{separator}mp={visit}",
    }


API_PLACEHOLDER_URL = "https://beside.invalid/"
"""Stands for the API's address, which the web view does not know: the API is created after its
functions. A link that begins with it becomes relative to `view/<token>`."""


def web_view_urls(shop_url: str, link: ViewLink, topic: str, key: str) -> dict[str, str]:
    """The links of an e-mail in its web view. People share the address of the web view.

    The unsubscribe link works: its page shows no personal data and asks before it acts. Links that
    show or change more, or connect a browser with the contact, work only in the e-mail.
    """
    token = sign_unsubscribe_link(
        UnsubscribeLink(link.store, link.contact, topic, link.message), key
    )
    unsubscribe = f"{API_PLACEHOLDER_URL}unsubscribe/{token}"
    fixed = {"unsubscribe": unsubscribe, "preferences": unsubscribe}
    return {**fixed, "shop": shop_url, "view": "#", "confirm": "#"}


def _confirmation(pending: PendingMessage, enrollment: Enrollment) -> ConfirmationLink:
    form = str(enrollment.event_data.get("form", ""))
    ref = pending.ref
    return ConfirmationLink(ref.store, ref.contact, form, enrollment.event_id, enrollment.since)
