"""What a workflow names must exist, and be fit for its use."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import NamedTuple

from milepost.base.problems import Problem, did_you_mean
from milepost.conditions.leaf_files import UseKind
from milepost.enrollments.program import Program
from milepost.outbound.request import check_header, check_url
from milepost.segments.segment import Segments
from milepost.sending.senders import senders_named
from milepost.templates.compile import check_marketing
from milepost.templates.references import steps_used
from milepost.templates.version import TemplateVersion
from milepost.workflows.compiler.condition_refs import check_name, check_uses, condition_leaves
from milepost.workflows.compiler.email_steps import EmailUse, email_uses
from milepost.workflows.language.tree import walk
from milepost.workflows.language.workflow import Workflow
from milepost.workflows.steps import Notify, SendEmail, StartWorkflow, Webhook
from milepost.workflows.triggers.triggers import (
    EmailTrigger,
    FormTrigger,
    ScheduleTrigger,
    SegmentTrigger,
    Trigger,
)


class PublishContext(NamedTuple):
    """What there is around a workflow.

    `programs` are the workflows that are published, `files` those that lie beside it: two that
    name each other may come together. `beside` reads one of those, if it can be read. `template`
    has the live version of a published template, or the one that is asked for: None if that is not
    kept.
    """

    topics: Mapping[str, str]
    templates: Mapping[str, str]
    programs: Mapping[str, Program]
    files: frozenset[str]
    template: Callable[[str, str | None], TemplateVersion | None]
    alerts: bool = True
    beside: Callable[[str], Workflow | None] = lambda _: None
    forms: frozenset[str] = frozenset()
    segments: Segments = Segments()
    senders: frozenset[str] = frozenset()

    def names(self) -> Mapping[UseKind, Collection[str]]:
        """The names that exist in the store."""
        workflows = {*self.programs, *self.files}
        live = self.segments.live()
        return {"topic": self.topics, "workflow": workflows, "segment": live}


def check_references(workflow: Workflow, around: PublishContext) -> Iterator[Problem]:
    """Names that lead nowhere, with the nearest one that does."""
    if workflow.topic:
        yield from _named("topic", workflow.topic, "topic", around)
    yield from _asked(workflow, around)
    yield from _trigger(workflow.trigger, around)
    ids = [step.id for _, step in walk(workflow.steps)]
    for place, step in walk(workflow.steps):
        for named in sorted(_steps_named(step.model_dump(by_alias=True)) - {*ids}):
            reason = f'takes a value from steps.{named}, and there is no step "{named}"'
            yield Problem(place, reason, did_you_mean(named, ids))
        match step:
            case SendEmail():
                yield from _email(place, step, workflow, around, ids)
            case Webhook() | Notify():
                yield from _call(place, step, around)
            case StartWorkflow():
                yield from _start(place, step, around)
            case _:
                pass


def _asked(workflow: Workflow, around: PublishContext) -> Iterator[Problem]:
    """The topics, workflows and segments that conditions ask about."""
    names = around.names()
    for place, leaf, _ in condition_leaves(workflow):
        yield from check_uses(place, leaf, names)


def _named(place: str, name: str, kind: UseKind, around: PublishContext) -> Iterator[Problem]:
    yield from check_name(place, kind, name, around.names()[kind])


def _steps_named(written: object) -> set[str]:
    """The steps from which a step takes values: `{"from": "steps.crm.body.tier"}` and the like.

    Steps and conditions inside it are looked at on their own.
    """
    match written:
        case {"from": str(place)}:
            return {*_STEP.findall(place)}
        case dict():
            own = {"paths", "on_event", "on_timeout", "else", "where"}
            parts = [value for key, value in written.items() if key not in own]
            return set().union(*map(_steps_named, parts))
        case list():
            return set().union(*map(_steps_named, written))
        case str():
            return {*_SLOT.findall(written), *_STEP.findall(written)}
        case _:
            return set()


_STEP = re.compile(r"^steps\.([a-z0-9-]+)")
_SLOT = re.compile(r"\{steps\.([a-z0-9-]+)")


def _trigger(trigger: Trigger, around: PublishContext) -> Iterator[Problem]:
    if isinstance(trigger, EmailTrigger) and trigger.workflow is not None:
        yield from _mail(trigger, trigger.workflow, around)
    elif isinstance(trigger, FormTrigger) and trigger.form not in around.forms:
        remedy = did_you_mean(trigger.form, around.forms) or "declare it under forms"
        yield Problem("trigger.form", f'settings.json has no form "{trigger.form}"', remedy)
    elif isinstance(trigger, SegmentTrigger | ScheduleTrigger):
        yield from _named("trigger.segment", trigger.segment, "segment", around)


def _mail(trigger: EmailTrigger, name: str, around: PublishContext) -> Iterator[Problem]:
    yield from _named("trigger.workflow", name, "workflow", around)
    steps = _steps_of(name, around)
    if steps is not None and trigger.step and trigger.step not in steps:
        reason = f'{name} has no step "{trigger.step}"'
        yield Problem("trigger.step", reason, did_you_mean(trigger.step, steps))


def _steps_of(name: str, around: PublishContext) -> list[str] | None:
    """The ids of another workflow's steps; None if it cannot be read."""
    if file := around.beside(name):
        return [step.id for _, step in walk(file.steps)]
    program = around.programs.get(name)
    return None if program is None else [*program.nodes]


