"""Triggers in words: what stands after `Begins when`."""

from collections.abc import Callable, Mapping
from typing import Any

from milepost.base.markdown import (
    bold,
    clock,
    code,
    describe_duration,
    describe_offset,
    escaped,
    listed,
    listed_names,
    quoted,
    value,
)
from milepost.conditions.file import describe_condition
from milepost.workflows.triggers.triggers import (
    CatalogTrigger,
    ContactTrigger,
    DateTrigger,
    EmailTrigger,
    EventTrigger,
    FormTrigger,
    InactivityTrigger,
    ListTrigger,
    ManualTrigger,
    ScheduleTrigger,
    SegmentTrigger,
    Trigger,
)


def describe_trigger(trigger: Trigger) -> str:
    """A trigger as a clause, in Markdown."""
    return _SAY[type(trigger)](trigger)


def name_trigger(trigger: Trigger) -> str:
    """A trigger in a word or two, as plain text: for the box in the picture."""
    match trigger:
        case EventTrigger() | FormTrigger() | ListTrigger() | SegmentTrigger():
            return str(getattr(trigger, trigger.type))
        case ContactTrigger():
            return f"{trigger.field} changes"
        case EmailTrigger():
            return f"e-mail {trigger.on}"
        case DateTrigger():
            return f"date: {trigger.field or trigger.day}"
        case InactivityTrigger():
            return f"silence for {describe_duration(trigger.for_)}"
        case ScheduleTrigger():
            return f"schedule: {trigger.at or trigger.rrule}"
        case CatalogTrigger():
            return trigger.on.replace("_", " ")
        case ManualTrigger():
            return "when told to"


def _such(trigger: EventTrigger | FormTrigger) -> str:
    return f" and {describe_condition(trigger.where, 'its')}" if trigger.where else ""


def _event(trigger: EventTrigger) -> str:
    key = f", once per {code(trigger.key)}" if trigger.key else ""
    return f"{bold(trigger.event)} is reported{_such(trigger)}{key}"


def _contact(trigger: ContactTrigger) -> str:
    said = f"the contact's {code(trigger.field)} changes"
    if trigger.from_ is not None:
        said += f" from {value(trigger.from_)}"
    if trigger.to is not None:
        said += f" to {value(trigger.to)}"
    if trigger.crosses is not None:
        said += f" and rises to {value(trigger.crosses)} or over it"
    return said


def _email(trigger: EmailTrigger) -> str:
    if trigger.on == "unsubscribed":
        return "the contact unsubscribes"
    step = f" of step {code(trigger.step)}" if trigger.step else ""
    workflow = f" of the workflow {code(trigger.workflow)}" if trigger.workflow else ""
    link = f" at {quoted(trigger.link)}" if trigger.link else ""
    fate = {"bounced": "bounces", "complained": "is complained about"}
    return f"an e-mail{step}{workflow} {fate.get(trigger.on, f'is {trigger.on}')}{link}"


def _date(trigger: DateTrigger) -> str:
    day = f"the contact's {code(trigger.field)}" if trigger.field else f"the day {trigger.day}"
    often = "every year" if trigger.repeat == "yearly" else "one time"
    wall = clock(trigger.timezone, "contact")
    return f"it is {trigger.at} of {describe_offset(trigger.offset, day)} on {wall}, {often}"


def _schedule(trigger: ScheduleTrigger) -> str:
    wall = clock(trigger.timezone, "store")
    moment = (
        f"it is {escaped(trigger.at)} on {wall}"
        if trigger.at
        else f"the recurrence {escaped(trigger.rrule or '')} comes round on {wall}"
    )
    return f"{moment}, for everybody in the segment {code(trigger.segment)}"


def _catalog(trigger: CatalogTrigger) -> str:
    few = None if trigger.threshold is None else value(trigger.threshold)
    change = {
        "price_drop": "a product gets cheaper" + (f" by {few}% or more" if few else ""),
        "back_in_stock": "a product is back in stock" + (f" with {few} pieces" if few else ""),
        "low_stock": "a product is low in stock" + (f": {few} pieces or fewer" if few else ""),
    }
    did = {"asked": "asked for"}
    those = listed([did.get(each, each) for each in trigger.audience], "or")
    return f"{change[trigger.on]}, for those who {those} it"


_SAY: Mapping[type, Callable[[Any], str]] = {
    EventTrigger: _event,
    FormTrigger: lambda t: f"the form {bold(t.form)} is submitted{_such(t)}",
    ListTrigger: lambda t: (
        f"the contact is {'added to' if t.on == 'added' else 'removed from'} "
        f"the list {code(t.list)}"
    ),
    SegmentTrigger: lambda t: (
        f"the contact {'enters' if t.on == 'entered' else 'leaves'} the segment {code(t.segment)}"
        + (", or is found to when it is published" if t.include_existing else "")
    ),
    ContactTrigger: _contact,
    EmailTrigger: _email,
    DateTrigger: _date,
    InactivityTrigger: lambda t: (
        f"{listed_names(t.events)} has not happened for {describe_duration(t.for_)}"
    ),
    ScheduleTrigger: _schedule,
    CatalogTrigger: _catalog,
    ManualTrigger: lambda _: "somebody says so: a person, the API, an import or another workflow",
}
