"""The rows of send slots that all workers share, each under its own key."""

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
"""Tries on a row that other workers change meanwhile."""

FORGOTTEN = 7
"""Each reservation removes the counts of this many past warm-up days from the row."""


@dataclass(slots=True)
class DynamoSendSlots:
    """Implements `SendSlots`, in the workflows table.

    A row without a queue usually stays so, and so does a row with one. A worker first assumes the
    state of its last request, so one request is enough while nothing changes.
    """

    table: Table
    _queued: dict[int, bool] = field(default_factory=dict)

    def take(self, request: SlotRequest) -> int | NoSlot:
        for _ in range(MAX_ATTEMPTS):
            queued = self._queued.get(request.row, False)
            try:
                row = self.table.update(keys.send_slot_row(request.row), **_change(request, queued))
            except ConditionFailedError as failed:
                no_slot = _no_slot(failed.items[0] or {}, request)
                if no_slot is not None:
                    return no_slot
                self._queued[request.row] = not queued
            else:
                return int(row["next"]) - request.interval
        raise ThrottledError("the row of send slots changes too often")

    def allowance(self) -> SesLimits | None:
        item = self.table.get(keys.ses_limits()) or {}
        if "limits" not in item:
            return None
        at, rate, day, ends, rows = json.loads(item["limits"])
        return SesLimits(at, rate, day, None if ends is None else tuple(ends), rows)

    def may_ask(self, now: int, again_after: int) -> bool:
        try:
            self.table.update(
                keys.ses_limits(),
                expression="SET asked_at = :now",
                condition="attribute_not_exists(asked_at) OR asked_at <= :before",
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

    def note(self, limits: SesLimits) -> None:
        self.table.update(
            keys.ses_limits(),
            expression="SET limits = :limits",
            values={":limits": json.dumps(limits)},
        )


def _change(request: SlotRequest, queued: bool) -> dict[str, Any]:
    if queued:
        set_next, condition = "SET #next = #next + :interval", "#next BETWEEN :now AND :latest"
        values = {":interval": request.interval, ":now": request.now, ":latest": request.latest}
    else:
        set_next = "SET #next = :after"
        condition = "(attribute_not_exists(#next) OR #next < :now OR #next > :skew_limit)"
        values = {
            ":after": request.now + request.interval,
            ":now": request.now,
            ":skew_limit": request.nonsense,
        }
    names, removed, added = {"#next": "next"}, "", "taken :one"
    values[":one"] = 1
    if request.end is not None:
        condition += " AND (attribute_not_exists(taken) OR taken < :end)"
        values[":end"] = request.end
    if request.ramp is not None:
        condition += " AND (attribute_not_exists(#day) OR #day < :most)"
        values[":most"] = request.ramp.most
        past = {f"#past{number}": name for number, name in enumerate(_past(request.ramp))}
        names |= {"#day": _day(request.ramp), **past}
        added += ", #day :one"
        removed = f" REMOVE {', '.join(past)}"
    expression = f"{set_next}{removed} ADD {added}"
    return {"expression": expression, "condition": condition, "names": names, "values": values}


def _no_slot(row: Item, request: SlotRequest) -> NoSlot | None:
    """Why there is no slot; None if a request for the other state of the row may succeed."""
    if request.end is not None and row.get("taken", 0) >= request.end:
        return NoSlot("quota")
    if request.ramp is not None and row.get(_day(request.ramp), 0) >= request.ramp.most:
        return NoSlot("warm-up")
    if request.latest < row.get("next", 0) <= request.nonsense:
        return NoSlot("rate")
    return None


def _day(warm_up: WarmUpLimit) -> str:
    return f"sent#{warm_up.store}#{warm_up.day}"


def _past(warm_up: WarmUpLimit) -> list[str]:
    today = date.fromisoformat(warm_up.day)
    days = (today - timedelta(days=number) for number in range(1, FORGOTTEN + 1))
    return [_day(warm_up._replace(day=day.isoformat())) for day in days]
