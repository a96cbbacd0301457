"""Mails that only prove the way to SES and back: to its simulator, about nobody."""

import re
from collections.abc import Mapping
from datetime import timedelta

SIMULATED: Mapping[str, str] = {
    "success": "delivered",
    "bounce": "bounced",
    "complaint": "complained",
}
"""SES's mailboxes that stand for what happens to mail, and the report that each leads to."""

TAG = "probe"
"""The tag of such a mail. It has neither a message's nor a store's, so it is about nobody."""

KEPT = timedelta(days=1)
"""How long it is remembered that a report came."""

_PROBE = re.compile(rf"[0-9a-f]{{16}}-(?:{'|'.join(SIMULATED)})")


def probe_name(mark: str, mailbox: str) -> str:
    """What one probe is called; `mark` is 16 hexadecimal digits that no other run has."""
    return f"{mark}-{mailbox}"


def is_probe(name: str) -> bool:
    return bool(_PROBE.fullmatch(name))
