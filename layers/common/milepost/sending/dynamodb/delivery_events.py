"""Merge what SES reports: `sending/delivery_state.py`, as DynamoDB's conditions say it.

One update in steady state. What it presumes of the entry is a condition of it: if that does not
hold, the answer brings the entry, and the update is made anew for what stands there.
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
    table: Table, key: dict[str, Any], report: DeliveryEvent
) -> Mapping[str, Any] | None:
    """The entry afterwards; None if no message of ours was sent to whom the report names."""
    held: Mapping[str, Any] = {}
    for _ in range(MAX_ATTEMPTS):
        change = _change(report, held)
        if change is None:
            return held
        try:
            after = table.update(key, **change)
        except ConditionFailedError as refused:
            (found,) = refused.items
            if found is None or not _is_about(report, found):
                return None
            held = found
            continue
        if report.kind == "clicked":
            return _with_clicks(table, key, after)
        return {**after, "news": True}
    raise ThrottledError("many reports of one message came at once")


def _is_about(report: DeliveryEvent, found: Mapping[str, Any]) -> bool:
    named = report.hashes()
    return "recipient" in found and (not named or found["recipient"] in named)


def _change(report: DeliveryEvent, held: Mapping[str, Any]) -> dict[str, Any] | None:
    """The update for an entry like `held` (empty: one that nothing was merged into), if any."""
    at = instants.format_instant(report.at)
    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    sets, removes, adds = [], "", ""
    conditions = ["attribute_exists(recipient)"]
    if named := report.hashes():
        values |= {f":r{number}": each for number, each in enumerate(named)}
        conditions.append(f"recipient IN ({', '.join(f':r{n}' for n in range(len(named)))})")
    if report.kind == "rejected" and "final_status" not in held:
        sets.append("#status = :status, final_status = :status, reason = :reason")
        values |= {":status": "rejected", ":reason": report.detail}
        removes = f" REMOVE {TIMER_ATTRIBUTES}"
    elif report.kind != "rejected" and "final_status" not in held:
        sets.append("#status = :status")
        values[":status"] = "accepted"
        removes = f" REMOVE {TIMER_ATTRIBUTES}, reason"
        conditions.append("attribute_not_exists(final_status)")
    if sets:
        names["#status"] = "status"
    if report.kind == "clicked":
        mark = click_key(report.at, report.link, report.bot_reason)
        if len(held.get("clicks", ())) >= MAX_CLICKS or mark in held.get("clicks", ()):
            return None
        conditions.append("(attribute_not_exists(clicks) OR size(clicks) < :most)")
        values |= {":most": MAX_CLICKS, ":clicks": {mark}}
        adds = " ADD clicks :clicks"
        if report.link:
            values[":links"] = {report.link[:1000]}
            adds += ", links :links"
    else:
        for number, name in enumerate(timestamps_set_by(report)):
            if held.get(name, "~") <= at:
                continue
            names[f"#at{number}"], values[":at"] = name, at
            sets.append(f"#at{number} = :at")
            conditions.append(f"(attribute_not_exists(#at{number}) OR #at{number} > :at)")
        if held and ":at" not in values:
            return None  # this fact is known, and whatever else it says was merged with it
    return {
        "expression": f"{'SET ' if sets else ''}{', '.join(sets)}{removes}{adds}".strip(),
        "condition": " AND ".join(conditions),
        "names": names,
        "values": values,
    }


def _with_clicks(table: Table, key: dict[str, Any], after: Mapping[str, Any]) -> Mapping[str, Any]:
    """When people and machines first clicked, in the light of all clicks that are known now.

    If yet another click came in between, whoever brought it has seen ours and does this.
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
