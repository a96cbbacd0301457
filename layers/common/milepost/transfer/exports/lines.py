"""A contact, an event and an answer as the lines of an export; a contact's can be imported."""

import json
from collections.abc import Mapping
from typing import Any

from milepost.base import instants
from milepost.contacts.event import Event, encode_body
from milepost.contacts.profile import Profile


def contact_line(profile: Profile) -> dict[str, Any] | None:
    """What is known of a contact; None if nothing is, as of one that was erased.

    `milepost import` reads it: consent that was withdrawn stays withdrawn, and what was granted is
    not granted to anybody else by it.
    """
    if not (profile.fields or profile.totals or profile.consent):
        return None
    return {
        "contact": profile.contact,
        **profile.as_data(),
        "consent": {
            topic: {
                "state": consent.state,
                "at": instants.format_instant(consent.at),
                "method": consent.method,
                "source": consent.source,
            }
            for topic, consent in profile.consent.items()
        },
        "totals": {
            name: {
                "count": total.count,
                "first": instants.format_instant(total.first),
                "last": instants.format_instant(total.last),
                "value": str(total.value),
            }
            for name, total in profile.totals.items()
        },
    }


def event_line(contact: str, event: Event, copied_from: str = "") -> dict[str, Any]:
    """An event of a timeline. One that came with another contact, who was merged into this one, is
    there twice, for that one's timeline stays: its copy says from whom."""
    body = json.loads(encode_body(event))
    return {
        "contact": contact,
        "id": event.id,
        "event": event.name,
        "occurred_at": instants.format_instant(event.occurred_at),
        "source": event.source,
        "identifiers": body["identifiers"],
        "properties": body["data"],
        "says": body["contact"],
        **({"copied_from": copied_from} if copied_from else {}),
    }


def consent_line(contact: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """An answer with its proof."""
    return {"contact": contact, **said}
