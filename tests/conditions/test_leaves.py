"""The tables of leaves and operators: both sides know the same ones, and each row is complete."""

from typing import Any, get_args

import pytest

from milepost.conditions.evaluate import dependencies
from milepost.conditions.file import Condition
from milepost.conditions.leaf_files import BOUNDS, LEAF_FILES, Comparison, Place, SumOf, Times
from milepost.conditions.leaves import LEAVES
from milepost.conditions.operators import OPERATORS, BoundKind

GROUPS = {"all", "any", "not"}


def test_what_answers_leaves_and_what_reads_them_know_the_same_ones() -> None:
    union: Any = Condition
    tagged = {get_args(member)[1].tag for member in get_args(get_args(union)[0])}
    assert set(LEAVES) == set(LEAF_FILES) == tagged - GROUPS
    assert tagged > GROUPS


def test_every_leaf_can_be_asked_somewhere_and_is_named_by_a_field_of_its_own() -> None:
    for key, model in LEAF_FILES.items():
        assert model.model_fields[key].is_required()
        assert model.allowed_in
        assert model.allowed_in <= set(get_args(Place))


def test_every_operator_is_a_field_of_comparisons_and_every_bound_has_a_type() -> None:
    assert list(Comparison.model_fields) == list(OPERATORS)
    assert set(BOUNDS) == set(get_args(BoundKind))


def test_what_bounds_a_count_or_a_sum_is_an_operator_of_numbers() -> None:
    counts = {info.alias or name for name, info in Times.model_fields.items()}
    assert counts == {name for name, operator in OPERATORS.items() if operator.counts}
    sums = set(SumOf.model_fields) & set(OPERATORS)
    assert all(OPERATORS[name].bound == "number" for name in sums)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"contact": "stage", "is": "lead"}, [("fields", "stage")]),
        ({"contact": "properties.plan.id", "is": "x"}, [("fields", "properties.plan")]),
        ({"contact": "properties.pets[].name", "is": "x"}, [("fields", "properties.pets")]),
        ({"contact": "properties", "exists": True}, [("fields", "*")]),
        ({"contact": "lists", "exists": True}, [("fields", "*")]),
        ({"in_list": "news"}, [("fields", "lists.news")]),
        ({"not": {"consents_to": "offers"}}, [("topics", "offers")]),
        ({"any": [{"in_workflow": "w"}, {"in_segment": "s"}]},
         [("workflows", "w"), ("segments", "s")]),
        ({"did": "A", "where": {"contact": "stage", "is": "lead"}},
         [("fields", "stage"), ("events", "A")]),
        ({"sum_of": "B", "of": "total", "gte": 1}, [("events", "B")]),
        ({"did_not": "C"}, [("events", "C")]),
        ({"email": "a", "was": "opened"}, []),
    ],
)  # fmt: skip
def test_a_condition_is_answered_again_when_what_it_asks_about_changes(
    condition: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert [*dependencies(condition)] == expected
