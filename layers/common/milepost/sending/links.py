"""The links of one mail that lead its reader back to us."""

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
    draft: PendingMessage,
    enrollment: Enrollment,
    now: datetime,
    key: str,
) -> dict[str, str]:
    """What a template finds under `urls`.

    `shop` is the shop's own page, with the token by which a browser there is told whose it is.
    `confirm` is there only in the mail that asks somebody to confirm a sign-up.
    """
    ref = draft.ref
    tokens: dict[str, str] = {
        "unsubscribe": sign_unsubscribe_link(
            UnsubscribeLink(ref.store, ref.contact, draft.topic or "", ref.id), key
        ),
        "preferences": seal_preferences(PreferencesLink(ref.store, ref.contact, ref.id), key),
        "view": sign_view_link(ViewLink(ref.store, ref.contact, ref.id), key),
    }
    if enrollment.event_name == OPT_IN:
        tokens["confirm"] = seal_confirmation(_confirmation(draft, enrollment), key)
    visit = seal_visit(DeviceLink(ref.store, ref.contact, now), key)
    glue = "&" if "?" in shop_url else "?"
    return {
        **{kind: f"{public_url}/v1/{ref.store}/{kind}/{token}" for kind, token in tokens.items()},
        "shop": f"{shop_url}{glue}mp={visit}",
    }


API_PLACEHOLDER_URL = "https://beside.invalid/"
"""Stands for the address at which a page's own function is asked, which nobody tells it: the API is
made after its functions. A link that begins like this leads from `view/<token>` to a neighbor."""


def web_view_urls(shop_url: str, claim: ViewLink, topic: str, key: str) -> dict[str, str]:
    """The links of a mail that is shown as a page, whose address people pass on.

    Its unsubscribe link works, for that page shows nothing of anybody and asks before it acts. What
    shows or changes more, or tells a browser whose it is, stays in the mail.
    """
    token = sign_unsubscribe_link(
        UnsubscribeLink(claim.store, claim.contact, topic, claim.message), key
    )
    unsubscribe = f"{API_PLACEHOLDER_URL}unsubscribe/{token}"
    stays = {"unsubscribe": unsubscribe, "preferences": unsubscribe}
    return {**stays, "shop": shop_url, "view": "#", "confirm": "#"}


def _confirmation(draft: PendingMessage, enrollment: Enrollment) -> ConfirmationLink:
    form = str(enrollment.event_data.get("form", ""))
    ref = draft.ref
    return ConfirmationLink(ref.store, ref.contact, form, enrollment.event_id, enrollment.since)
