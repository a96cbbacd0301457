"""Describes a workflow as Markdown, from top to bottom."""

from collections.abc import Iterator, Sequence

from milepost.base.markdown import bold, code, describe_duration, escaped, listed
from milepost.conditions.file import describe_condition
from milepost.workflows.language.workflow import ExitOn, Goal, OnPublishPolicy, Reentry, Workflow
from milepost.workflows.steps import AnyStep, type_of
from milepost.workflows.triggers import describe_trigger

__all__ = [
    "describe",
    "describe_category",
    "describe_condition",
    "describe_exit",
    "describe_goal",
    "describe_on_publish",
    "describe_reentry",
    "describe_status",
    "describe_step",
]


def describe(workflow: Workflow) -> str:
    """Sentences about the workflow, then its steps as nested lists."""
    head = [
        f"{bold(workflow.title)} {describe_status(workflow)}. {describe_category(workflow)}.",
        f"Begins when {describe_trigger(workflow.trigger)}.",
    ]
    if description := escaped(workflow.description or ""):
        head.insert(1, description)
    if workflow.audience:
        when = "asked on entering and before every mail"
        head.append(f"Only while {describe_condition(workflow.audience)} ({when}).")
    key = getattr(workflow.trigger, "key", None)
    if not (key and workflow.reentry.allow == "never"):  # else the trigger's text says it
        head.append(f"Whoever was here before {describe_reentry(workflow.reentry)}.")
    head += [f"Ends wherever it stands {describe_exit(ending)}." for ending in workflow.exit_on]
    if workflow.goal:
        head.append(f"Its goal is {describe_goal(workflow.goal)}.")
    if workflow.active_enrollments:
        policy = describe_on_publish(workflow)
        head.append(f"When this is published, those inside on an older version {policy}.")
    return "\n\n".join(head) + "\n\n" + "\n".join(_list(workflow.steps)) + "\n"


def describe_step(step: AnyStep) -> str:
    """A step as a Markdown sentence without its full stop."""
    return type_of(step).describe(step)


def describe_status(workflow: Workflow) -> str:
    return {
        "live": "is live",
        "paused": "is paused: nobody enters, and those inside stand still",
        "draft": "is a draft: nobody enters yet",
    }[workflow.status]


def describe_category(workflow: Workflow) -> str:
    if workflow.category == "transactional":
        return "Its mails are transactional: they need nobody's consent"
    topic = f"the topic {code(workflow.topic)}" if workflow.topic else "the store's first topic"
    return f"Its mails are marketing, for those who said yes to {topic}"


def describe_reentry(reentry: Reentry) -> str:
    if reentry.allow == "always":
        return "may come again every time"
    if reentry.after:
        return f"may come again {describe_duration(reentry.after)} after entering"
    return "never comes again"


def describe_exit(ending: ExitOn) -> str:
    such = f" and {describe_condition(ending.where, 'its')}" if ending.where else ""
    return f"as soon as {bold(ending.event)} is reported{such}"


def describe_goal(goal: Goal) -> str:
    such = f" where {describe_condition(goal.where, 'its')}" if goal.where else ""
    within = f"within {describe_duration(goal.within)} of entering"
    return f"{bold(goal.event)}{such} {within}: whoever does that is won, and leaves"


def describe_on_publish(workflow: Workflow) -> str:
    """What contacts in an older version do."""
    policy = workflow.active_enrollments or OnPublishPolicy.model_validate({})
    if policy.on_publish == "cancel":
        return "leave within minutes, and get nothing more"
    if policy.on_publish == "drain":
        return "finish on theirs"
    moved = [f"from {code(old)} to {code(new)}" for old, new in policy.renamed_steps.items()]
    return "go on in this one within minutes, at the step they wait at" + (
        f" ({listed(moved)})" if moved else ""
    )


def _list(steps: Sequence[AnyStep]) -> Iterator[str]:
    for number, step in enumerate(steps, 1):
        mark = f"{number}. "
        note = f" {escaped(step.note)}" if step.note else ""
        yield f"{mark}{describe_step(step)}. ({code(step.id)}){note}".rstrip()
        for inner in type_of(step).lists(step):
            on = "" if inner.steps else " go on."
            yield from _indented(len(mark), [f"- {inner.title()}:{on}"])
            yield from _indented(len(mark) + 2, _list(inner.steps))


def _indented(width: int, lines: Iterator[str] | list[str]) -> Iterator[str]:
    return (" " * width + line for line in lines)
