"""A whole workflow in plain words, from top to bottom, as Markdown."""

from collections.abc import Iterator, Sequence

from milepost.base.markdown import bold, code, describe_duration, escaped, listed, share
from milepost.conditions.file import describe_condition
from milepost.workflows.language.workflow import ExitOn, Goal, OnPublishPolicy, Reentry, Workflow
from milepost.workflows.steps import AnyStep, Branch, Split, WaitFor
from milepost.workflows.steps.describe import describe_step
from milepost.workflows.triggers.describe import describe_trigger
from milepost.workflows.triggers.triggers import EventTrigger

__all__ = [
    "describe",
    "describe_condition",
    "describe_exit",
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
    once = isinstance(workflow.trigger, EventTrigger) and workflow.trigger.key
    if not (once and workflow.reentry.allow == "never"):  # then the trigger says all there is
        head.append(f"Whoever was here before {say_reentry(workflow.reentry)}.")
    head += [f"Ends wherever it stands {describe_exit(ending)}." for ending in workflow.exit_on]
    if workflow.goal:
        head.append(f"Its goal is {say_goal(workflow.goal)}.")
    if workflow.inside:
        head.append(
            f"When this is published, those inside on an older version {say_on_publish(workflow)}."
        )
    return "\n\n".join(head) + "\n\n" + "\n".join(_tell(workflow.steps)) + "\n"


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
    inside = workflow.inside or OnPublishPolicy.model_validate({})
    if inside.on_publish == "cancel":
        return "leave within minutes, and get nothing more"
    if inside.on_publish == "drain":
        return "finish on theirs"
    moved = [f"from {code(old)} to {code(new)}" for old, new in inside.steps.items()]
    return "go on in this one within minutes, at the step they wait at" + (
        f" ({listed(moved)})" if moved else ""
    )


def _tell(steps: Sequence[AnyStep]) -> Iterator[str]:
    for number, step in enumerate(steps, 1):
        mark = f"{number}. "
        note = f" {escaped(step.note)}" if step.note else ""
        yield f"{mark}{describe_step(step)}. ({code(step.id)}){note}".rstrip()
        for title, inner in labeled_paths(step):
            yield from _indented(len(mark), [f"- {title}:{'' if inner else ' go on.'}"])
            yield from _indented(len(mark) + 2, _tell(inner))


def _indented(width: int, lines: Iterator[str] | list[str]) -> Iterator[str]:
    return (" " * width + line for line in lines)


def labeled_paths(step: AnyStep) -> Iterator[tuple[str, Sequence[AnyStep]]]:
    """The lists of steps that a step holds, each with when it is taken."""
    match step:
        case WaitFor():
            yield "if it happens", step.on_event
            yield "otherwise", step.on_timeout
        case Branch():
            for path in step.paths:
                asked = describe_condition(path.if_)
                yield f"{bold(path.name)}, if {asked}", path.steps
            yield "otherwise", step.else_
        case Split():
            whole = sum(each.weight for each in step.paths)
            for each in step.paths:
                part = share(each.weight, whole)
                yield f"{bold(each.name)}, {part} of people", each.steps
        case _:
            return
