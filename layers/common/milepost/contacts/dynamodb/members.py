"""Who belongs to a list or a segment, and who is a contact at all: read from an index, by parts."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from milepost.aws import keys
from milepost.aws.table import Table, pack
from milepost.base import instants
from milepost.base.refs import ContactRef
from milepost.contacts.ports import Member, MemberPage

if TYPE_CHECKING:
    from milepost.contacts.ports import Group


@dataclass(frozen=True, slots=True)
class DynamoMembers:
    """Implements `Members`. A place is `<part> <since> <contact>` of the last one before it."""

    table: Table

    def page(
        self, store: str, group: "Group", name: str, after: str = "", most: int = 100
    ) -> MemberPage:
        part, _, rest = after.partition(" ")
        number, found = int(part or 0), list[Member]()
        while number < keys.SHARDS and len(found) < most:
            for item in self._query(store, group, name, number, rest, most - len(found)):
                found.append(Member(keys.owner(item["pk"])[1], item["member_since"]))
                if len(found) == most:
                    last = found[-1]
                    return MemberPage(found, f"{number} {last.since} {last.contact}")
            number, rest = number + 1, ""
        return MemberPage(found, "")

    def count(self, store: str, group: "Group", name: str) -> int:
        return sum(
            self.table.count(
                IndexName="members",
                KeyConditionExpression="member_bucket = :bucket",
                values={":bucket": keys.member_bucket(store, group, name, number)},
            )
            for number in range(keys.SHARDS)
        )

    def partition_count(self) -> int:
        return keys.SHARDS

    def page_of(
        self, store: str, group: "Group", name: str, part: int, after: str = "", most: int = 100
    ) -> MemberPage:
        found = list[Member]()
        for item in self._query(store, group, name, part, after, most):
            found.append(Member(keys.owner(item["pk"])[1], item["member_since"]))
            if len(found) == most:
                return MemberPage(found, f"{found[-1].since} {found[-1].contact}")
        return MemberPage(found, "")

    def join(self, ref: ContactRef, group: "Group", name: str, since: datetime) -> None:
        entry = member_entry(ref.store, group, name, ref.contact, instants.format_instant(since))
        self.table.put(keys.member(ref.store, ref.contact, group, name) | pack(entry))

    def leave(self, ref: ContactRef, group: "Group", name: str) -> None:
        self.table.delete(keys.member(ref.store, ref.contact, group, name))

    def _query(
        self, store: str, group: "Group", name: str, number: int, rest: str, most: int
    ) -> Any:
        bucket = keys.member_bucket(store, group, name, number)
        start: dict[str, Any] = {}
        if rest:
            since, _, contact = rest.partition(" ")
            place = keys.member(store, contact, group, name)
            place |= {"member_bucket": {"S": bucket}, "member_since": {"S": since}}
            start = {"ExclusiveStartKey": place}
        return self.table.query(
            IndexName="members",
            KeyConditionExpression="member_bucket = :bucket",
            values={":bucket": bucket},
            Limit=most,
            **start,
        )


def member_entry(store: str, group: "Group", name: str, contact: str, since: str) -> dict[str, str]:
    """The attributes that put an item of a contact into the index of members."""
    number = keys.shard(contact)
    return {
        "member_bucket": keys.member_bucket(store, group, name, number),
        "member_since": since,
    }
