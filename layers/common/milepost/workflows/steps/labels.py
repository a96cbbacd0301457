"""Steps in two or three words: for the boxes of the picture, as plain text."""

from collections.abc import Callable, Mapping
from typing import Any

from milepost.base.markdown import describe_duration, listed, plural
from milepost.workflows.steps import (
    AddScore,
    AddToList,
    AnyStep,
    Branch,
    CreateTicket,
    Delay,
    DelayUntil,
    EmitEvent,
    Exit,
    Goto,
    Holdout,
    IssueCoupon,
    Notify,
    RemoveFromList,
    SendEmail,
    SendSms,
    SetStage,
    Split,
    StartWorkflow,
    UpdateContact,
    WaitFor,
    Webhook,
)


def step_label(step: AnyStep) -> str:
    return _NAMES[type(step)](step)


def _delay(step: Delay) -> str:
    parts = [describe_duration(step.for_)] if step.for_ else []
    if step.until_time:
        parts.append(f"until {step.until_time}")
    if step.on_days:
        parts.append("on " + listed([day[:3].capitalize() for day in step.on_days], "or"))
    return f"Wait {' '.join(parts)}"


def _send(step: SendEmail) -> str:
    return f"Send {step.template or 'one of ' + plural(len(step.variants or ()), 'variant')}"


def _update(step: UpdateContact) -> str:
    names = [*step.set, *step.unset, *step.increment, *step.append]
    names += [name for name in ("locale", "timezone") if getattr(step, name)]
    return f"Change {', '.join(names)}"


_NAMES: Mapping[type, Callable[[Any], str]] = {
    Delay: _delay,
    DelayUntil: lambda s: f"Wait until {s.date}",
    WaitFor: lambda s: f"Wait for {s.event}, {describe_duration(s.timeout)} at most",
    Branch: lambda _: "Which path?",
    Split: lambda _: "By chance",
    Holdout: lambda s: f"Keep {s.percent:g}% back",
    SendEmail: _send,
    SendSms: lambda s: f"Text {s.template}",
    UpdateContact: _update,
    AddToList: lambda s: f"Add to list {s.list}",
    RemoveFromList: lambda s: f"Remove from list {s.list}",
    SetStage: lambda s: f"Stage {s.stage}",
    AddScore: lambda s: f"Score {s.points:+d}",
    IssueCoupon: lambda s: f"Coupon {s.pool}",
    Webhook: lambda s: f"{s.method} {s.url}",
    Notify: lambda s: f"Tell staff: {s.message}",
    CreateTicket: lambda s: f"Ticket: {s.title}",
    EmitEvent: lambda s: f"Report {s.event}",
    StartWorkflow: lambda s: f"Start {s.workflow}",
    Exit: lambda s: f"Leave: {s.reason}",
    Goto: lambda s: f"Go to {s.to}",
}
