"""Changes of a contact's fields in any order give the same values."""

from datetime import timedelta
from functools import reduce
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.base import times
from milepost.contacts.event import ContactUpdate, Event, decode_body, encode_body
from milepost.contacts.fields import (
    MAX_EXACT_INTEGER,
    MAX_LIST_LENGTH,
    MAX_RECENT_ADDITIONS,
    Addition,
    Base,
    Change,
    add_to,
    current_value,
    since,
)
from milepost.contacts.profile import MAX_FIELDS, Profile, apply_event
from milepost.stores.settings import StoreSettings
from tests.support.builders import MONDAY_NOON, STORE, contact, event
from tests.support.json_strategy import documents

EMPTY_PROFILE = Profile(STORE, contact())
SETTINGS = StoreSettings()
KINDS: tuple[Literal["set", "add"], ...] = ("set", "add")
X, Y = "properties.x", "properties.y"

names = st.sampled_from([X, Y, "score"])
numbers = st.integers(-50, 50) | st.sampled_from([0.5, -0.25, 1.0])
values = st.sampled_from([1, 0, True, "a", ["a"], {"b": 1}, None]) | numbers
changes = st.one_of(
    st.builds(Change, st.just("set"), names, values),
    st.builds(Change, st.just("unset"), names, st.none()),
    st.builds(Change, st.just("add"), names, numbers),
    st.builds(Change, st.just("append"), names, st.sampled_from(["a", "b", 7, ["c"]])),
)
facts = st.builds(
    lambda x: ContactUpdate(properties={"x": x}), values.filter(lambda v: v is not None)
)
steps = st.builds(
    lambda made: ContactUpdate(changes=tuple(made)),
    st.lists(changes, min_size=1, max_size=2, unique_by=lambda change: change.name),
)


@st.composite
def timelines(draw: st.DrawFn, most: int = MAX_RECENT_ADDITIONS) -> list[Event]:
    """Events of a shop and of workflows, some at the same instant."""
    found = draw(st.lists(st.tuples(st.integers(0, 6), steps | facts), max_size=most))
    return [
        event("E", id_=f"e{number:02}", at=MONDAY_NOON + timedelta(minutes=minute), contact=update)
        for number, (minute, update) in enumerate(found)
    ]


def after(*events: Event, start: Profile = EMPTY_PROFILE) -> Profile:
    return reduce(lambda profile, each: apply_event(profile, each, SETTINGS), events, start)


def values_of(profile: Profile) -> dict[str, Any]:
    return {name: profile.get(name) for name in (X, Y, "score")}


def naive(events: list[Event]) -> dict[str, Any]:
    """The values after the whole history in order."""
    held: dict[str, Any] = dict.fromkeys((X, Y, "score"))
    for each in sorted(events, key=lambda e: (e.occurred_at, e.id)):
        for name, value in each.contact.properties.items():
            held[f"properties.{name}"] = value
        for kind, name, value in each.contact.changes:
            old = held[name]
            if kind in {"set", "unset"}:
                held[name] = value
            elif kind == "add":
                if old is None or (isinstance(old, int | float) and not isinstance(old, bool)):
                    held[name] = (old or 0) + value
            else:
                items = old if isinstance(old, list) else [] if old is None else [old]
                held[name] = items if value in items else [*items, value]
    return held


@given(timelines(), st.data())
def test_changes_in_any_order_equal_full_history(
    timeline: list[Event], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(timeline))
    assert values_of(after(*shuffled)) == naive(timeline) == values_of(after(*timeline))


@given(timelines(), st.data())
def test_repeated_change_counts_once(timeline: list[Event], data: st.DataObject) -> None:
    repeated = data.draw(st.lists(st.sampled_from(timeline), max_size=9)) if timeline else []
    assert values_of(after(*timeline, *repeated)) == values_of(after(*timeline))


@given(timelines(most=3 * MAX_RECENT_ADDITIONS))
def test_no_change_is_lost_when_changes_arrive_in_order(timeline: list[Event]) -> None:
    ordered = sorted(timeline, key=lambda e: (e.occurred_at, e.id))
    profile = after(*ordered)
    assert values_of(profile) == naive(timeline)
    assert all(len(held) <= MAX_RECENT_ADDITIONS for held in profile.additions.values())


@given(timelines())
def test_profile_drops_additions_older_than_base_value(timeline: list[Event]) -> None:
    profile = after(*timeline)
    for name, held in profile.additions.items():
        assert held
        if name in profile.fields:
            assert since(profile.fields[name], held) == held


