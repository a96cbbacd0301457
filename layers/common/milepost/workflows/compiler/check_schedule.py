"""Whether a schedule will come round, and let people in when it does."""

from collections.abc import Iterator
from datetime import datetime

from milepost.base.problems import Problem
from milepost.base.recurrence import next_occurrence
from milepost.workflows.language.workflow import Workflow
from milepost.workflows.triggers.triggers import ScheduleTrigger


def check_schedule(workflow: Workflow, now: datetime, store_zone: str) -> Iterator[Problem]:
    """What is wrong with a workflow's schedule at the moment it is to go live."""
    trigger = workflow.trigger
    if not isinstance(trigger, ScheduleTrigger):
        return
    place = "trigger.at" if trigger.at else "trigger.rrule"
    zone = trigger.timezone if trigger.timezone not in (None, "store", "contact") else store_zone
    schedule = {"at": trigger.at} if trigger.at else {"rrule": trigger.rrule}
    if next_occurrence(schedule, now, str(zone)) is None:
        yield Problem(place, "is past: it would never come", "write a time to come")
    if trigger.rrule and workflow.reentry.allow == "never":
        yield Problem(
            "reentry",
            "the schedule comes again, and nobody may enter a second time",
            'write "reentry": {"allow": "always"}',
        )
