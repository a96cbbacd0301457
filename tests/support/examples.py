"""Every trigger, step and condition with every field, and another value for each field.

For properties about everything that can be written: for example, that every change is described.
"""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, NamedTuple, get_args

from milepost.base.file_model import FileModel
from milepost.conditions import file
from milepost.conditions import leaf_files as c
from milepost.workflows.steps import STEPS as STEP_TYPES
from milepost.workflows.triggers import TRIGGERS as TRIGGER_TYPES
from tests.support.builders import Json

s = SimpleNamespace(**{step.model.__name__: step.model for step in STEP_TYPES})
t = SimpleNamespace(**{trigger.model.__name__: trigger.model for trigger in TRIGGER_TYPES})
UNTOLD = {"type", "id", "note"}
EVENT = {"event": "total", "gte": 20}
OTHER = {"event": "total", "gte": 21}
SEND = {"id": "inner", "type": "send_email", "template": "plain"}

Examples = dict[type[FileModel], tuple[Json, Json]]
"""A document, and another value for each described field (None: without the field)."""


class Pair(NamedTuple):
    """A document, and the same document with one field changed."""

    kind: type[FileModel]
    field: str
    one: Json
    other: Json


def pairs(examples: Examples) -> Iterator[Pair]:
    for kind, (document, others) in examples.items():
        for field, value in others.items():
            changed = {**document, field: value}
            if value is None:
                del changed[field]
            yield Pair(kind, field, document, changed)


def fields(kind: type[FileModel]) -> set[str]:
    """The fields of a part of a file, by their names in the file."""
    return {info.alias or name for name, info in kind.model_fields.items()}


def members(union: Any) -> set[type[FileModel]]:
    """The models of a union inside `Annotated`; each may be inside an `Annotated` of its own."""
    found = set()
    for member in get_args(get_args(union)[0]):
        found.add(member if isinstance(member, type) else get_args(member)[0])
    return found


TRIGGERS: Examples = {
    t.EventTrigger: (
        {"type": "event", "event": "Ordered", "where": EVENT, "key": "cart.id"},
        {"event": "Paid", "where": OTHER, "key": None},
    ),
    t.FormTrigger: (
        {"type": "form", "form": "footer", "where": EVENT},
        {"form": "popup", "where": None},
    ),
    t.ListTrigger: (
        {"type": "list", "list": "news", "on": "added"},
        {"list": "vip", "on": "removed"},
    ),
    t.SegmentTrigger: (
        {"type": "segment", "segment": "vip", "on": "entered", "include_existing": True},
        {"segment": "news", "on": "left", "include_existing": None},
    ),
    t.ContactTrigger: (
        {"type": "contact", "field": "plan", "from": "a", "to": "b", "crosses": 5},
        {"field": "stage", "from": None, "to": "c", "crosses": 6},
    ),
    t.EmailTrigger: (
        {"type": "email", "on": "clicked", "workflow": "w", "step": "s", "link": "https://a"},
        {"workflow": "v", "step": None, "link": None},
    ),
    t.DateTrigger: (
        {
            "type": "date",
            "field": "properties.birthday",
            "offset": "-3 days",
            "at": "10:00",
            "timezone": "Europe/Paris",
            "repeat": "once",
        },
        {
            "field": "renewal",
            "offset": "3 days",
            "at": "11:00",
            "timezone": "store",
            "repeat": "yearly",
        },
    ),
    t.InactivityTrigger: (
        {"type": "inactivity", "events": ["A", "B"], "for": "90 days"},
        {"events": ["A"], "for": "91 days"},
    ),
    t.ScheduleTrigger: (
        {"type": "schedule", "at": "2026-11-27T09:00", "segment": "vip", "timezone": "store"},
        {"at": "2026-11-28T09:00", "segment": "all", "timezone": "contact"},
    ),
    t.CatalogTrigger: (
        {"type": "catalog", "on": "price_drop", "threshold": 10, "audience": ["viewed", "asked"]},
        {"on": "low_stock", "threshold": 11, "audience": ["viewed"]},
    ),
    t.ManualTrigger: ({"type": "manual"}, {}),
}
MORE_TRIGGERS: Examples = {
    t.DateTrigger: ({"type": "date", "day": "03-08"}, {"day": "03-09"}),
    t.ScheduleTrigger: (
        {"type": "schedule", "rrule": "FREQ=DAILY", "segment": "vip"},
        {"rrule": "FREQ=WEEKLY"},
    ),
    t.EmailTrigger: ({"type": "email", "on": "opened"}, {"on": "unsubscribed"}),
}

