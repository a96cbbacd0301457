from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.base.names import EnrollmentRef
from milepost.enrollments.chance import choose_path, is_held_out, random_share


def ref(id_: object, store: str = "harborline") -> EnrollmentRef:
    return EnrollmentRef(store, f"c{id_}", "cart", 1, str(id_))


REFS = [ref(number) for number in range(20_000)]
ids = st.text(max_size=40)
weights = st.dictionaries(
    st.text(max_size=5), st.integers(0, 1000), min_size=1, max_size=20
).filter(lambda found: sum(found.values()) > 0)


@given(ids, ids)
def test_share_is_from_0_to_below_1_and_repeatable(id_: str, step: str) -> None:
    assert 0 <= random_share(ref(id_), step) < 1
    assert random_share(ref(id_), step) == random_share(ref(id_), step)


def test_shares_are_even_over_enrollments() -> None:
    tenths = Counter(int(random_share(each, "s") * 10) for each in REFS)
    assert all(1850 < tenths[tenth] < 2150 for tenth in range(10))


def test_share_depends_on_store_enrollment_and_step_not_version() -> None:
    known = random_share(ref("e"), "s")
    assert known != random_share(ref("e", store="other"), "s")
    assert known != random_share(ref("f"), "s")
    assert known != random_share(ref("e"), "t")
    assert known == random_share(ref("e")._replace(version=2), "s")


@given(ids, weights)
def test_path_of_weight_0_is_never_chosen(id_: str, given_weights: dict[str, int]) -> None:
    assert given_weights[choose_path(ref(id_), "s", given_weights)] > 0


@pytest.mark.parametrize("zero_at", [0, 1, 2])
def test_paths_are_chosen_by_weight_wherever_a_zero_stands(zero_at: int) -> None:
    pairs = [("a", 60), ("b", 40)]
    pairs.insert(zero_at, ("never", 0))
    chosen = Counter(choose_path(each, "s", dict(pairs)) for each in REFS)
    assert set(chosen) == {"a", "b"}
    assert 0.585 < chosen["a"] / len(REFS) < 0.615


@given(ids, weights, st.integers(1, 50))
def test_only_the_proportion_of_weights_matters(
    id_: str, given_weights: dict[str, int], times: int
) -> None:
    larger = {name: weight * times for name, weight in given_weights.items()}
    assert choose_path(ref(id_), "s", larger) == choose_path(ref(id_), "s", given_weights)


@pytest.mark.parametrize("percent", [0.5, 5, 50, 99.5])
def test_holdout_holds_back_its_percentage(percent: float) -> None:
    held = sum(is_held_out(each, {"id": "h", "percent": percent}) for each in REFS)
    assert abs(held / len(REFS) * 100 - percent) < 1


@given(ids)
def test_contact_that_returns_stays_in_the_control_group(id_: str) -> None:
    node = {"id": "h", "percent": 50}
    again = ref(id_)._replace(id="another", version=2)
    assert is_held_out(again, node) == is_held_out(ref(id_), node)


@given(ids)
def test_larger_holdout_contains_the_smaller_one(id_: str) -> None:
    """A higher percentage removes no contact from the control group."""
    held = [is_held_out(ref(id_), {"id": "h", "percent": percent}) for percent in (1, 10, 40, 99)]
    assert held == sorted(held)
