"""Merge delivery events by the rule of `sending/delivery_state.py`, without a read before it.

The rule is applied to an entry without any merged event, and its result is one update, on the
condition that the entry is in that state. If it is not, the failed update returns the entry, and
the rule is applied to it. Clicks are added to a set instead, so that two of them never exclude each
other. See docs/decisions/0028-where-a-rule-stays-a-condition.md.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from milepost.aws.keys import TIMER_ATTRIBUTES
from milepost.aws.table import ConditionFailedError, Table
from milepost.base.errors import ThrottledError
from milepost.sending.bot_detection import MAX_CLICKS
from milepost.sending.delivery_state import CLICKED, first_clicks
from milepost.sending.delivery_state import merge_delivery_event as merge_into
from milepost.sending.message import DeliveryEvent

MAX_ATTEMPTS = 6
OVERWRITTEN = {"status": None, "reason": None, "timer_due": None}
"""Attributes that are set or removed whatever their value: the rule does not read them."""


def merge_delivery_event(
    table: Table, key: dict[str, Any], event: DeliveryEvent
) -> Mapping[str, Any] | None:
    """The entry afterwards; None if no such message was sent to an address in the event."""
    known: Mapping[str, Any] = {}
    for _ in range(MAX_ATTEMPTS):
        needed = _change(event, known)
        if needed is None:
            return known
        change, news = needed
        try:
            after = table.update(key, **change)
        except ConditionFailedError as refused:
            (found,) = refused.items
            if found is None or not _is_about(event, found):
                return None
            known = found
            continue
        if event.kind == "clicked":
            return _with_clicks(table, key, after)
        return {**after, "news": True} if news else after
    raise ThrottledError("many delivery events of one message arrived at once")


def _is_about(event: DeliveryEvent, found: Mapping[str, Any]) -> bool:
    named = event.hashes()
    return "recipient" in found and (not named or found["recipient"] in named)


def _change(event: DeliveryEvent, known: Mapping[str, Any]) -> tuple[dict[str, Any], bool] | None:
    """The update for an entry like `known` (empty: one that nothing was merged into), if any, and
    whether the event is news to it.

    The pure rule decides what changes. The conditions say for which other entries it would decide
    the same, so that the first request needs no read.
    """
    if known and _merged(known, event)[0] == known:
        return None
    before = {**known, **OVERWRITTEN}
    after, news = _merged(before, event)
    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    sets, adds, conditions = [], [], ["attribute_exists(recipient)"]
    if named := event.hashes():
        values |= {f":r{number}": each for number, each in enumerate(named)}
        conditions.append(f"recipient IN ({', '.join(f':r{n}' for n in range(len(named)))})")
    if "final_status" not in known:
        conditions.append("attribute_not_exists(final_status)")
    changed = [n for n in after if after[n] != before.get(n) and n not in CLICKED]
    for number, name in enumerate(changed):
        short, value, wanted = f"#n{number}", f":v{number}", after[name]
        names[short], values[value] = name, wanted
        if name in ("clicks", "links"):
            values[value] = wanted - before.get(name, frozenset())
            adds.append(f"{short} {value}")
            continue
        sets.append(f"{short} = {value}")
        if name.endswith("_at"):  # of two instants the rule keeps the earlier
            conditions.append(f"(attribute_not_exists({short}) OR {short} > {value})")
    if "clicks" in changed:
        conditions.append("(attribute_not_exists(clicks) OR size(clicks) < :most)")
        values[":most"] = MAX_CLICKS
    gone = [TIMER_ATTRIBUTES if n == "timer_due" else n for n in OVERWRITTEN if n not in after]
    clauses = {"SET": sets, "REMOVE": gone, "ADD": adds}
    change = {
        "expression": " ".join(
            f"{word} {', '.join(each)}" for word, each in clauses.items() if each
        ),
        "condition": " AND ".join(conditions),
        "names": names,
        "values": values,
    }
    return change, news


def _merged(entry: Mapping[str, Any], event: DeliveryEvent) -> tuple[dict[str, Any], bool]:
    """A copy of an entry after an event, and whether the event is news to it."""
    after = dict(entry)
    news = merge_into(after, event)
    return after, news


def _with_clicks(table: Table, key: dict[str, Any], after: Mapping[str, Any]) -> Mapping[str, Any]:
    """When people and bots first clicked, judged with all clicks so far.

    If another click was added in between, the call that added it has seen ours and does this.
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
