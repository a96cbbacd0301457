"""SES's reports about the doctor's test mails, which carry no message of ours."""

import json
from typing import NamedTuple

from milepost.domain.doctor.probe import TAG, is_probe

_KINDS = {
    "Send": "sent",
    "Delivery": "delivered",
    "Bounce": "bounced",
    "Complaint": "complained",
    "Reject": "rejected",
}


class Heard(NamedTuple):
    """A report about a probe."""

    probe: str
    kind: str


def probe_in(body: str) -> Heard | None:
    """Read an SQS record that SNS put there; None for whatever is not about a probe."""
    try:
        event = json.loads(json.loads(body)["Message"])
        probe = str(event["mail"]["tags"][TAG][0])
        kind = _KINDS[event["eventType"]]
    except (ValueError, KeyError, IndexError, TypeError):
        return None
    return Heard(probe, kind) if is_probe(probe) else None
