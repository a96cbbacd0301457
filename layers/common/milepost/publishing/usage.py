"""Which published workflows use which topics, senders, forms, templates and segments."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from milepost.contacts.event_names import OPT_IN
from milepost.enrollments.program import Program, TemplateUse, templates_of
from milepost.sending.senders import senders_named
from milepost.stores.settings import StoreSettings

if TYPE_CHECKING:
    from milepost.published.head import PublishedState
    from milepost.publishing.ports import PublishedWriter


def live_programs(
    publications: "PublishedWriter", store: str, head: "PublishedState"
) -> Iterator[Program]:
    """The compiled workflows that are not archived, sorted by name."""
    for name, live in sorted(head.workflows.items()):
        if live.status != "archived":
            yield publications.program(store, name, live.version)


def topics(program: Program) -> set[str]:
    """The topics that a workflow names."""
    named = {program.options.get("topic"), *(n.get("topic") for n in program.nodes.values())}
    return {topic for topic in named if topic}


def senders(program: Program) -> set[str]:
    """The senders that a workflow names by their id."""
    return {name for node in program.nodes.values() for name in senders_named(node).values()}


def double_opt_in_form(program: Program) -> str | None:
    """The form of a workflow's `form` trigger, or None."""
    if program.options["trigger"]["type"] != "form":
        return None
    first = program.options["trigger"]["where"]["all"][0]
    return str(first["is"])


def answers_opt_in(trigger: Mapping[str, Any], status: str) -> bool:
    """Whether a workflow sends the confirmation e-mail of double opt-in."""
    return trigger.get("event") == OPT_IN and status in {"live", "paused"}


def double_opt_in(settings: StoreSettings) -> list[str]:
    """The forms with double opt-in."""
    forms = settings.forms or {}
    return [name for name, form in sorted(forms.items()) if form.get("double_opt_in", True)]


def sends_template(program: Program, template: str) -> bool:
    """Whether a workflow sends this template in any version."""
    nodes = program.nodes.values()
    return any(template == used.template for node in nodes for used in templates_of(node))


def sends_marketing(program: Program, template: str) -> bool:
    """Whether a workflow sends this template as marketing without a pinned version."""
    return any(
        TemplateUse(template) in templates_of(node)
        and (node.get("category") or program.options["category"]) == "marketing"
        for node in program.nodes.values()
    )


def uses_segment(program: Program, segment: str) -> bool:
    """Whether a workflow uses a segment in its trigger or in a condition."""
    head = program.options
    trigger = head["trigger"]
    trigger_condition = {"event": "segment", "is": segment}
    if trigger["type"] in {"segment", "schedule"} and (
        trigger.get("segment") == segment
        or trigger_condition in trigger.get("where", {}).get("all", ())
    ):
        return True
    return _contains({"in_segment": segment}, [dict(head), [*program.nodes.values()]])


def _contains(wanted: Mapping[str, Any], part: Any) -> bool:
    if isinstance(part, Mapping):
        return part == wanted or any(_contains(wanted, each) for each in part.values())
    return isinstance(part, list | tuple) and any(_contains(wanted, each) for each in part)
