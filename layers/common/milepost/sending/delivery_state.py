"""How what SES reports of a message merges into it: in any order, and as often as it likes.

Each fact keeps the first instant at which it happened; a report that comes twice, or late, changes
nothing. What SES took and threw away afterwards is final. Clicks are remembered one by one, for
whether a person made them shows only in all of them together.
"""

from collections.abc import Collection, Mapping
from typing import Any

from milepost.base import instants
from milepost.sending.bot_detection import MAX_CLICKS, click_key, clicks, human_clicks
from milepost.sending.message import DeliveryEvent


def merge_delivery_event(message: dict[str, Any], report: DeliveryEvent) -> bool:
    """Merge a report about this message into its entry of the ledger; whether it is news.

    A click is never news. The reason of a rejection is that of the earliest one.
    """
    at = instants.format_instant(report.at)
    first: bool = at < message.get(report.fact, "~")
    if report.kind == "rejected" and first:
        message |= {"status": "rejected", "final_status": "rejected", "reason": report.detail}
    elif "final_status" not in message:
        message["status"] = "accepted"
        message.pop("reason", None)
    message.pop("timer_due", None)
    if report.kind == "clicked":
        _click(message, report)
        return False
    for name in timestamps_set_by(report):
        message[name] = min(message.get(name, at), at)
    return first


def timestamps_set_by(report: DeliveryEvent) -> tuple[str, ...]:
    """The names of the instants that a report sets, clicks excepted."""
    for_good = report.kind == "bounced" and report.permanent
    return (report.fact, "undeliverable_at") if for_good else (report.fact,)


def first_clicks(traces: Collection[str]) -> Mapping[str, str]:
    """When a person first clicked, and when a machine did, as far as is known now."""
    found: dict[str, str] = {}
    for click in clicks(traces):
        found.setdefault("bot_clicked_at" if click.why else "clicked_at", click.at)
    return found


def for_conditions(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message as conditions see it: `human_links` holds the marks of the links that people
    clicked, for only all clicks together show which were a person's."""
    if "clicks" not in message:
        return dict(message)
    links = {click.link for click in human_clicks(message["clicks"])}
    return {**message, "human_links": links}


CLICKED = ("clicked_at", "bot_clicked_at")


def _click(message: dict[str, Any], report: DeliveryEvent) -> None:
    held = message.get("clicks", frozenset())
    if len(held) >= MAX_CLICKS:
        return
    message["clicks"] = held | {click_key(report.at, report.link, report.bot_reason)}
    if report.link:
        message["links"] = message.get("links", frozenset()) | {report.link[:1000]}
    for name in CLICKED:
        message.pop(name, None)
    message |= first_clicks(message["clicks"])
