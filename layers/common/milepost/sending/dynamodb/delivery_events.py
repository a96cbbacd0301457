"""Merge delivery events: the rules of `sending/delivery_state.py` as DynamoDB conditions.

Usually one update is enough. It assumes a state of the item as its condition. If the condition
fails, the error returns the item, and a new update is made for its actual state.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from milepost.aws.keys import TIMER_ATTRIBUTES
from milepost.aws.table import ConditionFailedError, Table
from milepost.base import instants
from milepost.base.errors import ThrottledError
from milepost.sending.bot_detection import MAX_CLICKS, click_key
from milepost.sending.delivery_state import CLICKED, first_clicks, timestamps_set_by
from milepost.sending.message import DeliveryEvent

MAX_ATTEMPTS = 6


def merge_delivery_event(
    table: Table, key: dict[str, Any], event: DeliveryEvent
) -> Mapping[str, Any] | None:
    """The message afterwards; None if no such message was sent to an address in the event."""
    known: Mapping[str, Any] = {}
    for _ in range(MAX_ATTEMPTS):
        update = _change(event, known)
        if update is None:
            return known
        try:
            after = table.update(key, **update)
        except ConditionFailedError as failed:
            (item,) = failed.items
            if item is None or not _is_about(event, item):
                return None
            known = item
            continue
        if event.kind == "clicked":
            return _with_clicks(table, key, after)
        return {**after, "news": True}
    raise ThrottledError("many delivery events of one message arrived at once")


def _is_about(event: DeliveryEvent, item: Mapping[str, Any]) -> bool:
    named = event.hashes()
    return "recipient" in item and (not named or item["recipient"] in named)


def _change(event: DeliveryEvent, known: Mapping[str, Any]) -> dict[str, Any] | None:
    """The update for an item in this state (empty: without merged events), if one is needed."""
    at = instants.format_instant(event.at)
    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    sets, removes, adds = [], "", ""
    conditions = ["attribute_exists(recipient)"]
    if named := event.hashes():
        values |= {f":r{number}": each for number, each in enumerate(named)}
        conditions.append(f"recipient IN ({', '.join(f':r{n}' for n in range(len(named)))})")
    if event.kind == "rejected" and "final_status" not in known:
        sets.append("#status = :status, final_status = :status, reason = :reason")
        values |= {":status": "rejected", ":reason": event.detail}
        removes = f" REMOVE {TIMER_ATTRIBUTES}"
    elif event.kind != "rejected" and "final_status" not in known:
        sets.append("#status = :status")
        values[":status"] = "accepted"
        removes = f" REMOVE {TIMER_ATTRIBUTES}, reason"
        conditions.append("attribute_not_exists(final_status)")
    if sets:
        names["#status"] = "status"
    if event.kind == "clicked":
        key_of_click = click_key(event.at, event.link, event.bot_reason)
        if len(known.get("clicks", ())) >= MAX_CLICKS or key_of_click in known.get("clicks", ()):
            return None
        conditions.append("(attribute_not_exists(clicks) OR size(clicks) < :most)")
        values |= {":most": MAX_CLICKS, ":clicks": {key_of_click}}
        adds = " ADD clicks :clicks"
        if event.link:
            values[":links"] = {event.link[:1000]}
            adds += ", links :links"
    else:
        for number, name in enumerate(timestamps_set_by(event)):
            if known.get(name, "~") <= at:
                continue
            names[f"#at{number}"], values[":at"] = name, at
            sets.append(f"#at{number} = :at")
            conditions.append(f"(attribute_not_exists(#at{number}) OR #at{number} > :at)")
        if known and ":at" not in values:
            return None  # the timestamps are known, and the rest was merged with them
    return {
        "expression": f"{'SET ' if sets else ''}{', '.join(sets)}{removes}{adds}".strip(),
        "condition": " AND ".join(conditions),
        "names": names,
        "values": values,
    }


def _with_clicks(table: Table, key: dict[str, Any], after: Mapping[str, Any]) -> Mapping[str, Any]:
    """Update the first click of a person and of a bot, judged with all clicks so far.

    If another click was added in between, its own update has seen this click and does the same.
    """
    wanted = first_clicks(after["clicks"])
    if all(after.get(name) == wanted.get(name) for name in CLICKED):
        return after
    sets = ", ".join(f"{name} = :{name}" for name in wanted)
    removes = ", ".join(name for name in CLICKED if name not in wanted)
    with suppress(ConditionFailedError):
        return table.update(
            key,
            expression=f"SET {sets}" + (f" REMOVE {removes}" if removes else ""),
            condition="size(clicks) = :seen",
            values={":seen": len(after["clicks"]), **{f":{n}": at for n, at in wanted.items()}},
        )
    return after
