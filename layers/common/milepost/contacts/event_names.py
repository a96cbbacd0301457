"""The names of events that Milepost itself reports."""

from collections.abc import Mapping
from typing import Final

ALLOWED: Final = frozenset(
    {
        "Page Viewed",
        "Product Viewed",
        "Product Clicked",
        "Product List Viewed",
        "Product List Filtered",
        "Products Searched",
        "Product Added",
        "Product Removed",
        "Product Added to Wishlist",
        "Cart Viewed",
        "Promotion Viewed",
        "Promotion Clicked",
    }
)
"""The events that a browser may report, from the Segment e-commerce specification. Only the shop
reports checkouts and orders."""


EMAIL: Final[Mapping[str, str]] = {
    "opened": "Email Opened",
    "clicked": "Email Clicked",
    "bounced": "Email Bounced",
    "complained": "Email Marked as Spam",
}
"""The delivery events that become events of the contact. `sent` and `delivered` stay on the ledger:
an event for each would double the cost of an e-mail."""
EMAIL_BY_BOT: Final[Mapping[str, str]] = {
    "opened": "Email Opened by Bot",
    "clicked": "Email Clicked by Bot",
}
"""Opens and clicks of mail programs and scanners. They have other names, so that counts, waits and
triggers on the recipient's events leave them out."""
UNSUBSCRIBED: Final = "Unsubscribed"

CONSENT: Final = "Consent Recorded"
CONTACT: Final = "Contact Updated"
LIST: Final[Mapping[str, str]] = {"added": "List Joined", "removed": "List Left"}
STAGE: Final = "Stage Reached"
SCORE: Final = "Score Changed"
WORKFLOW_STARTED: Final = "Workflow Started"
IMPORTED: Final = "Contact Imported"
IMPORT_REVERTED: Final = "Import Reverted"

SYSTEM_SOURCE: Final = "milepost"
"""The source of Milepost's own events. No shop can report under it."""
MERGE_REQUESTED: Final = "Merge Requested"
MERGED: Final = "Contacts Merged"
DUPLICATE_CORRECTED: Final = "Duplicate Event Corrected"

FORM: Final = "Form Submitted"
"""A sign-up. With double opt-in, Milepost reports it after the confirmation."""
DEVICE: Final = "Device Identified"
OPT_IN: Final = "Opt-In Requested"
PREFERENCES: Final = "Preferences Changed"
SEGMENT: Final[Mapping[str, str]] = {"entered": "Segment Entered", "left": "Segment Left"}
DATE: Final = "Date Reached"
REEVALUATED: Final = "Contact Re-evaluated"
"""Has a contact re-evaluated without a new event; totals do not count it."""
INACTIVE: Final = "Inactivity Reached"
SCHEDULE: Final = "Schedule Reached"
CATALOG: Final[Mapping[str, str]] = {
    "price_drop": "Price Dropped",
    "back_in_stock": "Back in Stock",
    "low_stock": "Stock Low",
}
