"""What a person may ask for of what is kept of them: a copy of it, or its end.

A request says whose data by the ids of contacts while it is carried out, and by nothing once it is
done: what remains is the proof that so many items were exported or erased, and when.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Literal, NamedTuple

from milepost.base import instants
from milepost.base.refs import EnrollmentRef
from milepost.contacts.event import IdentifierKind

Kind = Literal["export", "erase", "erase_store"]
"""`erase_store` erases every contact of a store."""

Status = Literal["accepted", "sweeping", "done"]
"""`sweeping`: all was erased once, and what functions wrote meanwhile will be erased once more."""

GRACE_PERIOD = timedelta(minutes=5)
"""Real time between the two passes of an erasure. No function that may be acting on what it read
before the first one runs longer than two minutes."""

EXPORT_KEPT = timedelta(days=7)
"""How long a link to an export is given; `ExportDays` of the template says when the file goes."""

SEGMENTS = 16
"""Parts into which a table is cut, so that the erasure of a store goes on where it was cut off."""


class PrivacyRequest(NamedTuple):
    """One export or erasure. `since` is the real time at which its status began.

    `segment` is how far the erasure of a store has come, `items` how much has been erased or
    exported, `origin` who asked (`api`, or `shopify 9999` with Shopify's own number).
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
    """Some of what is kept of a contact. `handles` are the adapter's own names for it.

    `running` are enrollments that are not over, each with its leg, `exports` the ids of files,
    `identifiers` what is said of who this is.
    """

    handles: tuple[Any, ...]
    running: tuple[tuple[EnrollmentRef, int], ...] = ()
    exports: tuple[str, ...] = ()
    identifiers: tuple[tuple[IdentifierKind, str], ...] = ()


def request_id(*parts: str) -> str:
    """One id for one cause, so that a repeated delivery finds the request that it made."""
    return "r" + sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def request_record(request: PrivacyRequest) -> Mapping[str, Any]:
    """What is told of a request. Whose data it is about is not."""
    return {
        "id": request.id,
        "kind": request.kind,
        "status": "done" if request.status == "done" else "running",
        "origin": request.origin,
        "asked_at": instants.format_instant(request.asked_at),
        "done_at": instants.format_instant(request.done_at) if request.done_at else None,
        "items": request.items,
    }
