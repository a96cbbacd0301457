"""`catalog`: a price or the stock of a product changes. Not available yet."""

from typing import Literal

from pydantic import Field

from milepost.base.markdown import listed, value
from milepost.workflows.trigger_type import TriggerModel, TriggerType


class CatalogTrigger(TriggerModel):
    """A price or the stock of a product changes, for contacts who showed interest in it."""

    type: Literal["catalog"] = Field(description="A change of a product lets the contact in.")
    on: Literal["price_drop", "back_in_stock", "low_stock"] = Field(description="Which change.")
    threshold: float | None = Field(
        None, gt=0, description="How many percent the price drops, or how many pieces there are."
    )
    audience: list[Literal["viewed", "carted", "bought", "asked"]] = Field(
        min_length=1, description="Contacts who did one of these with the product."
    )


def _describe(trigger: CatalogTrigger) -> str:
    few = None if trigger.threshold is None else value(trigger.threshold)
    change = {
        "price_drop": "a product gets cheaper" + (f" by {few}% or more" if few else ""),
        "back_in_stock": "a product is back in stock" + (f" with {few} pieces" if few else ""),
        "low_stock": "a product is low in stock" + (f": {few} pieces or fewer" if few else ""),
    }
    did = {"asked": "asked for"}
    those = listed([did.get(each, each) for each in trigger.audience], "or")
    return f"{change[trigger.on]}, for those who {those} it"


TRIGGER = TriggerType(
    model=CatalogTrigger,
    describe=_describe,
    label=lambda trigger: trigger.on.replace("_", " "),
    instead='let your shop post an event for each contact, and use an "event" trigger',
)
