import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.base.names import is_store, is_workflow

BAD = ["", "-a", "A", "a_b", "a.b", "a/b", "a#b", "a b", "a\n", "\na", "é", "a\x00", "..", "٣"]


@pytest.mark.parametrize("name", ["a", "0", "shop-1", "a-", "a--b", "a" * 30])
def test_valid_store_name_is_accepted(name: str) -> None:
    assert is_store(name)
    assert is_workflow(name)


@pytest.mark.parametrize("name", [*BAD, "a" * 31])
def test_invalid_store_name_is_refused(name: str) -> None:
    assert not is_store(name)


@pytest.mark.parametrize("name", [*BAD, "a" * 41])
def test_invalid_workflow_name_is_refused(name: str) -> None:
    assert not is_workflow(name)


@given(st.text() | st.text(alphabet="aZ9-_#/.\n "))
def test_valid_names_are_safe_in_keys_arns_urls_and_paths(name: str) -> None:
    if is_workflow(name):
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
        assert 1 <= len(name) <= 40