_ID: Json = {"id": "it"}
STEPS: Examples = {
    s.Delay: (
        {
            "type": "delay",
            **_ID,
            "for": "1 hour",
            "until_time": "09:30",
            "on_days": ["monday", "friday"],
            "timezone": "store",
        },
        {"for": "2 hours", "until_time": None, "on_days": ["monday"], "timezone": "Europe/Paris"},
    ),
    s.DelayUntil: (
        {
            "type": "delay_until",
            **_ID,
            "date": "contact.properties.renewal",
            "offset": "-3 days",
            "at": "09:30",
            "timezone": "store",
            "if_missing": "continue",
            "movable": "Renewal",
        },
        {
            "date": "contact.properties.visit",
            "offset": "3 days",
            "at": "10:30",
            "timezone": "contact",
            "if_missing": "exit",
            "movable": {"en": "Renewal"},
        },
    ),
    s.WaitFor: (
        {"type": "wait_for", **_ID, "event": "Ordered", "where": EVENT, "timeout": "1 day"},
        {
            "event": "Paid",
            "where": OTHER,
            "timeout": "2 days",
            "on_event": [SEND],
            "on_timeout": [SEND],
        },
    ),
    s.Branch: (
        {"type": "branch", **_ID, "paths": [{"name": "a", "if": EVENT}]},
        {"paths": [{"name": "a", "if": OTHER}], "else": [SEND]},
    ),
    s.Split: (
        {
            "type": "split",
            **_ID,
            "paths": [{"name": "a"}, {"name": "b"}],
            "winner": {"metric": "goal", "after": "3 days", "confidence": 0.9},
        },
        {
            "paths": [{"name": "a", "weight": 2}, {"name": "b"}],
            "winner": {"metric": "goal", "after": "3 days"},
        },
    ),
    s.Holdout: ({"type": "holdout", **_ID, "percent": 10}, {"percent": 12.5}),
    s.SendEmail: (
        {
            "type": "send_email",
            **_ID,
            "template": "one",
            "category": "marketing",
            "topic": "offers",
            "from_name": "Ada",
            "reply_to": "a@shop.example",
            "expires": "1 day",
            "on_cap": "skip",
            "attachments": ["a.pdf"],
            "from": "ada",
            "template_version": "a" * 16,
        },
        {
            "template": "two",
            "category": "transactional",
            "topic": "news",
            "from_name": "Bo",
            "reply_to": "b@shop.example",
            "expires": "2 days",
            "on_cap": "defer",
            "attachments": ["a.pdf", "b.pdf"],
            "from": "contact.properties.owner",
            "template_version": "b" * 16,
        },
    ),
    s.SendSms: (
        {"type": "send_sms", **_ID, "template": "one", "topic": "offers"},
        {"template": "two", "topic": None},
    ),
    s.UpdateContact: (
        {
            "type": "update_contact",
            **_ID,
            "set": {"a": 1},
            "unset": ["b"],
            "increment": {"c": 1},
            "append": {"d": "x"},
            "locale": "fr",
            "timezone": {"from": "event.zone"},
        },
        {
            "set": {"a": {"from": "event.total"}},
            "unset": ["e"],
            "increment": {"c": 2},
            "append": {"d": "y"},
            "locale": "de",
            "timezone": "Europe/Paris",
        },
    ),
    s.AddToList: ({"type": "add_to_list", **_ID, "list": "vip"}, {"list": "news"}),
    s.RemoveFromList: ({"type": "remove_from_list", **_ID, "list": "vip"}, {"list": "news"}),
    s.SetStage: ({"type": "set_stage", **_ID, "stage": "lead"}, {"stage": "customer"}),
    s.AddScore: ({"type": "add_score", **_ID, "points": 5}, {"points": -5}),
    s.IssueCoupon: (
        {"type": "issue_coupon", **_ID, "pool": "cart-10", "expires": "7 days"},
        {"pool": "cart-20", "expires": None},
    ),
    s.Webhook: (
        {
            "type": "webhook",
            **_ID,
            "url": "https://crm.example",
            "method": "PUT",
            "body": {"a": 1},
            "headers": {"X-A": "1"},
            "on_failure": "exit",
        },
        {
            "url": "https://crm.example/2",
            "method": "POST",
            "body": {"a": 2},
            "headers": {"X-A": "2"},
            "on_failure": "continue",
        },
    ),
    s.Notify: (
        {"type": "notify", **_ID, "message": "Look at this"},
        {"message": "Look at that"},
    ),
    s.CreateTicket: (
        {
            "type": "create_ticket",
            **_ID,
            "profile": "desk",
            "title": "T",
            "category": "c",
            "assignee": "Ada",
        },
        {"profile": "help", "title": "U", "category": "d", "assignee": "Bo"},
    ),
    s.EmitEvent: (
        {"type": "emit_event", **_ID, "event": "Nudged", "properties": {"a": 1}},
        {"event": "Pushed", "properties": {"a": 2}},
    ),
    s.StartWorkflow: ({"type": "start_workflow", **_ID, "workflow": "w"}, {"workflow": "v"}),
    s.Exit: ({"type": "exit", **_ID, "reason": "won"}, {"reason": "lost"}),
    s.Goto: ({"type": "goto", **_ID, "to": "it", "max": 3}, {"to": "inner", "max": 4}),
}
_VARIANTS = [{"name": "a", "template": "one"}, {"name": "b", "template": "two"}]
MORE_STEPS: Examples = {
    s.SendEmail: (
        {"type": "send_email", **_ID, "variants": _VARIANTS},
        {"variants": [{**_VARIANTS[0], "weight": 3}, _VARIANTS[1]]},
    ),
    s.Notify: (
        {"type": "notify", **_ID, "message": "Look", "to": "slack", "url": "https://a.example"},
        {"url": "https://b.example"},
    ),
}

