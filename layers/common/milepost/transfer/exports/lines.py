"""Contacts, events and consents as lines of an export. Contact lines can be imported."""

import json
from collections.abc import Mapping
from typing import Any

from milepost.base import times
from milepost.contacts.event import Event, encode_body
from milepost.contacts.profile import Profile


def contact_line(profile: Profile) -> dict[str, Any] | None:
    """A contact; None if nothing is known of it, for example after an erasure.

    `milepost import` reads it: withdrawn consent stays withdrawn, granted consent is not imported.
    """
    if not (profile.fields or profile.totals or profile.consent):
        return None
    return {
        "contact": profile.contact,
        **profile.as_data(),
        "consent": {
            topic: {
                "state": consent.state,
                "at": times.format_instant(consent.at),
                "method": consent.method,
                "source": consent.source,
            }
            for topic, consent in profile.consent.items()
        },
        "totals": {
            name: {
                "count": total.count,
                "first": times.format_instant(total.first),
                "last": times.format_instant(total.last),
                "value": str(total.value),
            }
            for name, total in profile.totals.items()
        },
    }


def event_line(contact: str, event: Event, copied_from: str = "") -> dict[str, Any]:
    """An event of a timeline. A merge copies events and keeps the originals: a copy has
    `copied_from`."""
    body = json.loads(encode_body(event))
    return {
        "contact": contact,
        "id": event.id,
        "event": event.name,
        "occurred_at": times.format_instant(event.occurred_at),
        "source": event.source,
        "identifiers": body["identifiers"],
        "properties": body["data"],
        "says": body["contact"],
        **({"copied_from": copied_from} if copied_from else {}),
    }


def consent_line(contact: str, consent: Mapping[str, Any]) -> dict[str, Any]:
    """A consent with its proof."""
    return {"contact": contact, **consent}
