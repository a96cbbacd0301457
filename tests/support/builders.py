"""Files of a small shop, and the parts of a story, with defaults for all that does not matter."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

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
    """The files of a template that is fit for marketing and needs nothing of the contact."""
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
    """A workflow file; `on` names the event that begins it."""
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
