"""The items of a profile: the profile itself and its memberships."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from milepost.aws import keys
from milepost.aws.table import Table, pack
from milepost.base import times
from milepost.base.names import ContactRef
from milepost.contacts.fields import Addition
from milepost.contacts.ports import Member, MemberPage
from milepost.contacts.profile import (
    ActiveEnrollment,
    Consent,
    EventTotal,
    NextCheck,
    Profile,
    first_seen,
)
from milepost.contacts.recent_marketing import from_numbers, to_numbers
from milepost.contacts.segment_state import SegmentState

if TYPE_CHECKING:
    from milepost.contacts.ports import Group


@dataclass(frozen=True, slots=True)
class DynamoMembers:
    """Implements `Memberships`. A cursor is `<partition> <since> <contact>` of the last member."""

    table: Table

    def page(
        self, store: str, group: "Group", name: str, after: str = "", most: int = 100
    ) -> MemberPage:
        part, _, rest = after.partition(" ")
        found = list[Member]()
        for number in range(int(part or 0), keys.SHARDS):
            page = self.page_of(store, group, name, number, rest, most - len(found))
            found += page.members
            if page.next:
                return MemberPage(found, f"{number} {page.next}")
            rest = ""
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
        entry = member_entry(ref.store, group, name, ref.contact, times.format_instant(since))
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
            key = keys.member(store, contact, group, name)
            key |= {"member_bucket": {"S": bucket}, "member_since": {"S": since}}
            start = {"ExclusiveStartKey": key}
        return self.table.query(
            IndexName="members",
            KeyConditionExpression="member_bucket = :bucket",
            values={":bucket": bucket},
            Limit=most,
            **start,
        )


def member_entry(store: str, group: "Group", name: str, contact: str, since: str) -> dict[str, str]:
    """The attributes that put a contact's item into the index `members`."""
    bucket = keys.member_bucket(store, group, name, keys.shard(contact))
    return {"member_bucket": bucket, "member_since": since}


CONSENT = "consent:"
ACTIVE_ENROLLMENTS = "enrollment:"
RECENT_SENDS = "recent_sends"


def consent_value(consent: Consent) -> dict[str, Any]:
    return {
        "state": consent.state, "at": times.format_instant(consent.at), "method": consent.method,
        "source": consent.source, "weak": consent.weak,
    }  # fmt: skip


def profile_from_item(store: str, contact: str, item: Mapping[str, Any]) -> Profile:
    """Read a profile. An item that only has a withdrawn consent is a profile too."""
    document = json.loads(item.get("profile", "{}"))
    return Profile(
        store=store,
        contact=contact,
        fields={name: tuple(entry) for name, entry in document.get("fields", {}).items()},
        totals={
            name: EventTotal(
                count, times.parse_instant(first), times.parse_instant(last), Decimal(value)
            )
            for name, (count, first, last, value) in document.get("totals", {}).items()
        },
        entries={w: times.parse_instant(at) for w, at in document.get("entries", {}).items()},
        additions={
            name: tuple(Addition(*each) for each in stored)
            for name, stored in document.get("additions", {}).items()
        },
        known_identifiers={
            kind: tuple(values) for kind, values in document.get("identifiers", {}).items()
        },
        consent={
            name.removeprefix(CONSENT): Consent(
                **{**stored, "at": times.parse_instant(stored["at"])}
            )
            for name, stored in item.items()
            if name.startswith(CONSENT)
        },
        active_enrollments={
            name.removeprefix(ACTIVE_ENROLLMENTS): _active_enrollment(stored)
            for name, stored in item.items()
            if name.startswith(ACTIVE_ENROLLMENTS)
        },
        last_sequence=int(item.get("last_sequence", "0")),
        moved_events=int(item.get("moved_events", 0)),
        fired=document.get("fired", {}),
        next_check=_next_check(document.get("next_check")),
        merged_into=item.get("merged_into", ""),
        merging=bool(item.get("merging", False)),
        misrouted=(int(document["misrouted"][0]), document["misrouted"][1])
        if "misrouted" in document
        else (0, ""),
        segment_state=SegmentState.from_json(document.get("segment_state", {})),
        recent_sends=from_numbers(item.get(RECENT_SENDS, {})),
    )


