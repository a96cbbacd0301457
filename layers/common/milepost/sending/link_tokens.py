"""Links that only we could have made: a token says who and what, and proves it.

Each kind of link has a purpose of its own, which is part of what is signed: a link to the
preferences can never be passed off as one that confirms a sign-up.
"""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Literal, NamedTuple

CONFIRM_WITHIN = timedelta(days=7)
"""How long a sign-up may be confirmed: later it is not sure that its reader still means it."""

VISIT_WITHIN = timedelta(days=30)
"""How long the link of a mail may tell a device whose it is."""

_MOMENT = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_Purpose = Literal["unsubscribe.v1", "confirm.v1", "preferences.v1", "visit.v1", "view.v1"]


class UnsubscribeLink(NamedTuple):
    """Whose subscription to what; `message` is the mail the link was in."""

    store: str
    contact: str
    topic: str
    message: str


class ConfirmationLink(NamedTuple):
    """Whose sign-up with which form: the `request`, which was made `at` an instant."""

    store: str
    contact: str
    form: str
    request: str
    at: datetime

    def is_late(self, now: datetime) -> bool:
        return now - self.at > CONFIRM_WITHIN


class PreferencesLink(NamedTuple):
    """Whose preferences; `message` is the mail the link was in."""

    store: str
    contact: str
    message: str


class ViewLink(NamedTuple):
    """Which mail, of all that a contact was sent."""

    store: str
    contact: str
    message: str


class DeviceLink(NamedTuple):
    """Who comes to the shop from a mail that was sent `at` an instant."""

    store: str
    contact: str
    at: datetime

    def is_late(self, now: datetime) -> bool:
        return now - self.at > VISIT_WITHIN


def sign_unsubscribe_link(claim: UnsubscribeLink, key: str) -> str:
    """A URL-safe token of about 130 characters. It holds no address and is bound to the store."""
    parts = (claim.contact, claim.topic, _short(claim.message))
    return _sealed("unsubscribe.v1", claim.store, parts, key)


def verify_unsubscribe_link(store: str, token: str, keys: Sequence[str]) -> UnsubscribeLink | None:
    """The claim of a genuine token, made with any of the live keys; None for every other text."""
    match _opened("unsubscribe.v1", store, token, keys):
        case [contact, topic, message]:
            return UnsubscribeLink(store, contact, topic, f"{contact}-{message}")
    return None


def seal_confirmation(claim: ConfirmationLink, key: str) -> str:
    parts = (claim.contact, claim.form, claim.request, _moments(claim.at))
    return _sealed("confirm.v1", claim.store, parts, key)


def unseal_confirmation(store: str, token: str, keys: Sequence[str]) -> ConfirmationLink | None:
    match _opened("confirm.v1", store, token, keys):
        case [contact, form, request, at]:
            return ConfirmationLink(store, contact, form, request, _instant(at))
    return None


def seal_preferences(claim: PreferencesLink, key: str) -> str:
    parts = (claim.contact, _short(claim.message))
    return _sealed("preferences.v1", claim.store, parts, key)


def unseal_preferences(store: str, token: str, keys: Sequence[str]) -> PreferencesLink | None:
    match _opened("preferences.v1", store, token, keys):
        case [contact, message]:
            return PreferencesLink(store, contact, f"{contact}-{message}")
    return None


def sign_view_link(claim: ViewLink, key: str) -> str:
    return _sealed("view.v1", claim.store, (claim.contact, _short(claim.message)), key)


def verify_view_link(store: str, token: str, keys: Sequence[str]) -> ViewLink | None:
    match _opened("view.v1", store, token, keys):
        case [contact, message]:
            return ViewLink(store, contact, f"{contact}-{message}")
    return None


def seal_visit(claim: DeviceLink, key: str) -> str:
    return _sealed("visit.v1", claim.store, (claim.contact, _moments(claim.at)), key)


def unseal_visit(store: str, token: str, keys: Sequence[str]) -> DeviceLink | None:
    match _opened("visit.v1", store, token, keys):
        case [contact, at]:
            return DeviceLink(store, contact, _instant(at))
    return None


def _sealed(purpose: _Purpose, store: str, parts: Sequence[str], key: str) -> str:
    body = ".".join(parts)
    return f"{body}.{_signature(purpose, store, body, key)}"


def _opened(purpose: _Purpose, store: str, token: str, keys: Sequence[str]) -> Sequence[str] | None:
    """The parts of a genuine token. Nothing of it is read before that is known."""
    body, _, signature = token.rpartition(".")
    if not body or not token.isascii():
        return None
    genuine = False
    for key in keys:  # all of them, so that the time taken says nothing about which one fits
        genuine |= hmac.compare_digest(signature, _signature(purpose, store, body, key))
    return body.split(".") if genuine else None


def _signature(purpose: _Purpose, store: str, body: str, key: str) -> str:
    text = f"{purpose}\n{store}\n{body}"
    digest = hmac.new(key.encode(), text.encode(), sha256).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def _short(message: str) -> str:
    """A message's id begins with its contact's, which is in the token already."""
    return message.rpartition("-")[2]


def _moments(at: datetime) -> str:
    return str((at - _EPOCH) // _MOMENT)


def _instant(moments: str) -> datetime:
    return _EPOCH + int(moments) * _MOMENT