def _begins(name: str, around: PublishContext) -> str | None:
    """The kind of another workflow's trigger; None if it cannot be read."""
    if file := around.beside(name):
        return file.trigger.type
    program = around.programs.get(name)
    return None if program is None else str(program.head["trigger"]["type"])


def _email(
    place: str, step: SendEmail, workflow: Workflow, around: PublishContext, ids: list[str]
) -> Iterator[Problem]:
    marketing = (step.category or workflow.category) == "marketing"
    if step.topic:
        yield from _named(f"{place}.topic", step.topic, "topic", around)
    if marketing and not around.topics:
        remedy = "name the topics readers subscribe to in settings.json"
        yield Problem(place, "marketing mail needs a topic", remedy)
    for field, name in senders_named(step.model_dump(by_alias=True)).items():
        if name not in around.senders:
            remedy = did_you_mean(name, around.senders) or "declare it under senders"
            yield Problem(f"{place}.{field}", f'settings.json has no sender "{name}"', remedy)
    for mailing in email_uses(place, step):
        yield from _template(mailing, marketing, around, ids)


def _template(
    mailing: EmailUse, marketing: bool, around: PublishContext, ids: list[str]
) -> Iterator[Problem]:
    name, where = mailing.template, mailing.named
    if name not in around.templates:
        remedy = did_you_mean(name, around.templates) or "upload its folder to templates/"
        yield Problem(where, f'no template named "{name}" is published', remedy)
        return
    template = around.template(name, mailing.version)
    if template is None:
        yield _not_kept(mailing, around.templates[name])
        return
    if not mailing.is_of(template):
        return
    where = mailing.pinned if mailing.version else where
    for used in sorted(steps_used(template) - {*ids}):
        reason = f'{name} speaks of steps.{used}, and there is no step "{used}"'
        yield Problem(where, reason, did_you_mean(used, ids))
    for problem in check_marketing(template) if marketing else ():
        yield Problem(where, f"{problem.location} {problem.reason}", problem.remedy)


def _not_kept(mailing: EmailUse, live: str) -> Problem:
    name, version = mailing.template, mailing.version or ""
    reason = f'{name} has never been live in a version "{version}"'
    report = f"reports/templates.{name.replace('/', '.')}.report.md"
    told = f"{live} is live; {report} and each message tell the version"
    return Problem(mailing.pinned, reason, f"{did_you_mean(version, [live]) or told}")


def _call(place: str, step: Webhook | Notify, around: PublishContext) -> Iterator[Problem]:
    if step.url is not None and (reason := check_url(step.url)):
        yield Problem(f"{place}.url", reason)
    if isinstance(step, Webhook):
        for name, value in (step.headers or {}).items():
            if reason := check_header(name, value):
                yield Problem(f"{place}.headers.{name}", reason)
    elif step.to == "alerts" and not around.alerts:
        remedy = "deploy the stack with AlarmTopicArn"
        yield Problem(place, "nobody would hear it: the stack has no topic for alerts", remedy)


def _start(place: str, step: StartWorkflow, around: PublishContext) -> Iterator[Problem]:
    yield from _named(f"{place}.workflow", step.workflow, "workflow", around)
    begins = _begins(step.workflow, around)
    if begins not in (None, "manual"):
        reason = f"{step.workflow} begins with {begins}, not by hand"
        yield Problem(f"{place}.workflow", reason, 'give it {"trigger": {"type": "manual"}}')
