"""Reads, writes and removes contacts in bulk, for imports."""

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from milepost.aws import keys
from milepost.aws.table import ConditionFailedError, Table, pack
from milepost.contacts.dynamodb.profile_item import profile_from_item
from milepost.contacts.dynamodb.timeline import event_from_item, event_item
from milepost.contacts.event import Event
from milepost.contacts.profile import Profile
from milepost.transfer.imports.ports import ImportedContact

if TYPE_CHECKING:
    from milepost.transfer.imports.ports import Identifier


STREAM_RETENTION = timedelta(days=2)
"""Longer than the stream can deliver a record again."""


@dataclass(frozen=True, slots=True)
class DynamoBulkContacts:
    """Implements `BulkContacts`. `retention` bounds events; `now` is real time, as in TTL."""

    table: Table
    retention: timedelta
    now: Callable[[], datetime]

    def owners(self, store: str, identifiers: Collection["Identifier"]) -> dict["Identifier", str]:
        wanted = {f"S#{store}#I#{kind}#{value}": (kind, value) for kind, value in identifiers}
        items = self.table.get_many([keys.identity(store, *pair) for pair in wanted.values()])
        return {wanted[item["pk"]]: item["contact"] for item in items}

    def profiles(self, store: str, contacts: Collection[str]) -> dict[str, Profile]:
        items = self.table.get_many([keys.profile(store, contact) for contact in contacts])
        found = ((keys.owner(item["pk"])[1], item) for item in items)
        return {contact: profile_from_item(store, contact, item) for contact, item in found}

    def keep(self, contact: str, event: Event) -> Event | None:
        try:
            self.table.put(event_item(contact, event, self.retention), "attribute_not_exists(pk)")
        except ConditionFailedError as refused:
            (item,) = refused.items
            return event_from_item(event.store, item) if item else event
        return None

    def link(self, store: str, contact: str, identifiers: Iterable["Identifier"]) -> None:
        for pair in identifiers:
            self.table.put_new(keys.identity(store, *pair) | pack({"contact": contact}))

    def unlink(self, store: str, contact: str, identifiers: Iterable["Identifier"]) -> None:
        for pair in identifiers:
            with suppress(ConditionFailedError):
                self.table.delete_if(
                    keys.identity(store, *pair),
                    "#contact = :contact",
                    {"#contact": "contact"},
                    {":contact": contact},
                )

    def life(self, store: str, contact: str) -> ImportedContact:
        profile, events, others = None, [], []
        for item in self.table.query(
            KeyConditionExpression="pk = :pk",
            ConsistentRead=True,
            values={":pk": keys.collection(store, contact)},
        ):
            if item["sk"] == "PROFILE":
                profile = profile_from_item(store, contact, item)
            elif item["sk"].startswith("EVENT#"):
                events.append(event_from_item(store, item))
            else:
                others.append(item["sk"])
        return ImportedContact(store, contact, profile, tuple(events), tuple(others))

    def forget(self, life: ImportedContact) -> bool:
        """One transaction, so that a contact is removed completely or not at all."""
        if life.profile is None:
            return False
        store, contact = life.store, life.contact
        removed = [keys.event(store, contact, e.name, e.occurred_at, e.id) for e in life.events]
        pk = keys.profile(store, contact)["pk"]
        removed += [{"pk": pk, "sk": {"S": other}} for other in life.others]
        known = [
            keys.identity(store, kind, value)
            for kind, values in life.profile.known_identifiers.items()
            for value in values
        ]
        if not life.is_short:
            return False
        applied = str(life.profile.last_sequence)
        empty = keys.profile(store, contact) | pack(
            {
                "last_sequence": applied,
                "expires_at": int((self.now() + STREAM_RETENTION).timestamp()),
            }
        )
        operations: list[dict[str, Any]] = [
            {
                "Put": {
                    "TableName": self.table.name,
                    "Item": empty,
                    "ConditionExpression": "last_sequence = :applied",
                    "ExpressionAttributeValues": pack({":applied": applied}),
                }
            },
            *({"Delete": {"TableName": self.table.name, "Key": key}} for key in removed),
            *(
                {
                    "Delete": {
                        "TableName": self.table.name,
                        "Key": key,
                        "ConditionExpression": "attribute_not_exists(pk) OR contact = :contact",
                        "ExpressionAttributeValues": pack({":contact": contact}),
                    }
                }
                for key in known
            ),
        ]
        try:
            self.table.transact_with_retry(operations)
        except ConditionFailedError:
            return False
        return True
