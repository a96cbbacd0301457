"""Probes: test e-mails of `milepost doctor` to SES's mailbox simulator, and their delivery events.

A probe belongs to no store, message or contact.
"""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime


SIMULATED: Mapping[str, str] = {
    "success": "delivered",
    "bounce": "bounced",
    "complaint": "complained",
}
"""The mailboxes of SES's simulator, and the delivery event that each one causes."""

TAG = "probe"
"""The tag of a probe. It has no tag for a message or a store."""

RETENTION = timedelta(days=1)
"""How long the delivery events of a probe are kept."""

_PROBE = re.compile(rf"[0-9a-f]{{16}}-(?:{'|'.join(SIMULATED)})")


def probe_name(mark: str, mailbox: str) -> str:
    """The name of one probe; `mark` is 16 hexadecimal digits that are unique to the run."""
    return f"{mark}-{mailbox}"


def is_probe(name: str) -> bool:
    return bool(_PROBE.fullmatch(name))


class ProbeNotes(Protocol):
    """Stores the delivery events of probes; they expire."""

    def record_report(self, probe: str, kind: str, now: datetime) -> None: ...

    def reports(self, probe: str) -> Sequence[str]: ...


_KINDS = {
    "Send": "sent",
    "Delivery": "delivered",
    "Bounce": "bounced",
    "Complaint": "complained",
    "Reject": "rejected",
}


class ProbeDelivery(NamedTuple):
    """A delivery event of a probe."""

    probe: str
    kind: str


def probe_in(body: str) -> ProbeDelivery | None:
    """Read an SQS record from SNS; None if it is not about a probe."""
    try:
        event = json.loads(json.loads(body)["Message"])
        probe = str(event["mail"]["tags"][TAG][0])
        kind = _KINDS[event["eventType"]]
    except (ValueError, KeyError, IndexError, TypeError):
        return None
    return ProbeDelivery(probe, kind) if is_probe(probe) else None
