import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.base.strict_json import MAX_DEPTH, InvalidJsonError, read_json

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
documents = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=15,
)


def nested(depth: int, opening: str = "[", closing: str = "]") -> bytes:
    return (opening * depth + "1" + closing * depth).encode()


@given(documents)
def test_json_documents_read_back_unchanged(document: Any) -> None:
    assert read_json(json.dumps(document, ensure_ascii=False).encode()) == document
    assert read_json(json.dumps(document).encode()) == document


@given(st.binary())
def test_arbitrary_bytes_raise_only_invalid_json_error(raw: bytes) -> None:
    try:
        read_json(raw)
    except InvalidJsonError as error:
        assert str(error)


@pytest.mark.parametrize("depth", [MAX_DEPTH, 1])
def test_nesting_up_to_limit_is_accepted(depth: int) -> None:
    read_json(nested(depth))
    read_json(nested(depth, '{"a":', "}"))


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 500, 10_000, 500_000])
def test_nesting_beyond_limit_is_refused(depth: int) -> None:
    for raw in (nested(depth), nested(depth, '{"a":', "}")):
        with pytest.raises(InvalidJsonError, match="nested deeper than 20"):
            read_json(raw)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"NaN", "NaN is not JSON"),
        (b'{"a": Infinity}', "Infinity is not JSON"),
        (b"[-Infinity]", "-Infinity is not JSON"),
        (b"1e400", "a number is too large"),
        (b'{"a": [-1e400]}', "a number is too large"),
        (b"1" * 5000, "a number is too large"),
        (b'"\\ud800"', "half of a surrogate pair"),
        (b'{"\\udc00": 1}', "half of a surrogate pair"),
        (b'["ok", "\\udbff\\u0041"]', "half of a surrogate pair"),
        (b'"\xff"', "not UTF-8"),
        (b"", "not JSON"),
        (b"{'a': 1}", "not JSON"),
    ],
)
def test_unsafe_json_is_refused_with_reason(raw: bytes, why: str) -> None:
    with pytest.raises(InvalidJsonError, match=why):
        read_json(raw)


def test_lone_surrogate_passes_when_halves_are_allowed() -> None:
    raw = b'{"\\udc00": ["\\ud83d"]}'
    assert read_json(raw, halves=True) == {"\udc00": ["\ud83d"]}


def test_surrogate_pair_reads_as_one_character() -> None:
    assert read_json(b'"\\ud83d\\ude00"') == "\U0001f600"


def test_last_value_of_repeated_key_wins() -> None:
    assert read_json(b'{"a": 1, "a": 2}') == {"a": 2}
