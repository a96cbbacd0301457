"""Merge two contacts: the profiles in one transaction, then the timeline in batches."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from milepost.aws import keys
from milepost.aws.table import ConditionFailedError, Table, pack
from milepost.contacts.dynamodb.profile_item import (
    ACTIVE_ENROLLMENTS,
    CONSENT,
    RECENT_SENDS,
    consent_value,
    presence_value,
    profile_change,
    profile_json,
    recent_sends_value,
)
from milepost.contacts.dynamodb.timeline import event_from_item, event_item
from milepost.contacts.event import Event, is_merge_request
from milepost.contacts.profile import Profile
from milepost.runtime.merging.rules import (
    MERGED_INTO_OTHER,
    OpenEnrollment,
    duplicate_corrected_event,
)

if TYPE_CHECKING:
    from milepost.contacts.ports import ReplayedEvent


PART = 200
"""Items in a batch; the cursor is saved after each."""
WRITERS = 8
_COPIED = ("CONSENT#", "EVENT#")


@dataclass(frozen=True, slots=True)
class DynamoMerging:
    """Implements `Merging`. `to_wire` turns business time into real time, for timers."""

    table: Table
    retention: timedelta
    to_wire: Callable[[datetime], datetime] = lambda instant: instant

    def reserve(self, store: str, loser: str, winner: str) -> list[OpenEnrollment]:
        stays = []
        for item in self._items(store, loser, "ENROLLMENT#"):
            ref = keys.enrollment_of(store, item.get("home", loser), item["sk"])
            own = ref._replace(id=item.get("home_id", ref.id), version=int(item["version"]))
            stay = OpenEnrollment(own, item.get("key", ""), item["event_id"])
            stays.append(stay)
            self.table.put_new(_reserved(item, stay, winner))
        return stays

    def merge_profiles(
        self,
        loser: Profile,
        tombstone: Profile,
        winner: Profile,
        after: Profile,
        topics: Sequence[str],
    ) -> bool:
        change = profile_change(winner, after, self.to_wire, loser.consent)
        change["expression"] += " ADD merging_from :loser"
        change["values"][":loser"] = {loser.contact}
        pointer = keys.merged_contact(loser.store, winner.contact, loser.contact)
        try:
            self.table.transact(
                [
                    {"Put": self._tombstone(loser, tombstone, topics)},
                    {
                        "Update": {
                            "Key": keys.profile(winner.store, winner.contact),
                            **self.table.update_arguments(**change),
                        }
                    },
                    {"Put": {"TableName": self.table.name, "Item": pointer}},
                ]
            )
        except ConditionFailedError:
            return False
        return True

    def _tombstone(
        self, loser: Profile, tombstone: Profile, topics: Sequence[str]
    ) -> dict[str, Any]:
        """Replace the loser's item, on condition that no other writer has changed it."""
        item = keys.profile(loser.store, loser.contact) | pack(
            {
                "profile": profile_json(tombstone),
                "last_sequence": str(tombstone.last_sequence),
                "merged_into": tombstone.merged_into,
                "merging": True,
                **{
                    ACTIVE_ENROLLMENTS + id_: presence_value(p)
                    for id_, p in tombstone.active_enrollments.items()
                },
            }
        )
        wanted: dict[str, Any] = {
            "last_sequence": str(loser.last_sequence) if loser.last_sequence else None,
            "moved_events": loser.moved_events or None,
            "merged_into": None,
            "merging_from": None,
            RECENT_SENDS: recent_sends_value(loser),
            **{CONSENT + topic: None for topic in topics},
            **{CONSENT + topic: consent_value(held) for topic, held in loser.consent.items()},
        }
        names = {
            f"#n{n}": name
            for n, name in enumerate((*wanted, *map(_inside, loser.active_enrollments)))
        }
        values = {f":v{n}": value for n, value in enumerate(wanted.values()) if value is not None}
        conditions = [
            f"#n{n} = :v{n}" if value is not None else f"attribute_not_exists(#n{n})"
            for n, value in enumerate(wanted.values())
        ]
        entered = range(len(wanted), len(names))
        conditions += [f"attribute_exists(#n{n})" for n in entered]
        return {
            "Item": item,
            **self.table.update_arguments("", " AND ".join(conditions), names, values),
        }

    def copy_timeline(self, loser: Profile, after: str) -> tuple[list[Event], str]:
        from concurrent.futures import ThreadPoolExecutor  # very few events merge contacts

        # Only now are the shared events of the batch before this one handled.
        place = after or self._saved_cursor(loser)
        if after:
            self._save_cursor(loser, after)
        for prefix in _COPIED:
            if place >= _end(prefix):
                continue
            found = self._items(loser.store, loser.contact, prefix, max(place, prefix))
            part = list(islice(found, PART))
            with ThreadPoolExecutor(WRITERS) as writers:
                shared = list(writers.map(lambda item: self._copy(loser, item), part))
            place = part[-1]["sk"] if len(part) == PART else _end(prefix)
            last = place == _end(_COPIED[-1])
            return [event for event in shared if event is not None], "" if last else place
        return [], ""

    def _copy(self, loser: Profile, item: Mapping[str, Any]) -> Event | None:
        """Copy one item; the event if the winner had it already."""
        kept = {name: value for name, value in item.items() if name not in ("pk", "copied")}
        copy: dict[str, Any] = {
            **kept,
            "pk": keys.collection(loser.store, loser.merged_into),
        }
        if not item["sk"].startswith("EVENT#"):
            self.table.put_new(pack(copy))
            return None
        event = event_from_item(loser.store, item)
        if is_merge_request(event):
            return None
        try:
            self.table.put(pack({**copy, "copied": loser.contact}), "attribute_not_exists(pk)")
        except ConditionFailedError as refused:
            held = refused.items[0] or {}
            return None if held.get("copied") == loser.contact else event
        return None

    def _saved_cursor(self, loser: Profile) -> str:
        item = self.table.get(keys.profile(loser.store, loser.contact)) or {}
        return str(item.get("copy_cursor", ""))

    def _save_cursor(self, loser: Profile, place: str) -> None:
        self.table.update(
            keys.profile(loser.store, loser.contact),
            expression="SET copy_cursor = :cursor",
            values={":cursor": place},
        )

    def finish_merge(self, loser: Profile) -> None:
        for item in self._items(loser.store, loser.contact, "MEMBER#"):
            self.table.delete({"pk": {"S": item["pk"]}, "sk": {"S": item["sk"]}})
        change = self.table.update_arguments(
            "DELETE merging_from :loser", values={":loser": {loser.contact}}
        )
        done = self.table.update_arguments("REMOVE merging, copy_cursor")
        self.table.transact_with_retry(
            [
                {"Update": {"Key": keys.profile(loser.store, loser.merged_into), **change}},
                {"Update": {"Key": keys.profile(loser.store, loser.contact), **done}},
            ]
        )

    def undo_double_count(self, winner: str, event: Event, loser: str) -> bool:
        note = duplicate_corrected_event(event, loser)
        wanted = [
            keys.event(event.store, winner, e.name, e.occurred_at, e.id) for e in (event, note)
        ]
        return any(
            item["name"] != event.name or item.get("copied") == loser
            for item in self.table.get_many(wanted)
        )

    def replay(self, contact: str, event: Event, again: "ReplayedEvent") -> bool:
        item = event_item(contact, event, self.retention)
        key = keys.replay_item(event.store, contact, item, again.mark)
        extra = pack(
            {
                "replay_reason": again.mark,
                "applied_sequence": str(again.follow) if again.follow else None,
            }
        )
        return self.table.put_new(item | key | extra)

    def move_misrouted(self, before: Profile, after: Profile, event: Event) -> bool:
        store, contact = after.store, after.contact
        change = self.table.update_arguments(**profile_change(before, after, self.to_wire))
        gone = keys.event(store, contact, event.name, event.occurred_at, event.id)
        try:
            self.table.transact(
                [
                    {"Update": {"Key": keys.profile(store, contact), **change}},
                    {"Delete": {"TableName": self.table.name, "Key": gone}},
                ]
            )
        except ConditionFailedError:
            return False
        return True

    def _items(self, store: str, contact: str, prefix: str, after: str = "") -> Any:
        """The items with a prefix, in order, after a sort key."""
        found = self.table.query(
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ConsistentRead=True,
            values={
                ":pk": keys.collection(store, contact),
                ":first": after or prefix,
                ":last": _end(prefix),
            },
        )
        return (item for item in found if item["sk"] != after)


def _end(prefix: str) -> str:
    """The first sort key after all keys with this prefix, in any script."""
    return f"{prefix[:-1]}{chr(ord(prefix[-1]) + 1)}"


def _inside(enrollment: str) -> str:
    return ACTIVE_ENROLLMENTS + enrollment


def _reserved(item: Mapping[str, Any], stay: OpenEnrollment, winner: str) -> dict[str, Any]:
    """The winner's item that prevents a second enrollment for the same; it is in no index."""
    own = stay.ref._replace(contact=winner, id=stay.at(winner))
    copied = "store workflow version state_machine_arn key event_id event_name since entered_at"
    return keys.enrollment(own) | pack(
        {
            **{name: item.get(name) for name in copied.split()},
            "status": "exited",
            "reason": MERGED_INTO_OTHER,
            "home": stay.ref.contact,
            "home_id": stay.ref.id,
        }
    )
