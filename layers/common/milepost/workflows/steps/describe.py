"""Steps in words: each as a sentence of its own, without the steps that it holds."""

from collections.abc import Callable, Mapping
from typing import Any

from milepost.base.markdown import (
    bold,
    clock,
    code,
    describe_duration,
    describe_offset,
    listed,
    plural,
    quoted,
    share,
    times,
    value,
)
from milepost.conditions.file import describe_condition
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
    Variant,
    WaitFor,
    Webhook,
)


def describe_step(step: AnyStep) -> str:
    """What a step does, as a sentence in Markdown without its full stop."""
    return _SAY[type(step)](step)


def _delay(step: Delay) -> str:
    said = f"Wait {describe_duration(step.for_)}" if step.for_ else "Wait"
    then = []
    if step.until_time:
        then.append(f"until it is {step.until_time}")
    if step.on_days:
        days = listed([day.capitalize() for day in step.on_days], "or")
        then.append(f"on a {days}" if step.until_time else f"until it is a {days}")
    if not then:
        return said + (f" (on {clock(step.timezone, 'contact')})" if step.timezone else "")
    glue = ", then " if step.for_ else " "
    return f"{said}{glue}{' '.join(then)}, on {clock(step.timezone, 'contact')}"


def _delay_until(step: DelayUntil) -> str:
    date = value(step.date) if step.date[:1].isdigit() else f"the date in {code(step.date)}"
    at = f", {step.at} of that day" if step.at else ""
    wall = f" on {clock(step.timezone, 'contact')}"
    missing = "leave" if step.if_missing == "exit" else "go on at once"
    otherwise = f"; where there is no such date, {missing}"
    moved = (
        f"; the contact sees it as {_titled(step.movable)} and can move it" if step.movable else ""
    )
    return f"Wait until {describe_offset(step.offset, date)}{at}{wall}{otherwise}{moved}"


def _titled(title: str | Mapping[str, str]) -> str:
    if isinstance(title, str):
        return bold(title)
    return ", ".join(f"{bold(words)} ({locale})" for locale, words in title.items())


def _wait_for(step: WaitFor) -> str:
    such = f" where {describe_condition(step.where, 'its')}" if step.where else ""
    return f"Wait up to {describe_duration(step.timeout)} for {bold(step.event)}{such}"


def _split(step: Split) -> str:
    said = f"Choose one of {plural(len(step.paths), 'path')} by chance"
    if step.winner is None:
        return said
    metric = {"opened": "is opened more", "clicked": "is clicked more", "goal": "wins more people"}
    better = metric.get(step.winner.metric, "earns more")
    sure = f"{step.winner.confidence:.10%}".rstrip("0%").removesuffix(".") + "%"
    return (
        f"{said}; not before {describe_duration(step.winner.after)} have passed, everybody "
        "goes the way "
        f"that {better}, when that is {sure} sure"
    )


def _template(named: SendEmail | Variant) -> str:
    said = bold(named.template or "")
    return f"{said} in version {code(named.template_version)}" if named.template_version else said


def _send_email(step: SendEmail) -> str:
    if step.variants:
        whole = sum(variant.weight for variant in step.variants)
        said = "Send one of " + listed(
            [
                f"{_template(v)} as {code(v.name)} ({v.weight}, {share(v.weight, whole)})"
                + (f" from {code(v.from_)}" if v.from_ else "")
                for v in step.variants
            ],
            "or",
        )
    else:
        said = f"Send {_template(step)}"
    more = []
    if step.category:
        more.append(f"as {step.category} mail")
    if step.topic:
        more.append(f"to those who consent to {code(step.topic)}")
    if step.from_:
        more.append(f"from {code(step.from_)}")
    if step.from_name:
        under = "under the name" if step.from_ else "from"
        more.append(f"{under} {quoted(step.from_name)}")
    if step.reply_to:
        more.append(f"answers go to {quoted(step.reply_to)}")
    if step.attachments:
        more.append(f"with {listed([quoted(name) for name in step.attachments])}")
    if step.expires:
        more.append(f"not if that is {describe_duration(step.expires)} late")
    if step.on_cap:
        later = "is left out" if step.on_cap == "skip" else "waits"
        more.append(f"it {later} when the contact has had enough mail")
    return ", ".join([said, *more])


