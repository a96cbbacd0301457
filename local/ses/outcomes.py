"""The outcome of an e-mail at each recipient. The address decides, as with SES's simulator."""

import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Literal, get_args

from local.ses import events
from local.ses.events import Event
from local.ses.mail import Mail

Outcome = Literal[
    "delivery", "bounce", "transient", "suppressed", "complaint", "delay", "reject", "silence"
]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

SUPPRESSED = (
    "Amazon SES has suppressed sending to this address because it has a recent history of bouncing "
    "as an invalid address."
)
SIMULATOR_DOMAIN = "simulator.amazonses.com"
SIMULATOR: dict[str, Outcome] = {
    "success": "delivery",
    "bounce": "bounce",
    # An automatic answer goes to the sender's mailbox; SES itself reports a delivery.
    "ooto": "delivery",
    "complaint": "complaint",
    "suppressionlist": "suppressed",
}


class Outcomes:
    """Addresses that a test has marked take precedence over the simulator's; all others are
    delivered."""

    def __init__(self) -> None:
        self._marked: dict[str, Outcome] = {}
        self._lock = threading.Lock()

    def mark(self, address: str, outcome: Outcome) -> None:
        with self._lock:
            self._marked[address.lower()] = outcome

    def clear(self) -> None:
        with self._lock:
            self._marked.clear()

    def of(self, address: str) -> Outcome:
        with self._lock:
            marked = self._marked.get(address.lower())
        if marked is not None:
            return marked
        local_part, _, domain = address.lower().rpartition("@")
        if domain == SIMULATOR_DOMAIN:
            return SIMULATOR.get(local_part.partition("+")[0], "bounce")
        return "delivery"


def report(outcome: Outcome, mail: Mail, recipient: str, at: datetime) -> Iterator[Event]:
    """The events that follow `Send` for one recipient, in order."""
    match outcome:
        case "delivery":
            yield events.delivery(mail, at, [recipient])
        case "bounce":
            yield events.bounce(mail, at, recipient)
        case "transient":
            yield events.bounce(
                mail,
                at,
                recipient,
                kind="Transient",
                subkind="MailboxFull",
                status="4.2.2",
                diagnosis="smtp; 452 4.2.2 mailbox full",
            )
        case "suppressed":
            yield events.bounce(
                mail,
                at,
                recipient,
                subkind="Suppressed",
                diagnosis=SUPPRESSED,
            )
        case "complaint":
            yield events.delivery(mail, at, [recipient])
            yield events.complaint(mail, at, recipient)
        case "delay":
            yield events.delivery_delay(mail, at, recipient)
        case "reject":
            yield events.reject(mail)
        case "silence":
            return
