"""The rows of tokens that all workers share, each under a key of its own."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from milepost.aws import keys
from milepost.aws.table import ConditionFailedError, Item, Table
from milepost.base.errors import ThrottledError
from milepost.sending.rate_limit import MAX_ROWS, NoSlot, SesLimits, SlotRequest, WarmUpLimit

MAX_ATTEMPTS = 4
"""A row that others change meanwhile is asked again."""

FORGOTTEN = 7
"""Days of a warm-up, before this one, whose counts are taken off a row with every new one."""


@dataclass(slots=True)
class DynamoSendSlots:
    """Implements `Tokens`, in the workflows table.

    A row that was free is likely to be free again, and one that had a queue to have one: a worker
    asks for what it found last time first, so that one request is enough while nothing changes.
    """

    table: Table
    _queued: dict[int, bool] = field(default_factory=dict)

    def take(self, wish: SlotRequest) -> int | NoSlot:
        for _ in range(MAX_ATTEMPTS):
            queued = self._queued.get(wish.row, False)
            try:
                row = self.table.update(keys.send_slot_row(wish.row), **_change(wish, queued))
            except ConditionFailedError as refused:
                why = _why_not(refused.items[0] or {}, wish)
                if why is not None:
                    return why
                self._queued[wish.row] = not queued
            else:
                return int(row["next"]) - wish.interval
        raise ThrottledError("the row of tokens changes all the time")

    def allowance(self) -> SesLimits | None:
        item = self.table.get(keys.ses_limits()) or {}
        if "said" not in item:
            return None
        at, rate, day, ends, rows = json.loads(item["said"])
        return SesLimits(at, rate, day, None if ends is None else tuple(ends), rows)

    def may_ask(self, now: int, again_after: int) -> bool:
        try:
            self.table.update(
                keys.ses_limits(),
                expression="SET asked = :now",
                condition="attribute_not_exists(asked) OR asked <= :before",
                values={":now": now, ":before": again_after},
            )
        except ConditionFailedError:
            return False
        return True

    def taken(self) -> Sequence[int]:
        rows = self.table.get_many([keys.send_slot_row(row) for row in range(MAX_ROWS)])
        counts = [0] * MAX_ROWS
        for item in rows:
            counts[keys.send_slot_row_number(item["pk"])] = int(item["taken"])
        return counts

    def note(self, allowance: SesLimits) -> None:
        self.table.update(
            keys.ses_limits(),
            expression="SET said = :said",
            values={":said": json.dumps(allowance)},
        )


def _change(wish: SlotRequest, queued: bool) -> dict[str, Any]:
    if queued:
        placed, condition = "SET #next = #next + :interval", "#next BETWEEN :now AND :latest"
        values = {":interval": wish.interval, ":now": wish.now, ":latest": wish.latest}
    else:
        placed = "SET #next = :after"
        condition = "(attribute_not_exists(#next) OR #next < :now OR #next > :nonsense)"
        values = {":after": wish.now + wish.interval, ":now": wish.now, ":nonsense": wish.nonsense}
    names, removed, added = {"#next": "next"}, "", "taken :one"
    values[":one"] = 1
    if wish.end is not None:
        condition += " AND (attribute_not_exists(taken) OR taken < :end)"
        values[":end"] = wish.end
    if wish.ramp is not None:
        condition += " AND (attribute_not_exists(#day) OR #day < :most)"
        values[":most"] = wish.ramp.most
        past = {f"#past{number}": name for number, name in enumerate(_past(wish.ramp))}
        names |= {"#day": _day(wish.ramp), **past}
        added += ", #day :one"
        removed = f" REMOVE {', '.join(past)}"
    expression = f"{placed}{removed} ADD {added}"
    return {"expression": expression, "condition": condition, "names": names, "values": values}


def _why_not(row: Item, wish: SlotRequest) -> NoSlot | None:
    """Why there is no token at all; None if there may be one when it is asked for otherwise."""
    if wish.end is not None and row.get("taken", 0) >= wish.end:
        return NoSlot("quota")
    if wish.ramp is not None and row.get(_day(wish.ramp), 0) >= wish.ramp.most:
        return NoSlot("warm-up")
    if wish.latest < row.get("next", 0) <= wish.nonsense:
        return NoSlot("rate")
    return None


def _day(ramp: WarmUpLimit) -> str:
    return f"sent#{ramp.store}#{ramp.day}"


def _past(ramp: WarmUpLimit) -> list[str]:
    today = date.fromisoformat(ramp.day)
    days = (today - timedelta(days=number) for number in range(1, FORGOTTEN + 1))
    return [_day(ramp._replace(day=day.isoformat())) for day in days]
