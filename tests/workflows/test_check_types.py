import json
from typing import Any

import pytest

from milepost.base.parse_file import parse_file
from milepost.workflows.compiler.check_conditions import STEP_RESULTS, check_types
from milepost.workflows.language.workflow import Workflow
from tests.support.builders import branch, delay, send, wait_for, workflow

Json = dict[str, Any]
HOOK: Json = {"id": "crm", "type": "webhook", "url": "https://crm.example/hook"}
STEPS: list[Json] = [
    send("hello"), HOOK, {"id": "vip", "type": "set_stage", "stage": "vip"},
    {"id": "lot", "type": "split", "paths": [{"name": "a"}, {"name": "b"}]},
    {"id": "some", "type": "holdout", "percent": 10},
    wait_for("reply", "Replied", "1 day"), delay("1 day", "rest"),
]  # fmt: skip


def found(*steps: Json, **head: Any) -> list[str]:
    document = workflow(*(steps or (send("a"),)), **head)
    read = parse_file(json.dumps(document), Workflow)
    assert isinstance(read, Workflow), read
    return [str(problem) for problem in check_types(read)]


def asked(condition: Json) -> list[str]:
    return found(*STEPS, branch("ask", condition, []))


def test_a_place_that_names_no_sender_is_found() -> None:
    variants = [{"name": "a", "template": "plain", "from": "contact.property.owner"},
                {"name": "b", "template": "plain"}]  # fmt: skip
    tested = {"id": "t", "type": "send_email", "variants": variants}
    mail = send("a", **{"from": "contact.owner", "reply_to": "contact.properties.owner"})
    assert found(mail, tested) == [
        'steps[0].from: contact.owner: a contact has no "owner" (did you mean "phone"?)',
        'steps[1].variants[0].from: contact.property.owner: a contact has no "property" (did you '
        'mean "properties"?)',
    ]


@pytest.mark.parametrize(
    "condition",
    [
        {"contact": "email", "ends_with": "@shop.example"},
        {"contact": "stage", "in": ["vip", "lead"]},
        {"contact": "score", "gte": 3},
        {"contact": "score", "is": 3.5},
        {"contact": "phone", "starts_with": "+33"},
        {"contact": "lists.club", "is": True},
        {"contact": "lists", "exists": True},
        {"contact": "properties.born", "anniversary_within": "7 days"},
        {"contact": "properties.orders[].total", "gt": 3},
        {"event": "whatever.the[].shop", "contains": "said"},
        {"step": "crm", "output": "status", "is": 200},
        {"step": "crm", "output": "body.tier", "starts_with": "g"},
        {"step": "crm", "output": "error", "exists": False},
        {"step": "vip", "output": "data.stage", "is": "vip"},
        {"step": "lot", "output": "path", "in": ["a"]},
        {"step": "some", "output": "held_back", "is": False},
        {"step": "reply", "output": "data.mood", "is": "good"},
        {"step": "reply", "output": "at", "within_last": "1 hour"},
        {"step": "ask", "output": "path", "exists": False},
    ],
    ids=str,
)
def test_what_can_be_compared_is_no_mistake(condition: Json) -> None:
    assert asked(condition) == []


@pytest.mark.parametrize(
    ("condition", "problem"),
    [
        ({"contact": "frist_name", "is": "Ada"},
         'contact: a contact has no "frist_name" (did you mean "first_name"?)'),
        ({"contact": "birthday", "exists": True},
         'contact: a contact has no "birthday" (what only your shop knows of a contact is in '
         "properties.birthday)"),
        ({"contact": "score", "contains": "3"},
         "contains: score is a number, and cannot be compared with this (use one of is, is_not, "
         "in, not_in, gt, gte, lt, lte, between, with a number)"),
        ({"contact": "score", "is": "3"}, "is: score is a number, and cannot be compared"),
        ({"contact": "score", "is": True}, "is: score is a number, and cannot be compared"),
        ({"contact": "email", "gt": 3}, "gt: email is a text, and cannot be compared with this"),
        ({"contact": "locale", "within_last": "1 day"}, "within_last: locale is a text, and"),
        ({"contact": "stage", "not_in": ["vip", 3]}, "not_in: stage is a text, and cannot be"),
        ({"contact": "lists.club", "is": "yes"}, "is: lists.club is true or false, and cannot"),
        ({"contact": "lists.club", "gte": 1}, "gte: lists.club is true or false, and cannot"),
        ({"step": "crm", "output": "staus", "is": 200},
         'output: the step "crm" (webhook) has no "staus" (did you mean "status"?)'),
        ({"step": "crm", "output": "status", "is": "200"}, "is: status is a number, and cannot"),
        ({"step": "lot", "output": "winner", "is": "a"},
         'output: the step "lot" (split) has no "winner" (there is path)'),
        ({"step": "hello", "output": "sent", "is": True},
         'output: the step "hello" (send_email) has no result to look at'),
        ({"step": "rest", "output": "until", "exists": True},
         'output: the step "rest" (delay) has no result to look at'),
    ],
    ids=str,
)  # fmt: skip
def test_what_could_never_hold_is_found(condition: Json, problem: str) -> None:
    (only,) = asked(condition)
    assert only.startswith(f"steps[7].paths[0].if.{problem}")


