"""What a workflow says of itself leaves nothing out, and lets no text out of its place."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from milepost.base.markdown import clock, describe_offset, escaped, listed, plain, share, value
from milepost.base.parse_file import parse_file
from milepost.conditions.file import Condition
from milepost.conditions.operators import OPERATORS as KNOWN
from milepost.workflows.explain.description import describe, describe_condition, describe_step
from milepost.workflows.language.workflow import Workflow
from milepost.workflows.steps import AnyStep, type_of
from milepost.workflows.triggers import Trigger, describe_trigger, type_of_trigger
from tests.support import examples
from tests.support.builders import Json, branch, delay, leave, send, wait_for, workflow
from tests.support.examples import EVENT, OPERATORS, UNTOLD, Examples, Pair, fields, members, pairs
from tests.support.laws import how_many
from tests.support.random_workflows import workflows

if TYPE_CHECKING:
    from milepost.base.file_model import FileModel


STEP: TypeAdapter[AnyStep] = TypeAdapter(AnyStep)
TRIGGER: TypeAdapter[Trigger] = TypeAdapter(Trigger)
CONDITION: TypeAdapter[Condition] = TypeAdapter(Condition)


def read(document: Json) -> Workflow:
    found = parse_file(json.dumps(document), Workflow)
    assert isinstance(found, Workflow), found
    return found


def told(*steps: Json, **head: Any) -> str:
    return describe(read(workflow(*steps, **head)))


def said(condition: Json) -> str:
    return describe_condition(CONDITION.validate_python(condition))


def step(document: Json) -> str:
    return describe_step(STEP.validate_python(document))


def trigger(document: Json) -> str:
    return describe_trigger(TRIGGER.validate_python(document))


# --- nothing goes untold ---

ALL: list[tuple[Any, list[Examples]]] = [
    (Trigger, [examples.TRIGGERS, examples.MORE_TRIGGERS]),
    (AnyStep, [examples.STEPS, examples.MORE_STEPS]),
    (Condition, [examples.CONDITIONS, examples.MORE_CONDITIONS]),
]


@pytest.mark.parametrize(("union", "tables"), ALL)
def test_there_is_an_example_of_every_kind_with_every_field(
    union: Any, tables: list[Examples]
) -> None:
    assert set(tables[0]) == members(union)
    shown: dict[type[FileModel], set[str]] = {}
    for table in tables:
        for pair in pairs(table):
            shown.setdefault(pair.kind, set()).add(pair.field)
    for kind in members(union):
        optional = {"to"} if kind.__name__ == "Notify" else set()
        operators = set(OPERATORS) if "anniversary_within" in fields(kind) else set()
        assert fields(kind) - UNTOLD - operators - optional == shown.get(kind, set()), kind


@pytest.mark.parametrize(
    "pair", [p for table in ALL[0][1] for p in pairs(table)], ids=lambda p: f"{p.one['type']}"
)
def test_every_field_of_a_trigger_changes_its_words(pair: Pair) -> None:
    assert trigger(pair.one) != trigger(pair.other)


@pytest.mark.parametrize(
    "pair", [p for table in ALL[1][1] for p in pairs(table)], ids=lambda p: f"{p.one['type']}"
)
def test_every_field_of_a_step_changes_the_words(pair: Pair) -> None:
    inner = send("inner")
    assert told(pair.one, inner) != told(pair.other, inner)


@pytest.mark.parametrize(
    "pair", [p for table in ALL[2][1] for p in pairs(table)], ids=lambda p: f"{next(iter(p.one))}"
)
def test_every_field_of_a_condition_changes_its_words(pair: Pair) -> None:
    assert said(pair.one) != said(pair.other)


def test_every_operator_has_words_of_its_own() -> None:
    assert set(KNOWN) == set(OPERATORS)
    leaves = [{"contact": "a"}, {"event": "a"}, {"step": "a", "output": "b"}]
    words = {said({**leaf, name: bound}) for leaf in leaves for name, bound in OPERATORS.items()}
    assert len(words) == len(leaves) * len(OPERATORS)


def test_every_kind_of_step_and_trigger_has_a_short_name() -> None:
    steps = [STEP.validate_python(one) for one, _ in examples.STEPS.values()]
    assert len({type_of(each).label(each) for each in steps}) == len(steps)
    triggers = [TRIGGER.validate_python(one) for one, _ in examples.TRIGGERS.values()]
    assert all(type_of_trigger(each).label(each).strip() for each in triggers)


HEADS: list[tuple[Json, Json]] = [
    ({"status": "live"}, {"status": "paused"}),
    ({"status": "live"}, {"status": "draft"}),
    ({"title": "A"}, {"title": "B"}),
    ({"description": "A"}, {"description": "B"}),
    ({"category": "marketing"}, {"category": "transactional"}),
    ({"topic": "offers"}, {"topic": "news"}),
    ({"audience": {"consents_to": "a"}}, {"audience": {"consents_to": "b"}}),
    ({"reentry": {"allow": "never"}}, {"reentry": {"allow": "always"}}),
    ({"reentry": {"allow": "after", "after": "1 day"}}, {"reentry": {"allow": "never"}}),
    ({"exit_on": [{"event": "A"}]}, {"exit_on": [{"event": "A", "where": EVENT}]}),
    ({"goal": {"event": "A"}}, {"goal": {"event": "A", "where": EVENT}}),
    ({"goal": {"event": "A"}}, {"goal": {"event": "A", "within": "1 day"}}),
    (
        {"active_enrollments": {"on_publish": "drain"}},
        {"active_enrollments": {"on_publish": "cancel"}},
    ),
    (
        {"active_enrollments": {"on_publish": "migrate"}},
        {"active_enrollments": {"on_publish": "migrate", "renamed_steps": {"a": "b"}}},
    ),
]


@pytest.mark.parametrize(("one", "other"), HEADS)
def test_what_stands_above_the_steps_is_told(one: Json, other: Json) -> None:
    assert told(send("a"), **one) != told(send("a"), **other)


def test_nothing_of_a_workflow_is_forgotten_here() -> None:
    tested = {key for one, other in HEADS for key in (*one, *other)}
    assert tested | {"$schema", "trigger", "steps"} == fields(Workflow)


def test_a_note_stands_with_its_step() -> None:
    assert "1. Wait 1 hour. (`n`) Let them *not* wait".replace("*", "\\*") in told(
        delay("1 hour", "n", note="Let them *not* wait")
    )


# --- how it reads ---


def test_a_workflow_reads_from_top_to_bottom() -> None:
    trigger = {"type": "event", "event": "Checkout Started", "key": "checkout_id", "where": EVENT}
    assert told(
        delay("1 hour", "first"),
        wait_for("click", "Email Clicked", "1 day", [leave("back", "came back")], []),
        branch("big", {"event": "total", "gt": 100}, [send("offer")], [delay("2 days", "w")]),
        title="Abandoned cart",
        trigger=trigger,
        exit_on=[{"event": "Ordered"}],
    ) == (
        "**Abandoned cart** is live. Its mails are marketing, for those who said yes to the "
        "topic `offers`.\n\n"
        "Begins when **Checkout Started** is reported and its `total` is at least 20, once per "
        "`checkout_id`.\n\n"
        "Ends wherever it stands as soon as **Ordered** is reported.\n\n"
        "1. Wait 1 hour. (`first`)\n"
        "2. Wait up to 1 day for **Email Clicked**. (`click`)\n"
        "   - if it happens:\n"
        '     1. Leave ("came back"). (`back`)\n'
        "   - otherwise: go on.\n"
        "3. Take the first path whose condition holds. (`big`)\n"
        "   - **yes**, if the event's `total` is more than 100:\n"
        "     1. Send **plain**. (`offer`)\n"
        "   - otherwise:\n"
        "     1. Wait 2 days. (`w`)\n"
    )


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ({"contact": "country", "in": ["FR", "BE"]}, 'the contact\'s `country` is "FR" or "BE"'),
        ({"contact": "country", "not_in": ["FR", "BE"]},
         'the contact\'s `country` is there and neither "FR" nor "BE"'),
        ({"event": "vip", "is": True}, "the event's `vip` is true"),
        ({"all": [EVENT, {"any": [EVENT, {"in_list": "a"}]}]},
         "the event's `total` is at least 20 and (the event's `total` is at least 20 or "
         "the contact is on the list `a`)"),
        ({"all": [{"all": [EVENT]}]}, "the event's `total` is at least 20"),
        ({"not": EVENT}, "it is not so that (the event's `total` is at least 20)"),
        ({"did": "Ordered"}, "the contact did **Ordered**"),
        ({"did_not": "Ordered", "since": "enrollment"},
         "the contact did not do **Ordered** since entering"),
        ({"did": "Ordered", "times": {"gte": 2, "lt": 5}, "within": "P1W", "where": EVENT},
         "the contact did **Ordered** at least 2 times and less than 5 times in the last 7 days "
         "(counting only where its `total` is at least 20)"),
        ({"sum_of": "Ordered", "of": "total", "gte": 500, "lt": 900.5},
         "the sum of `total` over **Ordered** is at least 500 and is less than 900.5"),
        ({"email": "a", "was": "complained"}, "the e-mail of step `a` was complained about"),
        ({"step": "crm", "output": "tier", "is": "gold"}, 'the `tier` of step `crm` is "gold"'),
    ],
)  # fmt: skip
def test_a_condition_is_a_clause(condition: Json, words: str) -> None:
    assert said(condition) == words


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"type": "delay", "for": "60 minutes"}, "Wait 1 hour"),
        ({"type": "delay", "for": "1 hour", "timezone": "store"},
         "Wait 1 hour (on the store's clock)"),
        ({"type": "delay", "until_time": "09:30"},
         "Wait until it is 09:30, on the contact's clock"),
        ({"type": "delay", "for": "1 day", "until_time": "09:30", "on_days": ["monday", "friday"],
          "timezone": "Europe/Paris"},
         "Wait 1 day, then until it is 09:30 on a Monday or Friday, on the clock of "
         "`Europe/Paris`"),
        ({"type": "delay", "on_days": ["sunday"]},
         "Wait until it is a Sunday, on the contact's clock"),
        ({"type": "add_score", "points": -1}, "Take 1 point from the contact's score"),
        ({"type": "holdout", "percent": 10},
         "Keep 10 of 100 people back as a control group: they leave"),
        ({"type": "webhook", "url": "https://a.example", "body": {}, "headers": {}},
         'Call "https://a.example" (POST) with nothing, no headers; if that fails, go on all the '
         "same"),
        ({"type": "update_contact", "set": {"a": {"from": "event.x"}}, "unset": ["b"]},
         "Change the contact: set `a` to what is in `event.x` and remove `b`"),
    ],
)  # fmt: skip
def test_a_step_is_a_sentence(document: Json, words: str) -> None:
    assert step({"id": "x", **document}) == words


def test_a_winner_is_told_with_how_sure_it_has_to_be() -> None:
    paths = [{"name": "a"}, {"name": "b", "weight": 2}]
    winner = {"metric": "revenue", "after": "3 days", "confidence": 0.995}
    split = {"id": "x", "type": "split", "paths": paths, "winner": winner}
    assert step(split).endswith("goes the way that earns more, when that is 99.5% sure")
    assert "**a**, 33.3% of people" in told(split)


def test_lists_values_and_clocks_are_words() -> None:
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"], "or") == "a, b or c"
    assert value(None) == "nothing"
    assert value(1e300) == "1e+300"
    assert value([1, {"a": "x"}]) == '\\[1, \\{"a": "x"\\}\\]'
    assert clock(None, "store") == "the store's clock"
    assert describe_offset("PT36H", "it") == "1 day 12 hours after it"
    assert share(1, 3) == "33.3%"
    assert share(1, 1) == "100%"


# --- hostile texts ---

HOSTILE = [
    '"]-->x', "<script>alert(1)</script>", "`", "```", "|", "**", "1. x", "- x", "# x", "\n\n# x",
    "[x](javascript:alert(1))", "![x](y)", "end", "%%{init: {}}%%", "\u202eabc", "\ud800", "$a$",
    "&lt;", "~~x~~", "a" * 120, "\\", "\x00", "@you", "{{x}}",
]  # fmt: skip
hostile = st.text(min_size=1, max_size=60) | st.sampled_from(HOSTILE)
in_files = hostile.map(lambda text: text.encode("utf-8", "replace").decode()[:100])
"""A file with half a sign of two (a lone surrogate) is refused before."""


def unescaped(line: str) -> Iterator[str]:
    """The signs of a line that Markdown may give a meaning to."""
    signs = iter(line)
    for sign in signs:
        if sign == "\\":
            next(signs)
        else:
            yield sign


@given(hostile)
@settings(max_examples=how_many(150))
def test_no_text_means_anything_to_markdown(text: str) -> None:
    shown = escaped(text)
    assert not set(unescaped(shown)) & set("`*_[]|~#$@!{}()<>\n\r")
    assert len(shown.splitlines()) <= 1
    assert not {"\u202e", "\u2066", "\x00"} & set(shown)
    shown.encode()


@given(text=in_files, name=in_files)
@settings(max_examples=how_many(200))
def test_no_name_changes_the_shape_of_the_words(text: str, name: str) -> None:
    def document(title: str, path: str) -> Workflow:
        condition = {"contact": title, "is": title}
        return Workflow.model_validate(
            workflow(
                {"id": "b", "type": "branch", "note": title,
                 "paths": [{"name": path[:60], "if": condition, "steps": [send("m")]}]},
                {"id": "w", "type": "wait_for", "event": title, "timeout": "1 day"},
                {"id": "n", "type": "notify", "message": title},
                title=title, description=title,
                trigger={"type": "event", "event": title, "key": title},
            )
        )  # fmt: skip

    words, simple = describe(document(text, name)), describe(document("x", "y"))
    shape = [line[: len(line) - len(line.lstrip())] for line in simple.splitlines()]
    mine = [line[: len(line) - len(line.lstrip())] for line in words.splitlines()]
    assert mine == shape[2 * (not plain(text)) :]  # no paragraph for an empty description
    assert "<" not in words
    words.encode()


@given(workflows())
@settings(max_examples=how_many(60))
def test_every_step_of_any_workflow_is_told_once(document: Json) -> None:
    words = describe(read(document))
    ids = [line.rsplit("(`", 1)[1] for line in words.splitlines() if line.endswith("`)")]
    assert len(ids) == len(set(ids)) == json.dumps(document["steps"]).count('"type"')


def test_a_thousand_steps_and_the_deepest_tree_are_told() -> None:
    assert told(*(send(f"s{n}") for n in range(1000))).count("\n") > 1000
    deep: list[Json] = [send("deepest")]
    for number in range(30):
        deep = [wait_for(f"w{number}", "E", "1 day", deep, [])]
    assert "`deepest`" in told(*deep)


def test_every_trigger_of_the_union_is_one_of_the_models() -> None:
    assert len(members(Trigger)) == len(get_args(get_args(Trigger)[0])) == 11
    assert len(members(AnyStep)) == 21
    assert len(members(Condition)) == 14
