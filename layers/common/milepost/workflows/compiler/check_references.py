"""Whether everything that a workflow names exists and fits."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import NamedTuple, assert_never

from milepost.base.problems import Problem, did_you_mean
from milepost.conditions.leaf_files import UseKind
from milepost.contacts.event_names import OPT_IN
from milepost.enrollments.program import Program
from milepost.enrollments.trigger_types import TRIGGER_FLOWS
from milepost.segments.segment import Segments
from milepost.sending.attachments import check_path, uses_event_data
from milepost.templates.compile import check_marketing, missing_parts
from milepost.templates.references import steps_used, template_mentions
from milepost.templates.version import TemplateVersion
from milepost.workflows.compiler.check_conditions import check_name, check_uses, condition_leaves
from milepost.workflows.language.workflow import Workflow, fields_of_its_own, walk
from milepost.workflows.step_type import Use
from milepost.workflows.steps import AnyStep, type_of
from milepost.workflows.triggers import Trigger, type_of_trigger


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


class EmailUse(NamedTuple):
    """A template of a step or of one of its variants; `version` if it is to be this one."""

    place: str
    template: str
    version: str | None

    @property
    def named(self) -> str:
        return f"{self.place}.template"

    @property
    def pinned(self) -> str:
        return f"{self.place}.template_version"

    def is_of(self, template: TemplateVersion) -> bool:
        """Whether what is found in this template holds for the mail. Where only a store's files are
        known, another version stands in for the one that is asked for (`simulator/publish.py`)."""
        return self.version in (None, template.hash)


def email_uses(place: str, step: AnyStep) -> Iterator[EmailUse]:
    """What a step at this place may send."""
    for use in type_of(step).uses(step):
        if use.kind == "template":
            yield mailing_of(place, use)


def mailing_of(place: str, use: Use) -> EmailUse:
    """A template that a step at this place uses."""
    return EmailUse(f"{place}.{use.field}".removesuffix(".template"), use.name, use.version)


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


def check_references(workflow: Workflow, around: PublishContext) -> Iterator[Problem]:
    """Names that lead nowhere, with the nearest one that does."""
    if workflow.topic:
        yield from _named("topic", workflow.topic, "topic", around)
    yield from _asked(workflow, around)
    yield from _trigger(workflow.trigger, around)
    ids = [step.id for _, step in walk(workflow.steps)]
    for place, step in walk(workflow.steps):
        for named in sorted(_steps_named(fields_of_its_own(step)) - {*ids}):
            reason = f'takes a value from steps.{named}, and there is no step "{named}"'
            yield Problem(place, reason, did_you_mean(named, ids))
        kind = type_of(step)
        for field, reason in kind.mistakes(step):
            yield Problem(f"{place}.{field}", reason)
        for use in kind.uses(step):
            yield from _used(place, use, workflow, around, ids)


def _used(
    place: str, use: Use, workflow: Workflow, around: PublishContext, ids: list[str]
) -> Iterator[Problem]:
    """Whether what a step names is there."""
    marketing = (use.category or workflow.category) == "marketing"
    here = f"{place}.{use.field}"
    match use.kind:
        case "topic":
            if use.name:
                yield from _named(here, use.name, "topic", around)
            if marketing and not around.topics:
                remedy = "name the topics readers subscribe to in settings.json"
                yield Problem(place, "marketing mail needs a topic", remedy)
        case "sender":
            if use.name not in around.senders:
                remedy = did_you_mean(use.name, around.senders) or "declare it under senders"
                yield Problem(here, f'settings.json has no sender "{use.name}"', remedy)
        case "template":
            yield from _template(mailing_of(place, use), marketing, around, ids)
        case "alerts":
            if not around.alerts:
                remedy = "deploy the stack with AlarmTopicArn"
                reason = "nobody would hear it: the stack has no topic for alerts"
                yield Problem(place, reason, remedy)
        case "workflow":
            yield from _start(here, use.name, around)
        case "file" | "step":
            pass  # see check_attachments and check_flow
        case _:
            assert_never(use.kind)


def _asked(workflow: Workflow, around: PublishContext) -> Iterator[Problem]:
    """The topics, workflows and segments that conditions ask about."""
    names = around.names()
    for place, leaf, _ in condition_leaves(workflow):
        yield from check_uses(place, leaf, names)


def _named(place: str, name: str, kind: UseKind, around: PublishContext) -> Iterator[Problem]:
    yield from check_name(place, kind, name, around.names()[kind])


def _steps_named(written: object) -> set[str]:
    """The steps from which a step takes values: `{"from": "steps.crm.body.tier"}` and the like."""
    match written:
        case {"from": str(place)}:
            return {*_STEP.findall(place)}
        case dict():
            return set().union(*map(_steps_named, written.values()))
        case list():
            return set().union(*map(_steps_named, written))
        case str():
            return {*_SLOT.findall(written), *_STEP.findall(written)}
        case _:
            return set()


_STEP = re.compile(r"^steps\.([a-z0-9-]+)")
_SLOT = re.compile(r"\{steps\.([a-z0-9-]+)")


def _trigger(trigger: Trigger, around: PublishContext) -> Iterator[Problem]:
    for kind, name, step in type_of_trigger(trigger).uses(trigger):
        place = f"trigger.{kind}"
        match kind:
            case "workflow":
                yield from _named(place, name, kind, around)
                steps = _steps_of(name, around)
                if steps is not None and step and step not in steps:
                    reason = f'{name} has no step "{step}"'
                    yield Problem("trigger.step", reason, did_you_mean(step, steps))
            case "form":
                if name not in around.forms:
                    remedy = did_you_mean(name, around.forms) or "declare it under forms"
                    yield Problem(place, f'settings.json has no form "{name}"', remedy)
            case "segment":
                yield from _named(place, name, kind, around)
            case _:
                assert_never(kind)


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
    return None if program is None else str(program.options["trigger"]["type"])


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


def _start(place: str, name: str, around: PublishContext) -> Iterator[Problem]:
    yield from _named(place, name, "workflow", around)
    begins = _begins(name, around)
    if begins not in (None, "manual"):
        reason = f"{name} begins with {begins}, not by hand"
        yield Problem(place, reason, 'give it {"trigger": {"type": "manual"}}')
