"""Sample data for a preview without a real contact."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from milepost.base.names import EnrollmentRef
from milepost.contacts.fields import CONTACT_FIELDS
from milepost.contacts.profile import Profile
from milepost.enrollments.enrollment import Enrollment, email_data, template_data
from milepost.stores.settings import StoreSettings
from milepost.templates.check import KNOWN
from milepost.templates.utm import Campaign, campaign_of

LINKS = "https://links.example"
"""The address of Milepost's links in a preview; the name is reserved (RFC 2606)."""

WORD = "preview"
"""The sample text for values without a better sample."""

PERSON: Mapping[str, Any] = {
    name: field.sample for name, field in CONTACT_FIELDS.items() if field.sample
}
"""The made-up contact of a preview, unless the caller gives another."""

_PRODUCTS = (
    ("Oak side table", "walnut oil", 149.0, 1),
    ("Linen cushion", "sea green", 29.5, 2),
)


def specimen_event(settings: StoreSettings) -> dict[str, Any]:
    """Sample event data: a cart, an order and its delivery."""
    return {
        "order_id": "1001",
        "checkout_id": "c-1001",
        "checkout_url": settings.url,
        "order_url": settings.url,
        "currency": settings.currency,
        "total": sum(price * count for _, _, price, count in _PRODUCTS),
        "products": [
            {"name": name, "variant": kind, "price": price, "quantity": count, "url": settings.url}
            for name, kind, price, count in _PRODUCTS
        ],
    }


def specimen(
    contact: Mapping[str, Any], event: Mapping[str, Any], settings: StoreSettings, now: datetime
) -> dict[str, Any]:
    """The context of `Renderer.render`, as a send builds it; `contact` has the person's fields."""
    known = {**contact, **{f"properties.{k}": v for k, v in contact.get("properties", {}).items()}}
    known.pop("properties", None)
    profile = Profile(
        store=WORD, contact=WORD, fields={name: (value, "", "") for name, value in known.items()}
    )
    enrollment = Enrollment(
        ref=EnrollmentRef(WORD, WORD, WORD, 1, WORD),
        event_id=WORD,
        event_name="Preview",
        event_data=event,
        since=now,
        entered_at=now,
    )
    urls = {name: f"{LINKS}/v1/{WORD}/{name}/example" for name in KNOWN["urls"] or ()}
    data = template_data(profile, enrollment, settings)
    return email_data(data, settings.name, {**urls, "shop": settings.url}, now)


def specimen_campaign(settings: StoreSettings) -> Campaign | None:
    """The UTM parameters of links to the store's own pages."""
    return campaign_of(settings, WORD, WORD, "", LINKS)
