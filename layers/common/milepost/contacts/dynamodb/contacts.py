"""Profiles, identities, the consent log and suppressions in DynamoDB."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from milepost.aws import keys
from milepost.aws.table import ConditionFailedError, Table, pack
from milepost.base import times
from milepost.base.addresses import ERASED
from milepost.contacts.dynamodb.profile_item import (
    CONSENT,
    consent_value,
    profile_change,
    profile_from_item,
)
from milepost.contacts.dynamodb.timeline import event_item
from milepost.contacts.event import ConsentEvidence, Event, IdentifierKind, claimable_identifiers
from milepost.contacts.profile import PERMANENT_IDENTIFIERS, Profile, withdrawal

MAX_TOPICS = 90
"""Topics that one transaction withdraws. It may have 100 parts, and each topic has a log entry."""


@dataclass(frozen=True, slots=True)
class DynamoContacts:
    """Implements `Contacts`. `retention` applies to events and to identities of orders and carts.

    `to_wire` turns a business instant into a real one, for timers.
    """

    table: Table
    retention: timedelta
    to_wire: Callable[[datetime], datetime] = lambda instant: instant

    def profile(self, store: str, contact: str) -> Profile | None:
        found = self.get_even_if_merged(store, contact)
        while found is not None and found.merged_into:
            found = self.get_even_if_merged(store, found.merged_into)
        return found

    def get_even_if_merged(self, store: str, contact: str) -> Profile | None:
        item = self.table.get(keys.profile(store, contact))
        return profile_from_item(store, contact, item) if item else None

    def apply(self, before: Profile | None, after: Profile) -> bool:
        change = profile_change(before, after, self.to_wire)
        try:
            self.table.update(keys.profile(after.store, after.contact), **change)
        except ConditionFailedError:
            return False
        return True

    def claim_identifiers(self, contact: str, event: Event) -> dict[IdentifierKind, str]:
        elsewhere: dict[IdentifierKind, str] = {}
        for kind, value in claimable_identifiers(event).items():
            permanent = kind in PERMANENT_IDENTIFIERS
            until = None if permanent else int((event.occurred_at + self.retention).timestamp())
            item = keys.identity(event.store, kind, value)
            try:
                self.table.put(
                    item | pack({"contact": contact, "expires_at": until}),
                    "attribute_not_exists(pk)",
                )
            except ConditionFailedError as refused:
                existing = refused.items[0]
                if existing and existing["contact"] != contact:
                    elsewhere[kind] = existing["contact"]
        return elsewhere

    def repoint_identity(
        self, store: str, kind: IdentifierKind, value: str, old: str, new: str
    ) -> None:
        with suppress(ConditionFailedError):
            self.table.update(
                keys.identity(store, kind, value),
                expression="SET contact = :new",
                condition="contact = :old",
                values={":old": old, ":new": new},
            )

    def record_consent(self, contact: str, event: Event, topics: Sequence[str]) -> None:
        for fact in event.contact.consents:
            for topic in (fact.topic,) if fact.topic else topics:
                self.table.put_new(_proof(contact, event, fact, topic))

    def withdraw(self, contact: str, event: Event) -> None:
        facts = event.contact.consents
        for first in range(0, len(facts), MAX_TOPICS):
            self._withdraw(contact, event, facts[first : first + MAX_TOPICS])

    def _withdraw(self, contact: str, event: Event, facts: Sequence[ConsentEvidence]) -> None:
        sets = {
            CONSENT + (fact.topic or ""): consent_value(withdrawal(fact, event.occurred_at))
            for fact in facts
        }
        change = self.table.update_arguments(
            "SET " + ", ".join(f"#t{n} = :t{n}" for n in range(len(sets))) + " REMOVE expires_at",
            condition="attribute_not_exists(merged_into)",
            names={f"#t{n}": name for n, name in enumerate(sets)},
            values={f":t{n}": value for n, value in enumerate(sets.values())},
        )
        proofs = [_proof(contact, event, fact, fact.topic or "") for fact in facts]
        operations = [
            {"Update": {"Key": keys.profile(event.store, contact), **change}},
            *(
                {"Put": {"TableName": self.table.name, "Item": item}}
                for item in (*proofs, event_item(contact, event, self.retention))
            ),
        ]
        try:
            self.table.transact_with_retry(operations)
        except ConditionFailedError as refused:
            merged_away = refused.items[0] or {}
            self._withdraw(merged_away["merged_into"], event, facts)

    def suppress(self, store: str, address_hash: str, reason: str, at: datetime) -> None:
        key, since = keys.suppression(store, address_hash), times.format_instant(at)
        item = key | pack({"reason": reason, "at": since})
        if not self.table.put_new(item) and reason != ERASED:
            with suppress(ConditionFailedError):
                self.table.update(
                    key,
                    expression="SET reason = :reason, #at = :at",
                    condition="reason = :erased",
                    names={"#at": "at"},
                    values={":reason": reason, ":at": since, ":erased": ERASED},
                )

    def lift_erasure_suppression(self, store: str, address_hash: str) -> None:
        with suppress(ConditionFailedError):
            self.table.delete_if(
                keys.suppression(store, address_hash), "reason = :erased", {}, {":erased": ERASED}
            )

    def erased(self, store: str, contact: str) -> datetime | None:
        item = self.table.get(keys.erased(store, contact))
        return times.parse_instant(item["at"]) if item else None

    def delete_event(self, contact: str, event: Event) -> None:
        self.table.delete(keys.event(event.store, contact, event.name, event.occurred_at, event.id))


def _proof(contact: str, event: Event, fact: ConsentEvidence, topic: str) -> dict[str, Any]:
    """An entry of the consent log: all fields of the evidence that are set, and its event."""
    at, requested_at = fact.at or event.occurred_at, fact.requested_at
    entry = {
        **fact._asdict(),
        "topic": topic,
        "at": times.format_instant(at),
        "has_timestamp": fact.at is not None,
        "requested_at": times.format_instant(requested_at) if requested_at else None,
        "event": event.name,
    }
    return keys.consent(event.store, contact, at, event.id, topic) | pack(entry)
