"""All items of a store, for an export: a scan, because no index leads from a store to its items.

The table holds all stores, and a scan reads and bills all of it: half a read unit for 4 KB, before
the filter. Exports are rare (leaving, audits, backups); an index by store would cost every write.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from milepost.api.records import plain
from milepost.aws import keys
from milepost.aws.table import Item, Table
from milepost.contacts.dynamodb.profile_item import profile_from_item
from milepost.contacts.dynamodb.timeline import event_from_item
from milepost.transfer.exports.lines import consent_line, contact_line, event_line
from milepost.transfer.exports.ports import Page
from milepost.transfer.exports.progress import Kind

_KINDS: Mapping[str, Kind] = {
    "PROFILE": "contacts",
    "EVENT": "events",
    "CONSENT": "consents",
    "MEMBER": "memberships",
    "ENROLLMENT": "enrollments",
    "MESSAGE": "messages",
    "IDENTITY": "identities",
    "SUPPRESSION": "suppressions",
}
_INTERNAL = frozenset(
    {
        "pk", "sk", "expires_at", "timer_bucket", "timer_due", "run_bucket", "run_sort",
        "member_bucket", "store", "kind", "state_machine_arn", "resume_point", "token",
    }
)  # fmt: skip
"""Attributes for this stack only: keys, indexes, and secrets such as task tokens."""


@dataclass(frozen=True, slots=True)
class DynamoStoreScan:
    """Implements `StoreScan`. `now` is real time, as in TTL. A page is 1 MB, or `most` items."""

    table: Table
    now: Callable[[], datetime]
    most: int = 0

    def page(self, store: str, after: str) -> Page:
        items, read, last = self.table.scan(
            json.loads(after) if after else None,
            FilterExpression="begins_with(pk, :store)",
            values={":store": f"S#{store}#"},
            **({"Limit": self.most} if self.most else {}),
        )
        now = self.now().timestamp()
        living = (item for item in items if item.get("expires_at", now) >= now)
        lines = [line for item in living if (line := _line(store, item))]
        return Page(lines, read, json.dumps(last) if last else "")


def _line(store: str, item: Item) -> tuple[Kind, Mapping[str, Any]] | None:
    name, _, rest = item["sk"].partition("#")
    kind = _KINDS.get(name)
    if kind is None:
        return None
    if kind in {"identities", "suppressions"}:
        found = item["pk"].removeprefix(f"S#{store}#").partition("#")[2]
        key = {"identity": found} if kind == "identities" else {"address_sha256": found}
        return kind, key | _public(item)
    contact = keys.owner(item["pk"])[1]
    match kind:
        case "contacts":
            line = contact_line(profile_from_item(store, contact, item))
            return (kind, line) if line else None
        case "events":
            return kind, event_line(contact, event_from_item(store, item), item.get("copied", ""))
        case "consents":
            return kind, consent_line(contact, _public(item))
    return kind, {"contact": contact, kind.removesuffix("s"): rest, **_public(item)}


def _public(item: Item) -> dict[str, Any]:
    return {name: plain(value) for name, value in item.items() if name not in _INTERNAL}
