"""What one more event reads and writes, with little and with much stored data.

Counted at DynamoDB's interface, with moto: the number of calls does not depend on the server.
"""

from typing import Any

from tests.support.cost_counter import Counted
from tests.support.ports import cloud

MANY, BIRTHDAYS = 10_000, 3
BESIDES = (
    (Counted.with_contacts, "contacts", (10, MANY)),
    (Counted.with_past, "events of the contact", (10, MANY)),
    (Counted.with_workflows, "workflows", (10, 300)),
)
"""All workflows of a store are in one item, which has room for some thousands."""


def measure_costs() -> dict[str, Any]:
    """Calls and items read for an order of one contact, by the amount of other data, and for a
    scheduler run."""
    rows: dict[str, Any] = {}
    for fill, what, numbers in BESIDES:
        for number in numbers:
            with cloud() as aws:
                calls, read = fill(Counted(aws), number).costs()
            rows[f"{number:,} {what}"] = {**calls, "items read": read}
    with cloud() as aws:
        found, read, scans = Counted(aws).sweep(BIRTHDAYS, MANY)
    sweep = {"contacts": MANY, "due": found, "items read": read, "scans": scans}
    return {"one_event_besides": rows, "birthday_sweep": sweep}


def all_alike(costs: dict[str, Any]) -> bool:
    """Whether an event costs the same for every amount of other data."""
    first, *others = costs["one_event_besides"].values()
    return all(other == first for other in others)
