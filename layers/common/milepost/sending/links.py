"""The links in one e-mail that lead to Milepost and to the shop."""

from datetime import datetime

from milepost.contacts.event_names import OPT_IN
from milepost.enrollments.enrollment import Enrollment
from milepost.sending.link_tokens import (
    ConfirmationLink,
    DeviceLink,
    PreferencesLink,
    UnsubscribeLink,
    ViewLink,
    seal_confirmation,
    seal_preferences,
    seal_visit,
    sign_unsubscribe_link,
    sign_view_link,
)
from milepost.sending.message import PendingMessage


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
