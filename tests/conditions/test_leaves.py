"""The tables of leaves and operators agree, and every row is complete."""

from typing import Any, get_args

import pytest

from milepost.conditions.evaluate import dependencies
from milepost.conditions.file import Condition
from milepost.conditions.leaf_files import BOUNDS, LEAF_FILES, Comparison, Place, SumOf, Times
from milepost.conditions.leaves import LEAVES
from milepost.conditions.operators import OPERATORS, BoundKind

GROUPS = {"all", "any", "not"}


def test_leaf_tables_and_condition_union_have_the_same_keys() -> None:
    union: Any = Condition
    tagged = {get_args(member)[1].tag for member in get_args(get_args(union)[0])}
    assert set(LEAVES) == set(LEAF_FILES) == tagged - GROUPS
    assert tagged > GROUPS


def test_every_leaf_has_its_key_field_and_an_allowed_place() -> None:
    for key, model in LEAF_FILES.items():
        assert model.model_fields[key].is_required()
        assert model.allowed_in
        assert model.allowed_in <= set(get_args(Place))


def test_comparison_has_a_field_for_every_operator_and_bound_type() -> None:
    assert list(Comparison.model_fields) == list(OPERATORS)
    assert set(BOUNDS) == set(get_args(BoundKind))


def test_count_and_sum_bounds_are_number_operators() -> None:
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
        (
            {"any": [{"in_workflow": "w"}, {"in_segment": "s"}]},
            [("workflows", "w"), ("segments", "s")],
        ),
        (
            {"did": "A", "where": {"contact": "stage", "is": "lead"}},
            [("fields", "stage"), ("events", "A")],
        ),
        ({"sum_of": "B", "of": "total", "gte": 1}, [("events", "B")]),
        ({"did_not": "C"}, [("events", "C")]),
        ({"email": "a", "was": "opened"}, []),
    ],
)
def test_dependencies_list_what_a_condition_reads(
    condition: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert [*dependencies(condition)] == expected
