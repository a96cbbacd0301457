"""The names of events that Milepost itself reports; a shop's own names are its business."""

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
"""Names of the Segment e-commerce specification. No checkout and no order: those are the shop's."""


EMAIL: Final[Mapping[str, str]] = {
    "opened": "Email Opened",
    "clicked": "Email Clicked",
    "bounced": "Email Bounced",
    "complained": "Email Marked as Spam",
}
"""What becomes an event a workflow can wait for. `sent` and `delivered` stay on the ledger: they
are on the contact's timeline there already, and an event for each would double what a mail costs.
"""
EMAIL_BY_BOT: Final[Mapping[str, str]] = {
    "opened": "Email Opened by Machine",
    "clicked": "Email Clicked by Machine",
}
"""What a mail program or a scanner did of its own accord. They are events of other names, so that
whatever counts, waits for or starts on the reader's leaves them out, unless it names them.
"""
UNSUBSCRIBED: Final = "Unsubscribed"

CONSENT: Final = "Consent Recorded"
CONTACT: Final = "Contact Updated"
LIST: Final[Mapping[str, str]] = {"added": "List Joined", "removed": "List Left"}
STAGE: Final = "Stage Reached"
SCORE: Final = "Score Changed"
WORKFLOW_STARTED: Final = "Workflow Started"
IMPORTED: Final = "Contact Imported"
IMPORT_REVERTED: Final = "Import Undone"

SYSTEM_SOURCE: Final = "milepost"
"""The source of what Milepost notes for itself: no shop can report under it."""
MERGE_REQUESTED: Final = "Merge Asked"
MERGED: Final = "Contacts Merged"
DUPLICATE_CORRECTED: Final = "Event Counted Twice"

FORM: Final = "Form Submitted"
"""A sign-up that counts: with double opt-in it is reported when its reader has confirmed it."""
DEVICE: Final = "Device Identified"
OPT_IN: Final = "Opt-In Requested"
PREFERENCES: Final = "Preferences Changed"
SEGMENT: Final[Mapping[str, str]] = {"entered": "Segment Entered", "left": "Segment Left"}
DATE: Final = "Date Reached"
REEVALUATED: Final = "Moment Reached"
"""Nothing happened but that time passed: the contact is looked at again, and nothing is counted."""
INACTIVE: Final = "Inactivity Reached"
SCHEDULE: Final = "Schedule Reached"
CATALOG: Final[Mapping[str, str]] = {
    "price_drop": "Price Dropped",
    "back_in_stock": "Back in Stock",
    "low_stock": "Stock Low",
}
