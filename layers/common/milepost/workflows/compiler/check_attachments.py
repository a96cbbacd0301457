"""Files on a mail: only where somebody waits for them, and never chosen by a visitor."""

from collections.abc import Iterator

from milepost.base.problems import Problem
from milepost.sending.attachments import check_path, uses_event_data
from milepost.workflows.language.tree import walk
from milepost.workflows.language.workflow import Workflow
from milepost.workflows.steps import type_of
from milepost.workflows.triggers import type_of_trigger


def check_attachments(workflow: Workflow) -> Iterator[Problem]:
    """Each of them, at its place."""
    trigger = workflow.trigger
    visitors = type_of_trigger(trigger).from_visitors(trigger)
    for place, step in walk(workflow.steps):
        files = [use for use in type_of(step).uses(step) if use.kind == "file"]
        if files and (files[0].category or workflow.category) == "marketing":
            remedy = "link to the file in the template, or make the mail transactional if it is"
            field = files[0].field.partition("[")[0]
            yield Problem(f"{place}.{field}", "marketing carries no files", remedy)
        for _, path, field, *_ in files:
            at = f"{place}.{field}"
            if reason := check_path(path):
                yield Problem(at, f'"{path}" {reason}', 'for example "invoices/{event.id}.pdf"')
            elif visitors and uses_event_data(path):
                reason = "a visitor of your pages could ask for any file: they choose this event"
                yield Problem(at, reason, "begin the workflow with an event that your shop reports")