OPERATORS: Json = {
    "is": 1,
    "is_not": 1,
    "in": [1, 2],
    "not_in": [1, 2],
    "contains": "a",
    "starts_with": "a",
    "ends_with": "a",
    "gt": 1,
    "gte": 1,
    "lt": 1,
    "lte": 1,
    "between": [1, 2],
    "exists": True,
    "before": "2026-01-01",
    "after": "2026-01-01",
    "within_last": "1 day",
    "within_next": "1 day",
    "anniversary_within": "1 day",
}
_WINDOW: Json = {"within": "30 days", "where": EVENT}
_OTHER_WINDOW: Json = {"within": "31 days", "where": OTHER}
_TIMES: Json = {"times": {"gte": 2, "lte": 5}}
_BOUNDS: Json = {"gt": 1, "gte": 2, "lt": 9, "lte": 8}
CONDITIONS: Examples = {
    file.AllOf: ({"all": [EVENT, OTHER]}, {"all": [EVENT]}),
    file.AnyOf: ({"any": [EVENT, OTHER]}, {"any": [EVENT]}),
    file.NotCondition: ({"not": EVENT}, {"not": OTHER}),
    c.ContactCondition: ({"contact": "country", "is": "FR"}, {"contact": "city"}),
    c.EventCondition: ({"event": "total", "is": 1}, {"event": "sum"}),
    c.StepIs: ({"step": "crm", "output": "tier", "is": 1}, {"step": "erp", "output": "body.x"}),
    c.Did: (
        {"did": "Ordered", **_TIMES, **_WINDOW},
        {"did": "Paid", "times": {"gt": 2}, **_OTHER_WINDOW},
    ),
    c.DidNot: (
        {"did_not": "Ordered", **_TIMES, **_WINDOW},
        {"did_not": "Paid", "times": {"is": 2}, **_OTHER_WINDOW},
    ),
    c.SumOf: (
        {"sum_of": "Ordered", "of": "total", **_BOUNDS, **_WINDOW},
        {"sum_of": "Paid", "of": "tax", **{k: v + 1 for k, v in _BOUNDS.items()}, **_OTHER_WINDOW},
    ),
    c.EmailEventCondition: (
        {"email": "hello", "was": "clicked", "link": "https://a", "include_bots": False},
        {"email": "bye", "was": "opened", "link": "https://b", "include_bots": True},
    ),
    c.ConsentsTo: ({"consents_to": "offers"}, {"consents_to": "news"}),
    c.InWorkflow: ({"in_workflow": "a"}, {"in_workflow": "b"}),
    c.InList: ({"in_list": "a"}, {"in_list": "b"}),
    c.InSegment: ({"in_segment": "a"}, {"in_segment": "b"}),
}
MORE_CONDITIONS: Examples = {
    c.Did: ({"did": "Ordered", "since": "enrollment"}, {"since": None}),
    c.DidNot: ({"did_not": "Ordered", "since": "enrollment"}, {"since": None}),
    c.SumOf: ({"sum_of": "A", "of": "b", "gt": 1, "since": "enrollment"}, {"since": None}),
}
