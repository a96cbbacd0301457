"""Every key of every table. One item collection holds everything about one contact."""

from datetime import datetime, timedelta
from typing import Any

from milepost.base import times
from milepost.base.names import EnrollmentRef, MessageRef

Key = dict[str, Any]

JOBS = "JOBS"
COUNTS = "COUNTS"
ERASED = "ERASED"
EXPORT = "EXPORT#"
TIMERS = "T#"
SHARDS = 8
"""Partitions of each index: DynamoDB takes 1,000 writes a second for one key."""
TIMER_ATTRIBUTES = "timer_bucket, timer_due, kind"
"""The attributes to remove from a message to take it out of the index `timers`."""


def _key(pk: str, sk: str) -> Key:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def collection(store: str, contact: str) -> str:
    return f"S#{store}#C#{contact}"


def owner(pk: str) -> tuple[str, str]:
    """The store and the contact of a collection."""
    _, store, _, contact = pk.split("#")
    return store, contact


def profile(store: str, contact: str) -> Key:
    return _key(collection(store, contact), "PROFILE")


def event(store: str, contact: str, name: str, at: datetime, event_id: str) -> Key:
    return _key(collection(store, contact), f"EVENT#{name}#{times.format_instant(at)}#{event_id}")


def replay_item(store: str, contact: str, event: Key, mark: str) -> Key:
    """The request to apply an event again; `event` is the event's key."""
    return _key(
        collection(store, contact), f"REPLAY#{event['sk']['S'].removeprefix('EVENT#')}#{mark}"
    )


def dead_letter(store: str, contact: str, position: int) -> Key:
    """A quarantined record of the stream."""
    return _key(collection(store, contact), f"DEADLETTER#{position}")


def merged_contact(store: str, winner: str, loser: str) -> Key:
    """A contact that was merged into another; its own items stay in its collection."""
    return _key(collection(store, winner), f"MERGED#{loser}")


def consent(store: str, contact: str, at: datetime, event_id: str, topic: str) -> Key:
    return _key(
        collection(store, contact), f"CONSENT#{times.format_instant(at)}#{event_id}#{topic}"
    )


def enrollment(ref: EnrollmentRef) -> Key:
    return _key(collection(ref.store, ref.contact), f"ENROLLMENT#{ref.workflow}#{ref.id}")


def enrollment_of(store: str, contact: str, sk: str) -> EnrollmentRef:
    """The enrollment that an item's key names. Keys have no version, so it is 0."""
    _, workflow, id_ = sk.split("#")
    return EnrollmentRef(store, contact, workflow, 0, id_)


def trigger(ref: EnrollmentRef) -> Key:
    return _key(collection(ref.store, ref.contact), f"TRIGGER#{ref.id}")


def message(ref: MessageRef) -> Key:
    return _key(collection(ref.store, ref.contact), f"MESSAGE#{ref.id}")


def wait(ref: EnrollmentRef, event_name: str, step: str) -> Key:
    return _key(collection(ref.store, ref.contact), f"WAIT#{event_name}#{ref.id}#{step}")


def erased(store: str, contact: str) -> Key:
    """The tombstone of an erased contact; events dated before it are ignored."""
    return _key(collection(store, contact), ERASED)


def export(store: str, contact: str, request_id: str) -> Key:
    return _key(collection(store, contact), f"{EXPORT}{request_id}")


def request(store: str, request_id: str) -> Key:
    """An export or an erasure request, and later its proof."""
    return _key(f"S#{store}#R#{request_id}", "REQUEST")


def identity(store: str, kind: str, value: str) -> Key:
    return _key(f"S#{store}#I#{kind}#{value}", "IDENTITY")


def suppression(store: str, address_hash: str) -> Key:
    return _key(f"S#{store}#X#{address_hash}", "SUPPRESSION")


def dedupe(store: str, source: str, event_id: str) -> Key:
    return _key(f"S#{store}#DEDUPE#{source}#{event_id}", "SEEN")


def visitor_limit(store: str, key: str) -> Key:
    return _key(f"S#{store}#LIMIT#{key}", "COUNT")


def probe(name: str) -> Key:
    """The delivery event of a test e-mail of `milepost doctor`; it has no store and no contact."""
    return _key(f"PROBE#{name}", "PROBE")


def store_item(store: str, sk: str) -> Key:
    """An item of the workflows table."""
    return _key(f"S#{store}", sk)


def reputation_hour(store: str, count: str, hour: datetime | None) -> Key:
    """One hour of a store's marketing count. Without an hour, the key sorts after all of them."""
    sort = "~" if hour is None else f"{hour:%Y-%m-%dT%H}"
    return _key(f"S#{store}#REPUTATION", f"{count}#{sort}")


def transfer(store: str, kind: str, id_: str) -> Key:
    """The progress of an import or an export, in the workflows table."""
    return _key(f"S#{store}", f"{kind}#{id_}")


def job(sk: str) -> Key:
    """A job, in the workflows table."""
    return _key(JOBS, sk)


def count_job(due: datetime, store: str, workflow: str) -> Key:
    """A workflow to count, in the workflows table, sorted by due time."""
    return _key(COUNTS, f"{times.format_instant(due)}#{store}#{workflow}")


def counted(store: str, workflow: str) -> Key:
    """The time of a workflow's last count, in the workflows table."""
    return _key(f"S#{store}", f"COUNTED#{workflow}")


def send_slot_row(number: int) -> Key:
    """A row of send slots, in the workflows table. Every row is hot and has its own key."""
    return _key(f"SENDRATE#{number}", "SHARD")


def send_slot_row_number(pk: str) -> int:
    return int(pk.removeprefix("SENDRATE#"))


def ses_limits() -> Key:
    """The last known sending limits of SES, in the workflows table."""
    return _key("SESLIMITS", "SESLIMITS")


def shard(contact: str) -> int:
    return int(contact[-4:], 16) % SHARDS


def run_bucket(store: str, workflow: str, number: int) -> str:
    return f"S#{store}#W#{workflow}#{number}"


def paused_bucket(store: str, workflow: str, number: int) -> str:
    return f"PAUSED#{store}#{workflow}#{number}"


def member_bucket(store: str, kind: str, name: str, number: int) -> str:
    return f"S#{store}#M#{kind}#{name}#{number}"


def member(store: str, contact: str, kind: str, name: str) -> Key:
    """The item of a membership; for `all` contacts it is the profile."""
    sort = f"MEMBER#{kind}#{name}" if kind != "all" else "PROFILE"
    return _key(collection(store, contact), sort)


def timer_bucket(due: datetime, number: int) -> str:
    return f"{TIMERS}{due:%Y-%m-%dT%H}#{number}"


def hours(first: datetime, last: datetime) -> list[datetime]:
    """The hours from that of `first` to that of `last`."""
    start, hour = first.replace(minute=0, second=0, microsecond=0), timedelta(hours=1)
    return [start + n * hour for n in range((last - start) // hour + 1)]
