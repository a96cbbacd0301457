"""The links of one mail that lead its reader back to us."""

from datetime import datetime

from milepost.domain.enrollments import Enrollment
from milepost.domain.event_names import OPT_IN
from milepost.domain.messages import Draft
from milepost.domain.tokens import (
    Confirmation,
    Preferences,
    Unsubscribe,
    Visit,
    seal,
    seal_confirmation,
    seal_preferences,
    seal_visit,
)


def reader_urls(
    public_url: str, shop_url: str, draft: Draft, enrollment: Enrollment, now: datetime, key: str
) -> dict[str, str]:
    """What a template finds under `urls`.

    `shop` is the shop's own page, with the token by which a browser there is told whose it is.
    `confirm` is there only in the mail that asks somebody to confirm a sign-up.
    """
    ref = draft.ref
    tokens: dict[str, str] = {
        "unsubscribe": seal(Unsubscribe(ref.store, ref.contact, draft.topic or "", ref.id), key),
        "preferences": seal_preferences(Preferences(ref.store, ref.contact, ref.id), key),
    }
    if enrollment.event_name == OPT_IN:
        tokens["confirm"] = seal_confirmation(_confirmation(draft, enrollment), key)
    visit = seal_visit(Visit(ref.store, ref.contact, now), key)
    glue = "&" if "?" in shop_url else "?"
    return {
        **{kind: f"{public_url}/v1/{ref.store}/{kind}/{token}" for kind, token in tokens.items()},
        "shop": f"{shop_url}{glue}mp={visit}",
    }


def _confirmation(draft: Draft, enrollment: Enrollment) -> Confirmation:
    form = str(enrollment.event_data.get("form", ""))
    ref = draft.ref
    return Confirmation(ref.store, ref.contact, form, enrollment.event_id, enrollment.since)
