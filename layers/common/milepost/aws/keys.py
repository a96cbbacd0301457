"""Every key of every table, in one place. One item collection holds one contact's whole life."""

from datetime import datetime, timedelta
from typing import Any

from milepost.base import instants
from milepost.base.refs import EnrollmentRef, MessageRef

Key = dict[str, Any]

JOBS = "JOBS"
COUNTS = "COUNTS"
ERASED = "ERASED"
EXPORT = "EXPORT#"
TIMERS = "T#"
SHARDS = 8
"""How many ways the indexes are spread: DynamoDB takes 1,000 writes a second on one key."""
TIMER_ATTRIBUTES = "timer_bucket, timer_due, kind"
"""What a message is taken out of the index of due times with."""


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
    return _key(
        collection(store, contact), f"EVENT#{name}#{instants.format_instant(at)}#{event_id}"
    )


def replay_item(store: str, contact: str, event: Key, mark: str) -> Key:
    """Where it is asked to apply an event once more, whose own key is given."""
    return _key(
        collection(store, contact), f"REPLAY#{event['sk']['S'].removeprefix('EVENT#')}#{mark}"
    )


def dead_letter(store: str, contact: str, position: int) -> Key:
    """A record of the stream that could not be applied."""
    return _key(collection(store, contact), f"DEADLETTER#{position}")


def merged_contact(store: str, winner: str, loser: str) -> Key:
    """Which contacts have been merged into one: what they were lies in their collections still."""
    return _key(collection(store, winner), f"MERGED#{loser}")


def consent(store: str, contact: str, at: datetime, event_id: str, topic: str) -> Key:
    return _key(
        collection(store, contact), f"CONSENT#{instants.format_instant(at)}#{event_id}#{topic}"
    )


def enrollment(ref: EnrollmentRef) -> Key:
    return _key(collection(ref.store, ref.contact), f"ENROLLMENT#{ref.workflow}#{ref.id}")


def enrollment_of(store: str, contact: str, sk: str) -> EnrollmentRef:
    """The enrollment that an item's key names; of version 0, for keys do not say which."""
    _, workflow, id_ = sk.split("#")
    return EnrollmentRef(store, contact, workflow, 0, id_)


def trigger(ref: EnrollmentRef) -> Key:
    return _key(collection(ref.store, ref.contact), f"TRIGGER#{ref.id}")


def message(ref: MessageRef) -> Key:
    return _key(collection(ref.store, ref.contact), f"MESSAGE#{ref.id}")


def wait(ref: EnrollmentRef, event_name: str, step: str) -> Key:
    return _key(collection(ref.store, ref.contact), f"WAIT#{event_name}#{ref.id}#{step}")


def erased(store: str, contact: str) -> Key:
    """What an erasure leaves where a contact was: since when its past is nobody's business."""
    return _key(collection(store, contact), ERASED)


def export(store: str, contact: str, request_id: str) -> Key:
    return _key(collection(store, contact), f"{EXPORT}{request_id}")


def request(store: str, request_id: str) -> Key:
    """An export or an erasure, and what is left of it as proof."""
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
    """What came back of a test mail of the doctor's, which is about no store and no contact."""
    return _key(f"PROBE#{name}", "PROBE")


def store_item(store: str, sk: str) -> Key:
    """An item of the workflows table."""
    return _key(f"S#{store}", sk)


def reputation_hour(store: str, count: str, hour: datetime | None) -> Key:
    """An hour of a count of a store's marketing; without an hour, what comes after all of them."""
    place = "~" if hour is None else f"{hour:%Y-%m-%dT%H}"
    return _key(f"S#{store}#REPUTATION", f"{count}#{place}")


def transfer(store: str, kind: str, id_: str) -> Key:
    """How far an import or an export has come, in the workflows table."""
    return _key(f"S#{store}", f"{kind}#{id_}")


def job(sk: str) -> Key:
    """A work that was set going, in the workflows table."""
    return _key(JOBS, sk)


def count_job(due: datetime, store: str, workflow: str) -> Key:
    """A workflow to be counted, in the workflows table: the first that is due comes first."""
    return _key(COUNTS, f"{instants.format_instant(due)}#{store}#{workflow}")


def counted(store: str, workflow: str) -> Key:
    """When a workflow was last counted, in the workflows table."""
    return _key(f"S#{store}", f"COUNTED#{workflow}")


def send_slot_row(number: int) -> Key:
    """A row of tokens, in the workflows table: each is a key of its own, for all are hot."""
    return _key(f"SENDRATE#{number}", "SHARD")


def send_slot_row_number(pk: str) -> int:
    return int(pk.removeprefix("SENDRATE#"))


def ses_limits() -> Key:
    """What SES said last that may be sent, in the workflows table."""
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
    """Where a membership is kept; that of all contacts is the profile itself."""
    sort = f"MEMBER#{kind}#{name}" if kind != "all" else "PROFILE"
    return _key(collection(store, contact), sort)


def timer_bucket(due: datetime, number: int) -> str:
    return f"{TIMERS}{due:%Y-%m-%dT%H}#{number}"


def hours(first: datetime, last: datetime) -> list[datetime]:
    """The hours from the one `first` is in to the one `last` is in."""
    hour = first.replace(minute=0, second=0, microsecond=0)
    found = []
    while hour <= last:
        found.append(hour)
        hour += timedelta(hours=1)
    return found
