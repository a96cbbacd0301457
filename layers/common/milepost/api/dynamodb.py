"""All records of one contact, read from its item collection."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from typing import TYPE_CHECKING, Any

from milepost.api.pages import PageRecord
from milepost.api.records import RecordScope, Suppression, message_record, plain
from milepost.aws import keys
from milepost.aws.table import Item, Table
from milepost.base import times
from milepost.base.addresses import address_hash
from milepost.contacts.dynamodb.timeline import event_from_item
from milepost.contacts.event import Event

if TYPE_CHECKING:
    from milepost.enrollments.enrollment import Enrollment


_PROOF = (
    "topic",
    "state",
    "at",
    "has_timestamp",
    "method",
    "source",
    "consent_text",
    "ip",
    "user_agent",
    "event",
)

_KNOWN_KINDS = ("PROFILE", "EVENT", "CONSENT", "ENROLLMENT", "TRIGGER", "MESSAGE", keys.ERASED)
_INTERNAL = ("pk", "expires_at", "registered_wait", "timer_bucket", "run_bucket", "member_bucket")


@dataclass(frozen=True, slots=True)
class DynamoContactRecords:
    """Implements `ContactRecords`."""

    table: Table

    def events(self, store: str, contact: str, view: RecordScope) -> Iterator[Event]:
        """Keys sort by event name first, so all names are merged: two reads for each name."""
        collection = keys.collection(store, contact)
        names = [view.name] if view.name else self._names(collection)
        found = [self._of_name(collection, name, view) for name in names]
        now = view.now.timestamp()
        for item in merge(*found, key=lambda item: str(item["at"]), reverse=True):
            if item.get("expires_at", now + 1) > now:
                yield event_from_item(store, item)

    def _names(self, collection: str) -> Iterator[str]:
        """The event names of a timeline, backward; each takes one read."""
        last = self._last(collection, "EVENT$")
        while last is not None:
            yield last
            last = self._last(collection, f"EVENT#{last}#")

    def _last(self, collection: str, before: str) -> str | None:
        items = self.table.query(
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :before",
            values={":pk": collection, ":first": "EVENT#", ":before": before},
            ScanIndexForward=False,
            Limit=1,
        )
        item = next(items, None)
        return str(item["name"]) if item else None

    def _of_name(self, collection: str, name: str, view: RecordScope) -> Iterator[Item]:
        since = times.format_instant(view.since) if view.since else ""
        # "$" sorts after "#": the bound is behind all events of that instant.
        until = f"{times.format_instant(view.until)}$" if view.until else "~"
        if since > until:
            return iter(())
        return self.table.query(
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            values={
                ":pk": collection,
                ":first": f"EVENT#{name}#{since}",
                ":last": f"EVENT#{name}#{until}",
            },
            ScanIndexForward=False,
            Limit=view.size + 1,
        )

    def proofs(self, store: str, contact: str) -> list[PageRecord]:
        return [
            PageRecord(
                times.parse_instant(item["at"]),
                item["sk"],
                {name: item.get(name) for name in _PROOF},
            )
            for item in self._part(store, contact, "CONSENT#")
        ]

    def enrollments(self, store: str, contact: str) -> "list[Enrollment]":
        # Imported here because only this call needs it, and every cold start would pay for it.
        from milepost.enrollments.dynamodb.enrollment_item import enrollment_from_item

        triggers = {item["sk"]: item for item in self._part(store, contact, "TRIGGER#")}
        found = []
        for item in self._part(store, contact, "ENROLLMENT#"):
            ref = keys.enrollment_of(store, contact, item["sk"])
            trigger = triggers.get(keys.trigger(ref)["sk"]["S"], {"data": "{}"})
            if "status" in item:
                found.append(enrollment_from_item(ref, item, trigger))
        return found

    def messages(self, store: str, contact: str) -> list[PageRecord]:
        found = []
        for item in self._part(store, contact, "MESSAGE#"):
            id_ = item["sk"].removeprefix("MESSAGE#")
            if "decided_at" in item:
                found.append(
                    PageRecord(
                        times.parse_instant(item["decided_at"]), id_, message_record(id_, item)
                    )
                )
        return found

    def suppressions(self, store: str, emails: Sequence[str]) -> dict[str, Suppression]:
        hashes = {keys.suppression(store, address_hash(e))["pk"]["S"]: e for e in emails}
        wanted = [keys.suppression(store, address_hash(email)) for email in emails]
        return {
            hashes[item["pk"]]: Suppression(item["reason"], item["at"])
            for item in self.table.get_many(wanted)
        }

    def others(self, store: str, contact: str) -> Iterator[dict[str, Any]]:
        """All items of kinds that this module does not know."""
        found = self.table.query(
            KeyConditionExpression="pk = :pk", values={":pk": keys.collection(store, contact)}
        )
        for item in found:
            kind = item["sk"].partition("#")[0]
            if kind not in _KNOWN_KINDS:
                visible = {n: v for n, v in item.items() if n not in _INTERNAL}
                yield {"kind": kind.lower(), **plain(visible)}

    def _part(self, store: str, contact: str, prefix: str) -> Iterator[dict[str, Any]]:
        return self.table.query(
            KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
            values={":pk": keys.collection(store, contact), ":prefix": prefix},
        )
