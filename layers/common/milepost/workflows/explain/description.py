"""A whole workflow in plain words, from top to bottom, as Markdown."""

from collections.abc import Iterator, Sequence

from milepost.base.markdown import bold, code, describe_duration, escaped, listed
from milepost.conditions.file import describe_condition
from milepost.workflows.language.workflow import ExitOn, Goal, OnPublishPolicy, Reentry, Workflow
from milepost.workflows.steps import AnyStep, type_of
from milepost.workflows.triggers import describe_trigger

__all__ = [
    "describe",
    "describe_condition",
    "describe_exit",
    "describe_step",
    "say_category",
    "say_goal",
    "say_on_publish",
    "say_reentry",
    "say_status",
]  # fmt: skip


def describe(workflow: Workflow) -> str:
    """Sentences about the whole workflow, then its steps as nested lists."""
    head = [
        f"{bold(workflow.title)} {say_status(workflow)}. {say_category(workflow)}.",
        f"Begins when {describe_trigger(workflow.trigger)}.",
    ]
    if description := escaped(workflow.description or ""):
        head.insert(1, description)
    if workflow.audience:
        asked = "asked on entering and before every mail"
        head.append(f"Only while {describe_condition(workflow.audience)} ({asked}).")
    once = getattr(workflow.trigger, "key", None)
    if not (once and workflow.reentry.allow == "never"):  # then the trigger says all there is
        head.append(f"Whoever was here before {say_reentry(workflow.reentry)}.")
    head += [f"Ends wherever it stands {describe_exit(ending)}." for ending in workflow.exit_on]
    if workflow.goal:
        head.append(f"Its goal is {say_goal(workflow.goal)}.")
    if workflow.active_enrollments:
        head.append(
            f"When this is published, those inside on an older version {say_on_publish(workflow)}."
        )
    return "\n\n".join(head) + "\n\n" + "\n".join(_tell(workflow.steps)) + "\n"


def describe_step(step: AnyStep) -> str:
    """What a step does, as a sentence in Markdown without its full stop."""
    return type_of(step).describe(step)


def say_status(workflow: Workflow) -> str:
    return {
        "live": "is live",
        "paused": "is paused: nobody enters, and those inside stand still",
        "draft": "is a draft: nobody enters yet",
    }[workflow.status]


def say_category(workflow: Workflow) -> str:
    if workflow.category == "transactional":
        return "Its mails are transactional: they need nobody's consent"
    topic = f"the topic {code(workflow.topic)}" if workflow.topic else "the store's first topic"
    return f"Its mails are marketing, for those who said yes to {topic}"


def say_reentry(reentry: Reentry) -> str:
    if reentry.allow == "always":
        return "may come again every time"
    if reentry.after:
        return f"may come again {describe_duration(reentry.after)} after entering"
    return "never comes again"


def describe_exit(ending: ExitOn) -> str:
    such = f" and {describe_condition(ending.where, 'its')}" if ending.where else ""
    return f"as soon as {bold(ending.event)} is reported{such}"


def say_goal(goal: Goal) -> str:
    such = f" where {describe_condition(goal.where, 'its')}" if goal.where else ""
    within = f"within {describe_duration(goal.within)} of entering"
    return f"{bold(goal.event)}{such} {within}: whoever does that is won, and leaves"


def say_on_publish(workflow: Workflow) -> str:
    """What those inside on an older version do."""
    policy = workflow.active_enrollments or OnPublishPolicy.model_validate({})
    if policy.on_publish == "cancel":
        return "leave within minutes, and get nothing more"
    if policy.on_publish == "drain":
        return "finish on theirs"
    moved = [f"from {code(old)} to {code(new)}" for old, new in policy.renamed_steps.items()]
    return "go on in this one within minutes, at the step they wait at" + (
        f" ({listed(moved)})" if moved else ""
    )


def _tell(steps: Sequence[AnyStep]) -> Iterator[str]:
    for number, step in enumerate(steps, 1):
        mark = f"{number}. "
        note = f" {escaped(step.note)}" if step.note else ""
        yield f"{mark}{describe_step(step)}. ({code(step.id)}){note}".rstrip()
        for inner in type_of(step).lists(step):
            on = "" if inner.steps else " go on."
            yield from _indented(len(mark), [f"- {inner.title()}:{on}"])
            yield from _indented(len(mark) + 2, _tell(inner.steps))


def _indented(width: int, lines: Iterator[str] | list[str]) -> Iterator[str]:
    return (" " * width + line for line in lines)
