from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.base.paths import MISSING, get_path
from tests.support.json_strategy import documents

ORDER = {
    "total": 20,
    "shipping": {"city": "Bergen", "zip": None},
    "products": [
        {"category": "shoes", "tags": ["new", "sale"], "size": {"eu": 42}},
        {"category": "hats", "tags": []},
        {"tags": "none"},
        "not a product",
    ],
    "": {"": 1},
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("total", 20),
        ("shipping.city", "Bergen"),
        ("shipping.zip", None),
        ("shipping", ORDER["shipping"]),
        ("products[].category", ["shoes", "hats"]),
        ("products[].tags[]", ["new", "sale"]),
        ("products[].tags", ["new", "sale", "none"]),
        ("products[].size.eu", [42]),
        ("products[]", ORDER["products"]),
        ("nothing[].at.all", []),
        ("total[]", []),
        ("shipping[].city", []),
        ("products[].nothing", []),
    ],
)
def test_path_resolves_to_value(path: str, value: Any) -> None:
    assert get_path(ORDER, path) == value


@pytest.mark.parametrize(
    "path", ["nothing", "total.cents", "shipping.zip.code", "products.category", "products.0"]
)
def test_path_without_value_resolves_to_missing(path: str) -> None:
    assert get_path(ORDER, path) is MISSING


def test_missing_is_falsy_and_has_a_readable_repr() -> None:
    assert not MISSING
    assert repr(MISSING) == "missing"


@given(documents, st.text() | st.text(alphabet="ab.[]", max_size=12))
def test_any_path_into_any_data_never_raises(data: Any, path: str) -> None:
    found = get_path(data, path)
    assert "[]" not in path or isinstance(found, list)
