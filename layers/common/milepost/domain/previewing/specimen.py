"""What a template is filled in with when nobody in particular gets it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from milepost.domain import instants
from milepost.domain.settings import StoreSettings
from milepost.domain.templates.checks import KNOWN

LINKS = "https://links.example"
"""Where links to us lead in a preview; the name is reserved (RFC 2606) and leads nowhere."""

PERSON: Mapping[str, Any] = {"first_name": "Robin", "last_name": "Hale"}
"""Who reads a preview, unless somebody says who. Made up."""

_PRODUCTS = (
    ("Oak side table", "walnut oil", 149.0, 1),
    ("Linen cushion", "sea green", 29.5, 2),
)


def specimen_event(settings: StoreSettings) -> dict[str, Any]:
    """The data of an event that could have led to the mail: a cart, an order, its delivery."""
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
    """The context of `Renderer.render`; `contact` has the fields that a profile has."""
    said = instants.show(now)
    urls = {name: f"{LINKS}/v1/preview/{name}/example" for name in KNOWN["urls"] or ()}
    return {
        "contact": {"properties": {}, **contact},
        "event": {"name": "Preview", **event},
        "store": {
            "name": settings.name,
            "url": settings.url,
            "postal_address": settings.postal_address,
            "logo_url": settings.logo_url or None,
            "currency": settings.currency,
        },
        "urls": {**urls, "shop": settings.url},
        "steps": {},
        "enrollment": {"id": "preview", "workflow": "preview", "since": said},
        "now": said,
    }
