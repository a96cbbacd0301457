"""What lets a contact in: one file for each trigger type a marketer may write, and one row here."""

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field

from milepost.workflows.trigger_type import EXTRA_TRIGGERS, TriggerModel, TriggerType
from milepost.workflows.triggers import (
    catalog,
    contact,
    date,
    email,
    event,
    form,
    inactivity,
    list,
    manual,
    schedule,
    segment,
)

TRIGGERS: Final[tuple[TriggerType[Any], ...]] = (
    event.TRIGGER,
    form.TRIGGER,
    list.TRIGGER,
    segment.TRIGGER,
    contact.TRIGGER,
    email.TRIGGER,
    date.TRIGGER,
    inactivity.TRIGGER,
    schedule.TRIGGER,
    catalog.TRIGGER,
    manual.TRIGGER,
    *EXTRA_TRIGGERS,
)
"""In the order of the reference."""

_BY_NAME: Final = {trigger.name: trigger for trigger in TRIGGERS}

if TYPE_CHECKING:
    Trigger = TriggerModel
else:
    Trigger = Annotated[reduce(or_, (t.model for t in TRIGGERS)), Field(discriminator="type")]


def type_of_trigger(trigger: TriggerModel) -> TriggerType[Any]:
    """All that is known of a trigger's type."""
    return _BY_NAME[trigger.type]


def describe_trigger(trigger: TriggerModel) -> str:
    """A trigger as a clause, in Markdown."""
    return type_of_trigger(trigger).describe(trigger)
