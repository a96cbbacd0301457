"""A privacy request: the export or the erasure of a person's data.

A request contains the ids of its contacts only while it runs. A finished request is the proof: how
many items were exported or erased, and when.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Literal, NamedTuple

from milepost.base import times
from milepost.base.names import EnrollmentRef
from milepost.contacts.event import IdentifierKind

Kind = Literal["export", "erase", "erase_store"]
"""`erase_store` erases every contact of a store."""

Status = Literal["accepted", "sweeping", "done"]
"""`sweeping`: the first pass is done; the second erases what functions wrote in between."""

GRACE_PERIOD = timedelta(minutes=5)
"""Real time between the two passes of an erasure. No function that can still act on data from
before the first pass runs longer than two minutes."""

EXPORT_KEPT = timedelta(days=7)
"""How long the API returns a link to an export. `ExportDays` in the template deletes the file."""

SEGMENTS = 16
"""Table segments of a store erasure. An interrupted erasure continues at its segment."""


class PrivacyRequest(NamedTuple):
    """One export or erasure. `since` is the real time at which its status began.

    `segment` is the current segment of a store erasure, `items` the number of erased or exported
    items, `origin` the source (`api`, or `shopify 9999` with Shopify's own number).
    """

    store: str
    id: str
    kind: Kind
    contacts: tuple[str, ...]
    asked_at: datetime
    since: datetime
    origin: str = "api"
    status: Status = "accepted"
    segment: int = 0
    items: int = 0
    done_at: datetime | None = None


class DeletionBatch(NamedTuple):
    """A part of what is stored about a contact. `handles` are the adapter's keys of the items.

    `running` has the active enrollments with their execution numbers, `exports` the ids of export
    files, `identifiers` the identifiers that the items name.
    """

    handles: tuple[Any, ...]
    running: tuple[tuple[EnrollmentRef, int], ...] = ()
    exports: tuple[str, ...] = ()
    identifiers: tuple[tuple[IdentifierKind, str], ...] = ()


def request_id(*parts: str) -> str:
    """The same id for the same cause, so that a repeated delivery finds its request."""
    return "r" + sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def request_record(request: PrivacyRequest) -> Mapping[str, Any]:
    """A request as the API returns it, without the contacts."""
    return {
        "id": request.id,
        "kind": request.kind,
        "status": "done" if request.status == "done" else "running",
        "origin": request.origin,
        "asked_at": times.format_instant(request.asked_at),
        "done_at": times.format_instant(request.done_at) if request.done_at else None,
        "items": request.items,
    }
