"""The rows of tokens that all workers share, each under a key of its own."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from milepost.aws import keys
from milepost.aws.table import Item, Refused, Table
from milepost.base.errors import Busy
from milepost.sending.rate_limit import MOST_ROWS, Allowance, NoToken, Ramp, Wish

TRIES = 4
"""A row that others change meanwhile is asked again."""

FORGOTTEN = 7
"""Days of a warm-up, before this one, whose counts are taken off a row with every new one."""


@dataclass(slots=True)
class DynamoTokens:
    """Implements `Tokens`, in the workflows table.

    A row that was free is likely to be free again, and one that had a queue to have one: a worker
    asks for what it found last time first, so that one request is enough while nothing changes.
    """

    table: Table
    _queued: dict[int, bool] = field(default_factory=dict)

    def take(self, wish: Wish) -> int | NoToken:
        for _ in range(TRIES):
            queued = self._queued.get(wish.row, False)
            try:
                row = self.table.update(keys.token_row(wish.row), **_change(wish, queued))
            except Refused as refused:
                why = _why_not(refused.items[0] or {}, wish)
                if why is not None:
                    return why
                self._queued[wish.row] = not queued
            else:
                return int(row["next"]) - wish.interval
        raise Busy("the row of tokens changes all the time")

    def allowance(self) -> Allowance | None:
        item = self.table.get(keys.allowance()) or {}
        if "said" not in item:
            return None
        at, rate, day, ends, rows = json.loads(item["said"])
        return Allowance(at, rate, day, None if ends is None else tuple(ends), rows)

    def may_ask(self, now: int, again_after: int) -> bool:
        try:
            self.table.update(
                keys.allowance(),
                expression="SET asked = :now",
                condition="attribute_not_exists(asked) OR asked <= :before",
                values={":now": now, ":before": again_after},
            )
        except Refused:
            return False
        return True

    def taken(self) -> Sequence[int]:
        rows = self.table.get_many([keys.token_row(row) for row in range(MOST_ROWS)])
        counts = [0] * MOST_ROWS
        for item in rows:
            counts[keys.row_of(item["pk"])] = int(item["taken"])
        return counts

    def note(self, allowance: Allowance) -> None:
        self.table.update(
            keys.allowance(), expression="SET said = :said", values={":said": json.dumps(allowance)}
        )


def _change(wish: Wish, queued: bool) -> dict[str, Any]:
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


def _why_not(row: Item, wish: Wish) -> NoToken | None:
    """Why there is no token at all; None if there may be one when it is asked for otherwise."""
    if wish.end is not None and row.get("taken", 0) >= wish.end:
        return NoToken("quota")
    if wish.ramp is not None and row.get(_day(wish.ramp), 0) >= wish.ramp.most:
        return NoToken("warm-up")
    if wish.latest < row.get("next", 0) <= wish.nonsense:
        return NoToken("rate")
    return None


def _day(ramp: Ramp) -> str:
    return f"sent#{ramp.store}#{ramp.day}"


def _past(ramp: Ramp) -> list[str]:
    today = date.fromisoformat(ramp.day)
    days = (today - timedelta(days=number) for number in range(1, FORGOTTEN + 1))
    return [_day(ramp._replace(day=day.isoformat())) for day in days]
