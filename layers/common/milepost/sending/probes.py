"""Mails that only prove the way to SES and back: to its simulator, about nobody.

What came back of the doctor's test mails.

SES's reports about the doctor's test mails, which carry no message of ours.
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
"""SES's mailboxes that stand for what happens to mail, and the report that each leads to."""

TAG = "probe"
"""The tag of such a mail. It has neither a message's nor a store's, so it is about nobody."""

RETENTION = timedelta(days=1)
"""How long it is remembered that a report came."""

_PROBE = re.compile(rf"[0-9a-f]{{16}}-(?:{'|'.join(SIMULATED)})")


def probe_name(mark: str, mailbox: str) -> str:
    """What one probe is called; `mark` is 16 hexadecimal digits that no other run has."""
    return f"{mark}-{mailbox}"


def is_probe(name: str) -> bool:
    return bool(_PROBE.fullmatch(name))


class ProbeNotes(Protocol):
    """Notes that say which reports came, of mails that are about nobody; they expire."""

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
    """A report about a probe."""

    probe: str
    kind: str


def probe_in(body: str) -> ProbeDelivery | None:
    """Read an SQS record that SNS put there; None for whatever is not about a probe."""
    try:
        event = json.loads(json.loads(body)["Message"])
        probe = str(event["mail"]["tags"][TAG][0])
        kind = _KINDS[event["eventType"]]
    except (ValueError, KeyError, IndexError, TypeError):
        return None
    return ProbeDelivery(probe, kind) if is_probe(probe) else None