def _update(step: UpdateContact) -> str:
    done = [f"set {code(name)} to {value(new)}" for name, new in step.set.items()]
    done += [f"remove {code(name)}" for name in step.unset]
    done += [f"add {value(more)} to {code(name)}" for name, more in step.increment.items()]
    done += [
        f"append {value(more)} to the list in {code(name)}" for name, more in step.append.items()
    ]
    if step.locale:
        done.append(f"set the language to {value(step.locale)}")
    if step.timezone:
        done.append(f"set the time zone to {value(step.timezone)}")
    return f"Change the contact: {listed(done)}"


def _coupon(step: IssueCoupon) -> str:
    good = f", good for {describe_duration(step.expires)}" if step.expires else ""
    return f"Take a coupon code from the pool {code(step.pool)}{good}"


def _fields(given: Mapping[str, Any]) -> str:
    return listed([f"{code(name)} = {value(each)}" for name, each in given.items()])


def _webhook(step: Webhook) -> str:
    said = f"Call {value(step.url)} ({step.method})"
    if step.body is not None:
        said += f" with {_fields(step.body)}" if step.body else " with nothing"
    if step.headers is not None:
        said += f", headers {_fields(step.headers)}" if step.headers else ", no headers"
    failing = "leave" if step.on_failure == "exit" else "go on all the same"
    return f"{said}; if that fails, {failing}"


def _notify(step: Notify) -> str:
    where = f"in Slack at {value(step.url)}" if step.to == "slack" else "by the store's alerts"
    return f"Tell the shop's own people {where}: {quoted(step.message)}"


def _ticket(step: CreateTicket) -> str:
    kind = f", category {quoted(step.category)}" if step.category else ""
    whose = f", for {quoted(step.assignee)}" if step.assignee else ""
    return f"Open a ticket {quoted(step.title)} at {code(step.profile)}{kind}{whose}"


def _score(step: AddScore) -> str:
    if step.points < 0:
        return f"Take {plural(-step.points, 'point')} from the contact's score"
    return f"Add {plural(step.points, 'point')} to the contact's score"


def _emit(step: EmitEvent) -> str:
    return f"Report {bold(step.event)}" + (
        f" with {_fields(step.properties)}" if step.properties else ""
    )


def _goto(step: Goto) -> str:
    most = f", {times(step.max)} at most; after that, go on below" if step.max else ""
    return f"Go on at {code(step.to)}{most}"


_SAY: Mapping[type, Callable[[Any], str]] = {
    Delay: _delay,
    DelayUntil: _delay_until,
    WaitFor: _wait_for,
    Branch: lambda _: "Take the first path whose condition holds",
    Split: _split,
    Holdout: lambda s: f"Keep {value(s.percent)} of 100 people back as a control group: they leave",
    SendEmail: _send_email,
    SendSms: lambda s: (
        f"Send the text message {bold(s.template)}"
        + (f" to those who consent to {code(s.topic)}" if s.topic else "")
    ),
    UpdateContact: _update,
    AddToList: lambda s: f"Put the contact on the list {code(s.list)}",
    RemoveFromList: lambda s: f"Take the contact off the list {code(s.list)}",
    SetStage: lambda s: f"Move the contact to the stage {code(s.stage)}",
    AddScore: _score,
    IssueCoupon: _coupon,
    Webhook: _webhook,
    Notify: _notify,
    CreateTicket: _ticket,
    EmitEvent: _emit,
    StartWorkflow: lambda s: f"Start the workflow {code(s.workflow)}",
    Exit: lambda s: f"Leave ({quoted(s.reason)})",
    Goto: _goto,
}