def test_it_is_found_wherever_it_is_asked() -> None:
    wrong = {"contact": "scor", "gte": 1}
    places = [
        problem.partition(": ")[0]
        for problem in found(
            wait_for("w", "E", "1 day", where={"not": wrong}),
            trigger={"type": "event", "event": "E", "where": {"all": [wrong]}},
            audience={"did": "E", "where": {"any": [wrong]}},
        )
    ]
    assert places == [
        "trigger.where.all[0].contact",
        "audience.where.any[0].contact",
        "steps[0].where.not.contact",
    ]


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        ({"type": "delay_until", "date": "contact.birthday"},
         'date: contact.birthday: a contact has no "birthday" (what only'),
        ({"type": "delay_until", "date": "steps.rest.until"},
         'date: steps.rest.until: the step "rest" (delay) has no result to look at'),
        ({"type": "notify", "message": "See {contact.emial}, {event.anything}"},
         'message: contact.emial: a contact has no "emial" (did you mean "email"?)'),
        ({"type": "update_contact", "set": {"tier": {"from": "steps.crm.bdoy.tier"}}},
         'set: steps.crm.bdoy.tier: the step "crm" (webhook) has no "bdoy" (did you mean "body"?)'),
        ({"type": "update_contact", "locale": {"from": "contact.language"}},
         'locale: contact.language: a contact has no "language"'),
        ({**HOOK, "body": {"deep": [{"in": {"from": "store.nmae"}}]}},
         'body: store.nmae: store has no "nmae" (did you mean "name"?)'),
        ({"type": "emit_event", "event": "E", "properties": {"x": {"from": "enrollment.key"}}},
         'properties: enrollment.key: enrollment has no "key" (there is id, since, workflow)'),
    ],
    ids=str,
)  # fmt: skip
def test_a_place_where_nothing_ever_is_is_found(step: Json, problem: str) -> None:
    (only,) = found(HOOK, delay("1 day", "rest"), {**step, "id": "it"})
    assert only.startswith(f"steps[2].{problem}")


@pytest.mark.parametrize(
    "step",
    [
        {"type": "delay_until", "date": "2027-01-31"},
        {"type": "delay_until", "date": "event.when"},
        {"type": "delay_until", "date": "steps.crm.body.when"},
        {"type": "delay_until", "date": "steps.gone.body"},
        {"type": "notify", "message": "{contact.properties.x} {steps.crm.status} {nothing.x} {}"},
        {"type": "update_contact", "set": {"from": "contact.nothing", "x": 1}},
        {"type": "emit_event", "event": "E", "properties": {"x": {"from": "steps.crm"}}},
    ],
    ids=str,
)
def test_a_place_where_something_may_be_is_no_mistake(step: Json) -> None:
    assert found(HOOK, {**step, "id": "it"}) == []


@pytest.mark.parametrize(
    ("trigger", "problem"),
    [
        ({"field": "scor", "crosses": 3}, 'trigger.field: a contact has no "scor" (did you mean '),
        ({"field": "stage", "crosses": 3}, "trigger.crosses: stage is a text, and only a number"),
        ({"field": "score", "to": "high"}, "trigger.to: score is always a number"),
        ({"field": "stage", "from": 1}, "trigger.from: stage is always a text"),
        ({"field": "lists.club", "to": "yes"}, "trigger.to: lists.club is always true or false"),
    ],
    ids=str,
)
def test_a_change_that_never_comes_is_found(trigger: Json, problem: str) -> None:
    (only,) = found(trigger={"type": "contact", **trigger})
    assert only.startswith(problem)


@pytest.mark.parametrize(
    ("field", "problems"),
    [
        ("properties.birthday", []),
        ("birthday", ['trigger.field: a contact has no "birthday" (what only your shop knows of a '
                      "contact is in properties.birthday)"]),
        ("score", ["trigger.field: score is a number, and no date"]),
    ],
)  # fmt: skip
def test_a_date_that_nobody_has_never_comes(field: str, problems: list[str]) -> None:
    assert found(trigger={"type": "date", "field": field}) == problems
    assert found(trigger={"type": "date", "day": "03-08"}) == []


def test_a_change_that_may_come_is_no_mistake() -> None:
    for trigger in ({"field": "properties.plan", "to": 3}, {"field": "score", "crosses": 3}):
        assert found(trigger={"type": "contact", **trigger}) == []


def test_every_kind_of_step_with_a_result_is_one_of_the_language() -> None:
    schema = str(Workflow.model_json_schema()["$defs"])
    assert all(f"'const': '{kind}'" in schema for kind in STEP_RESULTS)
