"""The mail that asks somebody to confirm a sign-up: it, and no other, holds the link for that."""

from collections.abc import Iterator

from milepost.base.problems import Problem
from milepost.contacts.event_names import OPT_IN
from milepost.enrollments.trigger_types import TRIGGER_FLOWS
from milepost.templates.compile import missing_parts
from milepost.templates.references import template_mentions
from milepost.templates.version import TemplateVersion
from milepost.workflows.compiler.check_references import PublishContext
from milepost.workflows.compiler.email_steps import email_uses
from milepost.workflows.language.tree import walk
from milepost.workflows.language.workflow import Workflow
from milepost.workflows.steps import type_of


def check_confirmation(workflow: Workflow, around: PublishContext) -> Iterator[Problem]:
    """A link that leads nowhere, or a request that nobody could answer."""
    trigger = workflow.trigger
    asks = TRIGGER_FLOWS[trigger.type].event(trigger.model_dump(by_alias=True)) == OPT_IN
    for place, step in walk(workflow.steps):
        kinds = {u.category for u in type_of(step).uses(step) if u.kind == "template"}
        if asks and "marketing" in {kind or workflow.category for kind in kinds}:
            remedy = 'write "category": "transactional"'
            yield Problem(place, "whoever has to confirm has not said yes to marketing yet", remedy)
        for mailing in email_uses(place, step):
            if (name := mailing.template) not in around.templates:
                continue
            template = around.template(name, mailing.version)
            if template is not None and mailing.is_of(template):
                yield from _link(place, name, asks, template)


def _link(place: str, name: str, asks: bool, template: TemplateVersion) -> Iterator[Problem]:
    if asks and (where := missing_parts(template, "urls", "confirm")):
        remedy = "write {{ urls.confirm }} outside of conditions"
        yield Problem(place, f"{name} has no link to confirm ({', '.join(where)})", remedy)
    elif not asks and template_mentions(template, "urls", "confirm"):
        reason = f"{name} speaks of urls.confirm, and there is no sign-up to confirm"
        yield Problem(place, reason, f'begin the workflow with the event "{OPT_IN}"')
