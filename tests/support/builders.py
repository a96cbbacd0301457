"""The files of a small shop and values of the domain, with defaults for everything."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal

from milepost.base.names import EnrollmentRef, MessageRef
from milepost.contacts.event import (
    ConsentEvidence,
    ContactUpdate,
    Event,
    IdentifierKind,
    contact_id,
)
from milepost.enrollments.enrollment import Enrollment
from milepost.sending.message import PendingMessage, message_id

STORE = "harborline"
MONDAY_NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
ADA = "ada@mail.example"

Json = dict[str, Any]
Content = str | Mapping[str, Any]


def settings(**changes: Any) -> Json:
    """`settings.json` of a shop with two topics."""
    return {
        "name": "Harborline Goods",
        "url": "https://shop.example",
        "postal_address": "27 Lighthouse Lane, Lunenburg",
        "topics": {"offers": "Offers", "news": "News"},
        "shop_topics": ["offers"],
        **changes,
    }


def template(name: str, subject: str = "", body: str = "") -> dict[str, Content]:
    """The files of a template that is valid for marketing and uses no contact data."""
    html = (
        f"<html><body><p>{body or 'Your cart is waiting.'}</p>"
        '<p><a href="https://shop.example/cart">Go to your cart</a></p>'
        '<p>{{ store.postal_address }} <a href="{{ urls.unsubscribe }}">Unsubscribe</a></p>'
        "</body></html>"
    )
    return {
        f"templates/{name}/subject.txt": subject or f"About {name}",
        f"templates/{name}/body.html": html,
    }


def workflow(*steps: Json, on: str = "Checkout Started", **head: Any) -> Json:
    """A workflow file; `on` names its trigger event."""
    return {
        "title": "A workflow",
        "trigger": {"type": "event", "event": on},
        "topic": "offers",
        "steps": list(steps),
        **head,
    }


def delay(for_: str, id_: str = "", **more: Any) -> Json:
    return {"id": id_ or "wait-" + for_.replace(" ", "-"), "type": "delay", "for": for_, **more}


def send(id_: str, template_name: str = "plain", **more: Any) -> Json:
    return {"id": id_, "type": "send_email", "template": template_name, **more}


def leave(id_: str, reason: str = "left") -> Json:
    return {"id": id_, "type": "exit", "reason": reason}


def wait_for(
    id_: str,
    event: str,
    timeout: str,
    on_event: Sequence[Json] = (),
    on_timeout: Sequence[Json] = (),
    **more: Any,
) -> Json:
    return {
        "id": id_,
        "type": "wait_for",
        "event": event,
        "timeout": timeout,
        "on_event": list(on_event),
        "on_timeout": list(on_timeout),
        **more,
    }


def branch(id_: str, condition: Json, then: Sequence[Json], other: Sequence[Json] = ()) -> Json:
    """A branch of one path, called `yes`."""
    path = {"name": "yes", "if": condition, "steps": list(then)}
    return {"id": id_, "type": "branch", "paths": [path], "else": list(other)}


def shop(*templates: str, **workflows: Json) -> dict[str, Content]:
    """All files of a shop: settings, plain templates by name, workflows by name."""
    files: dict[str, Content] = {"settings.json": settings()}
    for name in templates or ("plain",):
        files |= template(name)
    for name, document in workflows.items():
        files[f"workflows/{name.replace('_', '-')}.json"] = document
    return files


def text(content: Content) -> str:
    return content if isinstance(content, str) else json.dumps(content)


# --- values of the domain ---


def event(
    name: str = "Checkout Started",
    data: Mapping[str, Any] | None = None,
    *,
    at: datetime = MONDAY_NOON,
    id_: str = "",
    email: str = ADA,
    source: str = "api",
    contact: ContactUpdate | None = None,
    identifiers: Mapping[IdentifierKind, str] | None = None,
) -> Event:
    return Event(
        store=STORE,
        id=id_ or f"{name} at {at.isoformat()}",
        name=name,
        occurred_at=at,
        source=source,
        identifiers={"email": email} if identifiers is None else identifiers,
        data=dict(data or {}),
        contact=contact or ContactUpdate(),
    )


def consent_fact(
    topic: str | None = "offers",
    state: Literal["granted", "withdrawn"] = "granted",
    at: datetime | None = MONDAY_NOON,
) -> ConsentEvidence:
    return ConsentEvidence(state=state, method="form", source="footer", topic=topic, at=at)


def contact(email: str = ADA) -> str:
    return contact_id(STORE, "email", email)


def enrollment_ref(
    id_: str = "e-1", workflow_name: str = "cart", version: int = 1
) -> EnrollmentRef:
    return EnrollmentRef(STORE, contact(), workflow_name, version, id_)


def enrollment(ref: EnrollmentRef | None = None, **changes: Any) -> Enrollment:
    fresh = Enrollment(
        ref=ref or enrollment_ref(),
        event_id="evt-1",
        event_name="Checkout Started",
        event_data={"total": 150},
        since=MONDAY_NOON,
        entered_at=MONDAY_NOON,
        state_machine_arn="arn:1",
    )
    return replace(fresh, **changes)


def draft(
    step: str = "reminder", ref: EnrollmentRef | None = None, **changes: Any
) -> PendingMessage:
    """A marketing message to Ada about offers."""
    own = ref or enrollment_ref()
    fresh = PendingMessage(
        ref=MessageRef(own.store, own.contact, message_id(own, step)),
        enrollment=own,
        step=step,
        block_seq=0,
        category="marketing",
        topic="offers",
        template="plain",
        template_hash="0123456789abcdef",
        recipient=ADA,
    )
    return replace(fresh, **changes)
