from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.base.paths import MISSING, render_text, resolve, resolve_all
from tests.support.json_strategy import documents

DATA = {
    "event": {
        "total": 42,
        "none": None,
        "zero": 0,
        "no": False,
        "lines": [{"n": 1}, {"n": 2}],
        "slot": "{contact.email}",
        "from": {"from": "store.name"},
    },
    "contact": {"email": "ada@mail.example", "properties": {"a.b": 1}},
    "steps": {"crm-sync": {"body": {"tier": "gold"}}},
    "enrollment": {"id": "e1"},
    "store": {"name": "Harborline"},
}


@pytest.mark.parametrize(
    ("value", "comes_to"),
    [
        ({"from": "event.total"}, 42),
        ({"from": "event.zero"}, 0),
        ({"from": "event.no"}, False),
        ({"from": "steps.crm-sync.body.tier"}, "gold"),
        ({"from": "event.lines[].n"}, [1, 2]),
        ({"from": "event.gone[].n"}, []),
        ({"from": "event.total.deeper"}, MISSING),
        ({"from": "event.none"}, MISSING),
        ({"from": "event.from"}, {"from": "store.name"}),
        ({"from": "event.slot"}, "{contact.email}"),
        ([{"from": "event.none"}, {"from": "event.total"}], [42]),
        ({"a": {"from": "event.none"}, "b": {"c": {"from": "event.total"}}}, {"b": {"c": 42}}),
        ({"from": 1}, {"from": 1}),
        ({"from": "event.total", "x": 1}, {"from": "event.total", "x": 1}),
        (None, None),
        ("{event.total}", "{event.total}"),
    ],
)
def test_resolve_returns_literal_or_looks_up_path_once(value: Any, comes_to: Any) -> None:
    assert resolve(value, DATA) == comes_to


@pytest.mark.parametrize(
    ("text", "comes_to"),
    [
        ("{contact.email} owes {event.total}", "ada@mail.example owes 42"),
        ("{event.slot}", "{contact.email}"),
        ("{event.none}{event.gone}.", "."),
        ("{event.no} {event.zero}", "False 0"),
        ("{{event.total}}", "{42}"),
        ("{total} { event.total } {event.} {event}", "{total} { event.total } {event.} {event}"),
        ("{secrets.key} {urls.unsubscribe}", "{secrets.key} {urls.unsubscribe}"),
        ("{contact.__class__}", ""),
    ],
)
def test_render_text_fills_in_placeholders(text: str, comes_to: str) -> None:
    assert render_text(text, DATA) == comes_to


@given(documents, documents)
def test_resolve_never_raises_for_any_value_and_data(value: Any, data: Any) -> None:
    known = {"event": data, "contact": data}
    found = resolve(value, known)
    assert resolve({"from": "event.a"}, known) is MISSING or isinstance(data, dict)
    assert found is not MISSING or isinstance(value, dict)
    resolve_all({"x": value, "y": {"from": "event.a.b"}}, known)


@given(st.text(), documents)
def test_render_text_never_raises_for_any_text(text: str, data: Any) -> None:
    render_text(text + "{event.a} {event.total.x}", {"event": data})
