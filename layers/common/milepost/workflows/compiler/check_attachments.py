"""Files on a mail: only where somebody waits for them, and never chosen by a visitor."""

from collections.abc import Iterator

from milepost.base.problems import Problem
from milepost.sending.attachments import VISITOR_EVENTS, check_path, uses_event_data
from milepost.workflows.language.tree import walk
from milepost.workflows.language.workflow import Workflow
from milepost.workflows.steps import SendEmail
from milepost.workflows.triggers.triggers import EventTrigger, FormTrigger


def check_attachments(workflow: Workflow) -> Iterator[Problem]:
    """Each of them, at its place."""
    trigger = workflow.trigger
    visitors = isinstance(trigger, FormTrigger) or (
        isinstance(trigger, EventTrigger) and trigger.event in VISITOR_EVENTS
    )
    for place, step in walk(workflow.steps):
        if not isinstance(step, SendEmail) or not step.attachments:
            continue
        if (step.category or workflow.category) == "marketing":
            remedy = "link to the file in the template, or make the mail transactional if it is"
            yield Problem(f"{place}.attachments", "marketing carries no files", remedy)
        for number, path in enumerate(step.attachments):
            at = f"{place}.attachments[{number}]"
            if reason := check_path(path):
                yield Problem(at, f'"{path}" {reason}', 'for example "invoices/{event.id}.pdf"')
            elif visitors and uses_event_data(path):
                reason = "a visitor of your pages could ask for any file: they choose this event"
                yield Problem(at, reason, "begin the workflow with an event that your shop reports")
