"""Merge delivery events into a message. The order and repetitions make no difference.

Each kind of event keeps its first instant, so a repeated or late event changes nothing. A rejection
after SES has accepted the message is final. Clicks are stored one by one, because only all clicks
together show which ones a person made.
"""

from collections.abc import Collection, Mapping
from typing import Any

from milepost.base import times
from milepost.sending.bot_detection import MAX_CLICKS, click_key, clicks, human_clicks
from milepost.sending.message import DeliveryEvent


def merge_delivery_event(message: dict[str, Any], event: DeliveryEvent) -> bool:
    """Merge a delivery event into the message's entry in the ledger; whether it is news.

    A click is never news. The reason of a rejection is that of the earliest one.
    """
    at = times.format_instant(event.at)
    first: bool = at < message.get(event.fact, "~")
    if event.kind == "rejected" and first:
        message |= {"status": "rejected", "final_status": "rejected", "reason": event.detail}
    elif "final_status" not in message:
        message["status"] = "accepted"
        message.pop("reason", None)
    message.pop("timer_due", None)
    if event.kind == "clicked":
        _add_click(message, event)
        return False
    for name in timestamps_set_by(event):
        message[name] = min(message.get(name, at), at)
    return first


def timestamps_set_by(event: DeliveryEvent) -> tuple[str, ...]:
    """The names of the timestamps that a delivery event sets, except for clicks."""
    permanent = event.kind == "bounced" and event.permanent
    return (event.fact, "undeliverable_at") if permanent else (event.fact,)


def first_clicks(click_keys: Collection[str]) -> Mapping[str, str]:
    """When a person and when a bot first clicked, judged with all clicks so far."""
    found: dict[str, str] = {}
    for click in clicks(click_keys):
        found.setdefault("bot_clicked_at" if click.why else "clicked_at", click.at)
    return found


def for_conditions(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message as conditions see it: `human_links` holds the marks of the links that a person
    clicked, judged with all clicks."""
    if "clicks" not in message:
        return dict(message)
    links = {click.link for click in human_clicks(message["clicks"])}
    return {**message, "human_links": links}


CLICKED = ("clicked_at", "bot_clicked_at")


def _add_click(message: dict[str, Any], event: DeliveryEvent) -> None:
    known = message.get("clicks", frozenset())
    if len(known) >= MAX_CLICKS:
        return
    message["clicks"] = known | {click_key(event.at, event.link, event.bot_reason)}
    if event.link:
        message["links"] = message.get("links", frozenset()) | {event.link[:1000]}
    for name in CLICKED:
        message.pop(name, None)
    message |= first_clicks(message["clicks"])