@given(timelines())
def test_changes_survive_encoding_and_decoding(timeline: list[Event]) -> None:
    for each in timeline:
        _, _, update = decode_body(encode_body(each))
        assert values_of(after(each)) == values_of(
            apply_event(
                EMPTY_PROFILE,
                event("E", id_=each.id, at=each.occurred_at, contact=update),
                SETTINGS,
            )
        )


additions = st.builds(
    Addition,
    st.integers(0, 3).map(lambda n: times.format_instant(MONDAY_NOON + timedelta(minutes=n))),
    st.sampled_from(["e1", "e2"]),
    st.just("add"),
    st.floats(allow_nan=False, allow_infinity=False) | st.integers(),
) | st.builds(Addition, st.just("1"), st.just("e"), st.just("append"), documents)


@given(st.none() | st.tuples(documents, st.just(""), st.just("")), st.lists(additions, max_size=6))
def test_current_value_never_raises_and_is_never_infinite(base: Any, added: list[Addition]) -> None:
    found = current_value(base, added)
    if isinstance(found, float) and not (base and base[0] == found):
        assert abs(found) != float("inf")


@pytest.mark.parametrize(
    ("held", "amount", "comes_to"),
    [
        (None, 5.0, 5),
        (10, 5.0, 15),
        (0.5, 0.5, 1),
        (1, 0.25, 1.25),
        (-0.0, 0.0, 0),
        ("12", 5.0, "12"),
        (True, 5.0, True),
        ([1], 5.0, [1]),
        (10**400, 1.5, 10**400),
        (1.7e308, 1.7e308, 1.7e308),
        (MAX_EXACT_INTEGER * 4, 1.0, float(MAX_EXACT_INTEGER * 4)),
    ],
)
def test_sum_becomes_integer_or_stays_unchanged_if_not_addable(
    held: Any, amount: float, comes_to: Any
) -> None:
    base = None if held is None else (held, "0", "e")
    found = current_value(base, [Addition("1", "e", "add", amount)])
    assert found == comes_to
    assert type(found) is type(comes_to)


def test_list_keeps_last_added_items() -> None:
    added = [Addition(f"{n:03}", "e", "append", n) for n in range(MAX_LIST_LENGTH + 9)]
    assert current_value(None, added) == list(range(9, MAX_LIST_LENGTH + 9))


def test_addition_older_than_set_value_is_ignored() -> None:
    base = (5, "2", "e")
    assert add_to(base, (), Addition("1", "z", "add", 1)) == (base, ())
    assert add_to(base, (), Addition("2", "e", "add", 1)) == (base, ())
    assert add_to(base, (), Addition("2", "f", "add", 1))[1] != ()


def test_addition_older_than_recent_additions_is_dropped() -> None:
    """Older additions are merged into the base value, so that a profile stays small."""
    base: Base | None = None
    kept: tuple[Addition, ...] = ()
    for n in range(1, MAX_RECENT_ADDITIONS + 2):
        base, kept = add_to(base, kept, Addition(f"{n:03}", "e", "add", 1))
    assert current_value(base, kept) == MAX_RECENT_ADDITIONS + 1
    assert add_to(base, kept, Addition("000", "e", "add", 1)) == (base, kept)


def test_field_limit_counts_field_with_additions_once() -> None:
    many = MAX_FIELDS - 1  # and the address
    made = [
        event(
            "E",
            id_=f"e{kind}{n}",
            at=MONDAY_NOON + timedelta(minutes=minute),
            contact=ContactUpdate(changes=(Change(kind, f"properties.p{n}", 1),)),
        )
        for minute, kind in enumerate(KINDS)
        for n in range(many)
    ]
    profile = after(*made[:-1])
    assert len(profile.additions) == many - 1
    assert profile.get(f"properties.p{many - 1}") == 1
    late = event(
        "E", id_="late", contact=ContactUpdate(changes=(Change("set", "properties.z", 1),))
    )
    assert apply_event(profile, late, SETTINGS).get("properties.z") is None
    room = after(*(each for each in made if each.id not in {"eset0", "eadd0"}))
    assert apply_event(room, late, SETTINGS).get("properties.z") == 1


def test_shop_value_overrides_earlier_addition_in_any_order() -> None:
    added = event("A", at=MONDAY_NOON, contact=ContactUpdate(changes=(Change("add", X, 5),)))
    update = event(
        "B", at=MONDAY_NOON + timedelta(days=1), contact=ContactUpdate(properties={"x": 9})
    )
    assert after(added, update).get(X) == after(update, added).get(X) == 9