def profile_change(
    before: Profile | None,
    after: Profile,
    to_wire: Callable[[datetime], datetime],
    decided_by: Collection[str] = (),
) -> dict[str, Any]:
    """The update from `before` to `after`, on condition that `before` is still current.

    `decided_by` are topics whose consent decided something, even if it does not change.
    It never writes to a contact that was merged into another. `to_wire` turns a business instant
    into a real one, for the index `timers`.
    """
    old = before or Profile(after.store, after.contact)
    sets: dict[str, Any] = {"profile": profile_json(after)}
    if after.last_sequence:
        sets["last_sequence"] = str(after.last_sequence)
    if after.email:
        sets["email"] = after.email
    conditions: dict[str, Any] = {
        "last_sequence": str(old.last_sequence) if old.last_sequence else None,
        "moved_events": old.moved_events or None,
        "merged_into": None,
    }
    if after.moved_events != old.moved_events:
        sets["moved_events"] = after.moved_events
    for topic, consent in after.consent.items():
        if old.consent.get(topic) != consent:
            stored = old.consent.get(topic)
            sets[CONSENT + topic] = consent_value(consent)
            conditions[CONSENT + topic] = consent_value(stored) if stored else None
    for topic in decided_by:
        stored = old.consent.get(topic)
        conditions[CONSENT + topic] = consent_value(stored) if stored else None
    if after.recent_sends != old.recent_sends:  # by a merge
        sets[RECENT_SENDS] = to_numbers(after.recent_sends)
        conditions[RECENT_SENDS] = recent_sends_value(old)
    entered = [
        (id_, stored)
        for id_, stored in after.active_enrollments.items()
        if id_ not in old.active_enrollments
    ]
    sets |= {ACTIVE_ENROLLMENTS + id_: presence_value(presence) for id_, presence in entered}
    removed = [
        ACTIVE_ENROLLMENTS + id_
        for id_ in old.active_enrollments
        if id_ not in after.active_enrollments
    ]
    empty = not (old.fields or old.totals)  # new, or left for two days by an erasure
    if not old.last_sequence or empty:
        sets |= member_entry(after.store, "all", "", after.contact, first_seen(after))
    if after.next_check != old.next_check and after.next_check is not None:
        due = to_wire(after.next_check.at)
        sets["timer_bucket"] = keys.timer_bucket(due, keys.shard(after.contact))
        sets["timer_due"] = times.format_instant(due)
    elif after.next_check != old.next_check:
        removed += ["timer_bucket", "timer_due"]
    if old.email and not after.email:
        removed.append("email")
    if before is not None and empty:
        removed.append("expires_at")
    return _expression(sets, removed, conditions)


def _expression(
    sets: Mapping[str, Any], removed: list[str], conditions: Mapping[str, Any]
) -> dict[str, Any]:
    attributes = dict.fromkeys((*sets, *removed, *conditions))
    name = {attribute: f"#n{number}" for number, attribute in enumerate(attributes)}
    values: dict[str, Any] = {}

    def value(stored: Any) -> str:
        values[f":v{len(values)}"] = stored
        return f":v{len(values) - 1}"

    parts = "SET " + ", ".join(f"{name[a]} = {value(v)}" for a, v in sets.items())
    if removed:
        parts += " REMOVE " + ", ".join(name[a] for a in removed)
    condition = " AND ".join(
        f"attribute_not_exists({name[a]})" if stored is None else f"{name[a]} = {value(stored)}"
        for a, stored in conditions.items()
    )
    names = {short: attribute for attribute, short in name.items()}
    return {"expression": parts, "condition": condition, "names": names, "values": values}


def recent_sends_value(profile: Profile) -> dict[str, int] | None:
    """The stored recent sends of a profile; they never become empty again."""
    return to_numbers(profile.recent_sends) or None


def profile_json(profile: Profile) -> str:
    return json.dumps(
        {
            "fields": {name: list(entry) for name, entry in profile.fields.items()},
            "totals": {
                name: [
                    t.count,
                    times.format_instant(t.first),
                    times.format_instant(t.last),
                    str(t.value),
                ]
                for name, t in profile.totals.items()
            },
            "entries": {w: times.format_instant(at) for w, at in profile.entries.items()},
            "identifiers": profile.known_identifiers,
            **({"additions": profile.additions} if profile.additions else {}),
            **({"fired": profile.fired} if profile.fired else {}),
            **({"segment_state": stored} if (stored := profile.segment_state.to_json()) else {}),
            **(
                {"next_check": [*map(times.format_instant, profile.next_check)]}
                if profile.next_check
                else {}
            ),
            **({"misrouted": profile.misrouted} if profile.misrouted[0] else {}),
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def _next_check(stored: Sequence[str] | None) -> NextCheck | None:
    return NextCheck(*map(times.parse_instant, stored)) if stored else None


def _active_enrollment(stored: Mapping[str, Any]) -> ActiveEnrollment:
    return ActiveEnrollment(
        stored["workflow"],
        int(stored["version"]),
        stored["event"],
        times.parse_instant(stored["since"]),
        stored["state_machine_arn"],
        stored.get("home", ""),
    )


def presence_value(presence: ActiveEnrollment) -> dict[str, Any]:
    return {
        "workflow": presence.workflow, "version": presence.version, "event": presence.event,
        "since": times.format_instant(presence.since), "state_machine_arn": presence.machine,
        **({"home": presence.home} if presence.home else {}),
    }  # fmt: skip
