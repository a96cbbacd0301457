"""The names of events that Milepost itself reports; a shop's own names are its business."""

from collections.abc import Mapping
from typing import Final

EMAIL: Final[Mapping[str, str]] = {
    "opened": "Email Opened",
    "clicked": "Email Clicked",
    "bounced": "Email Bounced",
    "complained": "Email Marked as Spam",
}
"""What becomes an event a workflow can wait for. `sent` and `delivered` stay on the ledger: they
are on the contact's timeline there already, and an event for each would double what a mail costs.
"""
UNSUBSCRIBED: Final = "Unsubscribed"

CONSENT: Final = "Consent Recorded"
CONTACT: Final = "Contact Updated"
LIST: Final[Mapping[str, str]] = {"added": "List Joined", "removed": "List Left"}
STAGE: Final = "Stage Reached"
SCORE: Final = "Score Changed"
STARTED: Final = "Workflow Started"

FORM: Final = "Form Submitted"
SEGMENT: Final[Mapping[str, str]] = {"entered": "Segment Entered", "left": "Segment Left"}
DATE: Final = "Date Reached"
INACTIVE: Final = "Inactivity Reached"
SCHEDULE: Final = "Schedule Reached"
CATALOG: Final[Mapping[str, str]] = {
    "price_drop": "Price Dropped",
    "back_in_stock": "Back in Stock",
    "low_stock": "Stock Low",
}
