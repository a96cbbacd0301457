"""Due timers, read from the index `timers`."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from milepost.aws import keys
from milepost.aws.table import ConditionFailedError, Item, Table
from milepost.base import times
from milepost.base.names import ContactRef, EnrollmentRef, MessageRef
from milepost.runtime.ports import OverdueMessage
from milepost.sending.dynamodb.ledger import remove_recent_send

CURSOR = {"pk": {"S": "TIMERS"}, "sk": {"S": "CURSOR"}}
INITIAL_LOOKBACK = timedelta(days=1)
MAX_RETRY_DELAY = timedelta(hours=1)
"""How long a failing timer is retried every minute."""
RETRY_DELAY = timedelta(minutes=15)
"""The delay between later retries."""
INDEX_SETTLE_TIME = timedelta(hours=2)
"""An hour this old gets no new timers, because no timer is set in the past."""


@dataclass(frozen=True, slots=True)
class DynamoTimers:
    """Implements `Timers`. All instants here are in real time."""

    table: Table

    def due(self, now: datetime) -> Iterator[OverdueMessage | EnrollmentRef | ContactRef]:
        for hour in keys.hours(self._oldest(now), now):
            for number in range(keys.SHARDS):
                for item in self.table.query(
                    IndexName="timers",
                    KeyConditionExpression="timer_bucket = :bucket AND timer_due <= :now",
                    values={
                        ":bucket": keys.timer_bucket(hour, number),
                        ":now": times.format_instant(now),
                    },
                ):
                    overdue = self._read(item["pk"], item["sk"])
                    if overdue is not None:
                        yield overdue

    def paused(
        self, store: str, workflow: str, after: str = ""
    ) -> Iterator[tuple[str, EnrollmentRef]]:
        first, *rest = after.split(" ") if after else ("0",)
        for number in range(int(first), keys.SHARDS):
            bucket, start = keys.paused_bucket(store, workflow, number), dict[str, Any]()
            if rest:
                due, contact, id_ = rest
                place = keys.enrollment(EnrollmentRef(store, contact, workflow, 0, id_))
                place |= {"timer_bucket": {"S": bucket}, "timer_due": {"S": due}}
                start, rest = {"ExclusiveStartKey": place}, []
            for item in self.table.query(
                IndexName="timers",
                KeyConditionExpression="timer_bucket = :bucket",
                values={":bucket": bucket},
                **start,
            ):
                ref = keys.enrollment_of(*keys.owner(item["pk"]), item["sk"])
                yield f"{number} {item['timer_due']} {ref.contact} {ref.id}", ref

    def done_before(self, now: datetime) -> None:
        """Record that everything due until two hours ago is done."""
        self.table.update(
            CURSOR,
            expression="SET #hour = :hour",
            names={"#hour": "hour"},
            values={":hour": times.format_instant(now - INDEX_SETTLE_TIME)},
        )

    def put_off(self, ref: MessageRef | EnrollmentRef | ContactRef, now: datetime) -> None:
        later = now + RETRY_DELAY
        with suppress(ConditionFailedError):  # done, rescheduled, or not that late
            self.table.update(
                _key(ref),
                expression="SET timer_bucket = :bucket, timer_due = :later",
                condition="timer_due <= :long_ago AND begins_with(timer_bucket, :due)",
                values={
                    ":bucket": keys.timer_bucket(later, keys.shard(ref.contact)),
                    ":later": times.format_instant(later),
                    ":long_ago": times.format_instant(now - MAX_RETRY_DELAY),
                    ":due": keys.TIMERS,
                },
            )

    def give_up(self, ref: MessageRef, at: datetime) -> bool:
        open_, busy = ("#status IN (:claimed, :unknown)", "#status = :throttled")
        if self._abandon(ref, at, "unknown", open_):
            return True
        failed = self._abandon(ref, at, "failed", busy)
        if failed:  # SES did not accept it, so it does not count for caps, unless claimed again
            claimed_at = times.parse_instant(failed["decided_at"])
            remove_recent_send(self.table, ref, ref.contact, claimed_at)
        return bool(failed)

    def _abandon(self, ref: MessageRef, at: datetime, status: str, condition: str) -> Item:
        """The message before it was abandoned; empty if the condition failed."""
        named = {f":{name}": name for name in ("claimed", "unknown", "throttled")}
        try:
            return self.table.update(
                keys.message(ref),
                expression=(
                    f"SET #status = :status, abandoned_at = :at REMOVE {keys.TIMER_ATTRIBUTES}"
                ),
                condition=condition,
                names={"#status": "status"},
                values={
                    **{place: name for place, name in named.items() if place in condition},
                    ":status": status,
                    ":at": times.format_instant(at),
                },
            )
        except ConditionFailedError:
            return {}

    def _oldest(self, now: datetime) -> datetime:
        cursor = self.table.get(CURSOR)
        return times.parse_instant(cursor["hour"]) if cursor else now - INITIAL_LOOKBACK

    def _read(self, pk: str, sk: str) -> OverdueMessage | EnrollmentRef | ContactRef | None:
        if sk == "PROFILE":
            return ContactRef(*keys.owner(pk))
        if sk.startswith("ENROLLMENT#"):
            return keys.enrollment_of(*keys.owner(pk), sk)
        item = self.table.get({"pk": {"S": pk}, "sk": {"S": sk}})
        if item is None or "timer_due" not in item:
            return None  # settled since the index was read
        ref = MessageRef(*keys.owner(pk), sk.removeprefix("MESSAGE#"))
        return OverdueMessage(
            message=ref,
            enrollment=EnrollmentRef.of_message(ref, item),
            step=item["step"],
            block_seq=int(item["block_seq"]),
            category=item["category"],
            attempts=int(item["attempts"]),
        )


def _key(ref: MessageRef | EnrollmentRef | ContactRef) -> keys.Key:
    if isinstance(ref, MessageRef):
        return keys.message(ref)
    return keys.enrollment(ref) if isinstance(ref, EnrollmentRef) else keys.profile(*ref)
