"""Deletes contacts from DynamoDB and stores privacy requests."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from milepost.aws import keys
from milepost.aws.table import ConditionFailedError, Item, Table, pack
from milepost.base import times
from milepost.base.names import EnrollmentRef
from milepost.contacts.dynamodb.profile_item import profile_from_item
from milepost.contacts.event import IdentifierKind, decode_body
from milepost.privacy.request import SEGMENTS, DeletionBatch, PrivacyRequest

MAX_PER_TRANSACTION = 25
"""Items in a batch. A transaction can have 100 parts and touch 4 MB."""

MAX_BYTES = 2 * 1024 * 1024

Name = tuple[IdentifierKind, str]


@dataclass(frozen=True, slots=True)
class DynamoContactDeletion:
    """Implements `ContactDeletion`. `retention` is how long a contact stays closed.

    `_scan_positions` keeps how far each segment of a store erasure has been scanned, so that the
    table is not scanned again for every batch.
    """

    table: Table
    retention: timedelta
    _scan_positions: dict[tuple[str, int], Item] = field(default_factory=dict)

    def close(self, store: str, contact: str, at: datetime) -> None:
        until = int((at + self.retention).timestamp())
        self.table.put(
            keys.erased(store, contact)
            | pack({"at": times.format_instant(at), "expires_at": until})
        )

    def next_batch(self, store: str, contact: str) -> DeletionBatch | None:
        profile = self.table.get(keys.profile(store, contact))
        if profile is not None:
            return _profile(store, contact, profile)
        found = self.table.query(
            KeyConditionExpression="pk = :pk",
            values={":pk": keys.collection(store, contact)},
            ConsistentRead=True,
            Limit=MAX_PER_TRANSACTION + 1,
        )
        return self._batch(item for item in found if item["sk"] != keys.ERASED)

    def unshared_identifiers(
        self, store: str, contacts: Sequence[str], identifiers: Iterable[Name]
    ) -> list[Name]:
        wanted = {keys.identity(store, *name)["pk"]["S"]: name for name in identifiers}
        found = self.table.get_many([keys.identity(store, *name) for name in wanted.values()])
        others = {item["pk"] for item in found if item["contact"] not in contacts}
        return [name for pk, name in wanted.items() if pk not in others]

    def remove(self, request: PrivacyRequest, piece: DeletionBatch, own: Sequence[Name]) -> None:
        """Remove a batch. Identities go before the events that name them, so that a retry can still
        find them."""
        named = self.table.get_many([keys.identity(request.store, *name) for name in own])
        identities = [_key(item) for item in named if item["contact"] in request.contacts]
        for start in range(0, len(identities), MAX_PER_TRANSACTION):
            self._delete(request, identities[start : start + MAX_PER_TRANSACTION])
        self._delete(request, piece.handles)

    def store_piece(self, store: str, segment: int) -> DeletionBatch | None:
        position = (store, segment)
        while True:
            start = self._scan_positions.get(position)  # nothing is left before it
            items, _, after = self.table.scan(
                start,
                FilterExpression="begins_with(pk, :store) "
                "AND NOT begins_with(pk, :suppression) AND NOT begins_with(pk, :request)",
                values={
                    ":store": f"S#{store}#",
                    ":suppression": keys.suppression(store, "")["pk"]["S"],
                    ":request": keys.request(store, "")["pk"]["S"],
                },
                ConsistentRead=True,
                Segment=segment,
                TotalSegments=SEGMENTS,
            )
            batch = self._batch(iter(items))
            if batch is not None:
                return batch
            if after is None:
                self._scan_positions.pop(position, None)
                return None
            self._scan_positions[position] = after

    def remove_of_store(self, request: PrivacyRequest, piece: DeletionBatch) -> None:
        self._delete(request, piece.handles)

    def _batch(self, found: Iterator[Item]) -> DeletionBatch | None:
        items = list(_bounded(islice(found, MAX_PER_TRANSACTION)))
        if not items:
            return None
        events = [(keys.owner(i["pk"])[0], i) for i in items if i["sk"].startswith("EVENT#")]
        seen = {_key_pair(k): k for k in (keys.dedupe(s, i["source"], i["id"]) for s, i in events)}
        known = self.table.get_many(list(seen.values())) if seen else []
        handles = {(i["pk"], i["sk"]): _key(i) for i in (*items, *known)}
        named = [name for _, i in events for name in decode_body(i["body"])[0].items()]
        return DeletionBatch(
            handles=tuple(handles.values()),
            running=tuple(_running(items)),
            exports=tuple(
                i["sk"].removeprefix(keys.EXPORT) for i in items if i["sk"].startswith(keys.EXPORT)
            ),
            identifiers=tuple(dict.fromkeys(named)),
        )

    def _delete(self, request: PrivacyRequest, gone: Sequence[Mapping[str, Any]]) -> None:
        """Delete items and count them in one transaction.

        If an item is already gone (expired, or deleted by the same request in another process),
        nothing is written, and the caller reads the remaining items again.
        """
        exists = self.table.update_arguments("", "attribute_exists(pk)")
        counted = self.table.update_arguments(
            "ADD #items :n", "attribute_exists(pk)", {"#items": "items"}, {":n": len(gone)}
        )
        with suppress(ConditionFailedError):
            self.table.transact_with_retry(
                [
                    *({"Delete": {"Key": key, **exists}} for key in gone),
                    {"Update": {"Key": keys.request(request.store, request.id), **counted}},
                ]
            )


def _bounded(items: Iterable[Item]) -> Iterator[Item]:
    size = 0
    for item in items:
        size += len(str(item))
        yield item
        if size > MAX_BYTES:
            return


def _profile(store: str, contact: str, item: Item) -> DeletionBatch:
    profile = profile_from_item(store, contact, item)
    return DeletionBatch(
        handles=(_key(item),),
        running=tuple(
            (p.ref(store, contact, id_), 0) for id_, p in profile.active_enrollments.items()
        ),
        identifiers=profile.names(),
    )


def _running(items: Iterable[Item]) -> Iterator[tuple[EnrollmentRef, int]]:
    for item in items:
        if item["sk"].startswith("ENROLLMENT#") and item.get("status") == "active":
            ref = keys.enrollment_of(*keys.owner(item["pk"]), item["sk"])
            yield ref._replace(version=int(item["version"])), int(item.get("execution_no", 0))


def _key(item: Mapping[str, Any]) -> dict[str, Any]:
    return {"pk": {"S": item["pk"]}, "sk": {"S": item["sk"]}}


def _key_pair(key: Mapping[str, Any]) -> tuple[str, str]:
    return key["pk"]["S"], key["sk"]["S"]


@dataclass(frozen=True, slots=True)
class DynamoPrivacyRequests:
    """Implements `PrivacyRequestStore`."""

    table: Table

    def open(self, request: PrivacyRequest) -> PrivacyRequest:
        new = keys.request(request.store, request.id) | pack(
            {
                "kind": request.kind,
                "contacts": list(request.contacts),
                "asked_at": times.format_instant(request.asked_at),
                "since": times.format_instant(request.since),
                "origin": request.origin,
                "status": request.status,
                "segment": request.segment,
                "items": request.items,
            }
        )
        if self.table.put_new(new):
            return request
        return self.get(request.store, request.id) or request

    def get(self, store: str, id_: str) -> PrivacyRequest | None:
        item = self.table.get(keys.request(store, id_))
        if item is None:
            return None
        return PrivacyRequest(
            store=store,
            id=id_,
            kind=item["kind"],
            contacts=tuple(item.get("contacts", ())),
            asked_at=times.parse_instant(item["asked_at"]),
            since=times.parse_instant(item["since"]),
            origin=item["origin"],
            status=item["status"],
            segment=int(item["segment"]),
            items=int(item["items"]),
            done_at=times.parse_instant(item["done_at"]) if "done_at" in item else None,
        )

    def note_export(self, request: PrivacyRequest, contact: str, until: datetime) -> None:
        self.table.put(
            keys.export(request.store, contact, request.id)
            | pack({"until": times.format_instant(until), "expires_at": int(until.timestamp())})
        )

    def advance(self, request: PrivacyRequest) -> None:
        done = request.done_at
        change = "SET #status = :status, since = :since, #segment = :segment"
        values: dict[str, Any] = {
            ":status": request.status,
            ":since": times.format_instant(request.since),
            ":segment": request.segment,
        }
        if done is None:
            change += ", contacts = :contacts"
            values[":contacts"] = list(request.contacts)
        else:
            change += ", done_at = :done REMOVE contacts"
            values[":done"] = times.format_instant(done)
        self.table.update(
            keys.request(request.store, request.id),
            expression=change,
            names={"#status": "status", "#segment": "segment"},
            values=values,
        )

    def count(self, request: PrivacyRequest, items: int) -> None:
        self.table.update(
            keys.request(request.store, request.id),
            expression="SET #items = :n",
            names={"#items": "items"},
            values={":n": items},
        )
