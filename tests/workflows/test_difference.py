"""What a new version changes is said, all of it, and nothing else."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milepost.base.parse_file import parse_file
from milepost.workflows.compiler.check_steps import build_program
from milepost.workflows.explain.difference import compare, vanished
from milepost.workflows.language.workflow import Workflow, walk
from tests.support import examples
from tests.support.builders import Json, branch, delay, leave, send, wait_for, workflow
from tests.support.examples import EVENT, OPERATORS, OTHER, Pair, pairs
from tests.support.laws import how_many
from tests.support.random_workflows import workflows


def read(document: Json) -> Workflow:
    found = parse_file(json.dumps(document), Workflow)
    assert isinstance(found, Workflow), found
    return found


def changes(old: list[Json], new: list[Json]) -> list[str]:
    return compare(read(workflow(*old)), read(workflow(*new)))


def heads(old: Json, new: Json) -> list[str]:
    return compare(read(workflow(send("a"), **old)), read(workflow(send("a"), **new)))


# --- nothing ---


@given(workflows())
@settings(max_examples=how_many(60))
def test_a_workflow_does_not_differ_from_itself(document: Json) -> None:
    assert compare(read(document), read(document)) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ([delay("1 hour", "w")], [delay("60 minutes", "w")]),
        ([delay("1 hour", "w")], [delay("PT1H", "w", note="a remark")]),
        ([wait_for("w", "E", "1 week")], [wait_for("w", "E", "7 days")]),
        ([{"id": "s", "type": "holdout", "percent": 10}],
         [{"id": "s", "type": "holdout", "percent": 10.0}]),
        ([leave("x")], [{"id": "x", "type": "exit"}]),
        ([delay("1 hour", "w")], [delay("1 hour", "w", until_time=None)]),
    ],
)  # fmt: skip
def test_the_same_in_other_words_is_no_change(old: list[Json], new: list[Json]) -> None:
    assert changes(old, new) == []


def test_descriptions_and_what_is_the_rule_anyway_do_not_matter() -> None:
    new = {"description": "x", "$schema": "y", "status": "live", "reentry": {"allow": "never"}}
    assert heads({}, new) == []
    assert heads({"goal": {"event": "A"}}, {"goal": {"event": "A", "within": "30 days"}}) == []


# --- steps ---


def test_what_is_added_and_what_is_gone_is_said_with_what_it_does() -> None:
    assert changes([send("a"), send("b")], [send("a"), delay("1 day", "w")]) == [
        "`b` is gone: Send **plain**.",
        "`w` is new, below `a`: Wait 1 day.",
    ]


def test_a_new_place_is_said_with_the_old_one() -> None:
    old = [send("a"), branch("b", EVENT, [send("c")], [send("d")])]
    new = [send("c"), send("a"), branch("b", EVENT, [send("d")])]
    assert changes(old, new) == [
        "`c` has moved: it is now first, was first in `b` on **yes**.",
        "`d` has moved: it is now first in `b` on **yes**, was first in `b` otherwise.",
    ]


def test_of_a_new_order_as_few_as_possible_have_moved() -> None:
    old = [send(name) for name in "abcde"]
    new = [send(name) for name in "eabcd"]
    assert changes(old, new) == ["`e` has moved: it is now first, was below `d`."]


def test_what_goes_in_between_moves_nothing() -> None:
    old = [send("a"), send("b"), send("c")]
    assert changes(old, [send("new"), send("a"), delay("1 day"), send("c")]) == [
        "`b` is gone: Send **plain**.",
        "`new` is new, first: Send **plain**.",
        "`wait-1-day` is new, below `a`: Wait 1 day.",
    ]


def test_a_step_of_another_kind_is_said_with_both() -> None:
    assert changes([delay("1 day", "x")], [send("x")]) == [
        "`x` was: Wait 1 day; it is now: Send **plain**."
    ]


def test_a_changed_field_is_said_from_what_to_what() -> None:
    assert changes(
        [delay("1 hour", "w"), send("m", "old")], [delay("90 minutes", "w"), send("m", "new/one")]
    ) == [
        "`w`: its `for` was 1 hour, is now 1 hour 30 minutes.",
        '`m`: its `template` was "old", is now "new/one".',
    ]


def test_a_field_that_appears_or_goes_was_left_out_or_is() -> None:
    assert changes([send("m")], [send("m", topic="news")]) == [
        '`m`: its `topic` was left out, is now "news".'
    ]


def test_other_spaces_are_a_change_where_people_read_them() -> None:
    def note(message: str) -> list[Json]:
        return [{"id": "n", "type": "notify", "message": message}]

    assert changes(note("one line"), note("one\nline")) == [
        '`n`: its `message` has other spaces: "one line".'
    ]


def test_paths_are_told_by_their_names() -> None:
    def three(*named: tuple[str, Json]) -> list[Json]:
        paths = [{"name": name, "if": condition} for name, condition in named]
        return [{"id": "b", "type": "branch", "paths": paths}]

    old = three(("a", EVENT), ("b", EVENT), ("c", EVENT))
    assert changes(old, three(("c", EVENT), ("a", OTHER), ("d", EVENT))) == [
        "`b`: its path **b** is gone (if the event's `total` is at least 20).",
        "`b`: its path **a** was if the event's `total` is at least 20, is now if the event's "
        "`total` is at least 21.",
        "`b`: its path **d** is new (if the event's `total` is at least 20).",
        "`b`: its paths have another order: **c**, **a** and **d**.",
    ]


def test_weights_and_variants_are_told_too() -> None:
    def dice(weight: int) -> Json:
        paths = [{"name": "a", "weight": weight}, {"name": "b"}]
        return {"id": "d", "type": "split", "paths": paths}

    def mail(template: str, **more: Any) -> Json:
        variants = [{"name": "a", "template": template, **more}, {"name": "b", "template": "x"}]
        return {"id": "m", "type": "send_email", "variants": variants}

    assert changes([dice(1), mail("p")], [dice(3), mail("q")]) == [
        "`d`: its path **a** was weight 1, is now weight 3.",
        "`m`: its variant **a** was **p**, weight 1, is now **q**, weight 1.",
    ]
    pinned = mail("p", template_version="0123456789abcdef")
    assert changes([mail("p")], [pinned]) == [
        "`m`: its variant **a** was **p**, weight 1, is now **p** in version `0123456789abcdef`, "
        "weight 1."
    ]


@pytest.mark.parametrize(
    "pair",
    [p for table in (examples.STEPS, examples.MORE_STEPS) for p in pairs(table)],
    ids=lambda p: f"{p.one['type']}",
)
def test_every_field_of_a_step_is_told_when_it_changes(pair: Pair) -> None:
    new_inside = pair.field in {"else", "on_event", "on_timeout"}
    outside = [] if new_inside else [send("inner")]
    found = changes([pair.one, *outside], [pair.other, *outside])
    assert len(found) == 1
    assert ("`inner` is new" if new_inside else "`it`: its") in found[0]


@given(workflows(), workflows())
@settings(max_examples=how_many(100))
def test_whatever_differs_is_said(old: Json, new: Json) -> None:
    one, other = read(old), read(new)
    assert bool(compare(one, other)) == (one != other)


@given(workflows(), st.randoms(use_true_random=False))
@settings(max_examples=how_many(100))
def test_steps_in_another_order_have_moved_and_nothing_else(document: Json, random: Any) -> None:
    steps = [*document["steps"]]
    random.shuffle(steps)
    found = compare(read(document), read({**document, "steps": steps}))
    assert all(" has moved: " in sentence for sentence in found)
    assert bool(found) == (steps != document["steps"])


# --- what stands above the steps ---


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ({}, {"title": "B"}, "Its `title` was **A workflow**, is now **B**."),
        ({}, {"status": "paused"}, "Its `status` was **live**, is now **paused**."),
        ({}, {"category": "transactional"},
         "Its `category` was **marketing**, is now **transactional**."),
        ({}, {"topic": None}, "Its `topic` was **offers**, is now left out."),
        ({}, {"trigger": {"type": "manual"}},
         "It now begins when somebody says so: a person, the API, an import or another workflow "
         "(it was: **Checkout Started** is reported)."),
        ({}, {"audience": {"consents_to": "a"}},
         "Contacts may now be here while the contact consents to `a` (it was: always)."),
        ({}, {"reentry": {"allow": "always"}},
         "From now on, whoever was here before may come again every time (it was: never comes "
         "again)."),
        ({}, {"exit_on": [{"event": "A"}]}, "It now ends as soon as **A** is reported."),
        ({"exit_on": [{"event": "A"}]}, {}, "It no longer ends as soon as **A** is reported."),
        ({}, {"goal": {"event": "A"}},
         "Its goal is now **A** within 30 days of entering: whoever does that is won, and leaves "
         "(it was: none)."),
        ({}, {"active_enrollments": {"on_publish": "cancel"}},
         "Those inside on an older version now leave within minutes, and get nothing more "
         "(it was: finish on theirs)."),
    ],
)  # fmt: skip
def test_a_change_above_the_steps_is_a_sentence(old: Json, new: Json, said: str) -> None:
    assert heads(old, new) == [said]


@pytest.mark.parametrize(
    "pair",
    [p for table in (examples.TRIGGERS, examples.MORE_TRIGGERS) for p in pairs(table)],
    ids=lambda p: f"{p.one['type']}",
)
def test_every_field_of_the_trigger_is_told_when_it_changes(pair: Pair) -> None:
    assert len(heads({"trigger": pair.one}, {"trigger": pair.other})) == 1


@pytest.mark.parametrize("name", OPERATORS)
def test_another_operator_of_the_audience_is_told(name: str) -> None:
    bound = OPERATORS[name]
    assert len(heads({"audience": {"contact": "a", "is": 7}},
                     {"audience": {"contact": "a", name: bound}})) == 1  # fmt: skip


# --- people who wait ---


def test_waiting_steps_that_a_new_version_has_not_are_named() -> None:
    old = workflow(
        delay("1 day", "gone"), delay("1 day", "stays"), send("mail"),
        wait_for("answer", "E", "1 day", [delay("1 day", "inner")], []),
        {"id": "day", "type": "delay_until", "date": "2027-01-01"},
    )  # fmt: skip
    new = read(
        workflow(
            send("answer"), wait_for("stays", "E", "1 day", [], [delay("2 days", "inner")]),
        )
    )  # fmt: skip
    assert vanished(build_program("w", 1, read(old)).nodes, new) == ["gone", "answer", "day"]


@given(workflows())
@settings(max_examples=how_many(50))
def test_nothing_vanishes_from_a_workflow_to_itself(document: Json) -> None:
    one = read(document)
    nodes = build_program("w", 1, one).nodes
    assert vanished(nodes, one) == []
    waiting = {s.id for _, s in walk(one.steps) if s.type in {"delay", "wait_for"}}
    assert set(vanished(nodes, read(workflow(send("x"))))) == waiting
