"""Two trigger types from outside the package, through the registries alone.

`badge` is an event of a certain badge, and `nightly` comes for each contact every midnight.
"""

from datetime import timedelta
from typing import Literal

from pydantic import Field

from milepost.enrollments.due_triggers import Ask, DueTrigger
from milepost.enrollments.trigger_types import TRIGGER_FLOWS, Timing, TriggerFlow, timed
from milepost.workflows.trigger_type import (
    EXTRA_TRIGGERS,
    TriggerModel,
    TriggerType,
    TriggerUse,
    ValueCheck,
)


class BadgeTrigger(TriggerModel):
    """The contact earns a badge."""

    type: Literal["badge"] = Field(description="A badge lets the contact in.")
    badge: str = Field(description="Which badge.")
    form: str | None = Field(None, description="The form it is earned with.")


class NightlyTrigger(TriggerModel):
    """It is midnight."""

    type: Literal["nightly"] = Field(description="Midnight lets the contact in.")
    unless: str = Field("properties.day", description="A date of the contact.")


def _comes(ask: Ask) -> DueTrigger | None:
    start = ask.since.replace(hour=0, minute=0, second=0, microsecond=0)
    for day in range(3):
        at = start + timedelta(days=day)
        if at >= ask.since and at.isoformat() > ask.done:
            return DueTrigger("Midnight", ask.key, at.isoformat(), at, {})
    return None


EXTRA_TRIGGERS.extend(
    [
        TriggerType(
            model=BadgeTrigger,
            describe=lambda trigger: f"the badge {trigger.badge} is earned",
            label=lambda trigger: f"badge {trigger.badge}",
            uses=lambda trigger: [TriggerUse("form", trigger.form)] if trigger.form else [],
        ),
        TriggerType(
            model=NightlyTrigger,
            describe=lambda _: "it is midnight",
            label=lambda _: "midnight",
            value_checks=lambda trigger: [ValueCheck(trigger.unless, date=True)],
        ),
    ]
)
TRIGGER_FLOWS["badge"] = TriggerFlow(lambda _: "Badge Earned", must_repeat=("badge",))
TRIGGER_FLOWS["nightly"] = timed(
    "Midnight", Timing(lambda _: "midnight", _comes, lambda _: "contact_clock")
)
