"""Properties with a declared type: what is taken, what it becomes, what is left out."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.contacts.event import ContactUpdate
from milepost.contacts.fields import Change
from milepost.contacts.profile import Profile, apply_event
from milepost.stores.properties import PropertyTypeError, Type, coerce_property
from milepost.stores.settings import StoreSettings
from tests.support.builders import STORE, contact, event
from tests.support.json_strategy import documents

EVERY: dict[str, Type] = {
    "size": "text", "points": "number", "vip": "boolean", "birthday": "date", "tags": "list"
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "given_", "kept"),
    [
        ("size", "XL", "XL"),
        ("size", 42, "42"),
        ("points", 7, 7),
        ("points", "7", 7),
        ("points", " 7.5", 7.5),
        ("vip", False, False),
        ("vip", "TRUE", True),
        ("birthday", "1990-02-28", "1990-02-28"),
        ("birthday", " 19900228 ", "1990-02-28"),
        ("birthday", "2026-11-22T09:30:00+01:00", "2026-11-22T09:30:00+01:00"),
        ("tags", ["a"], ["a"]),
        ("other", {"any": "thing"}, {"any": "thing"}),
    ],
)
def test_a_value_that_can_be_read_as_its_type_is_kept_as_that(
    name: str, given_: Any, kept: Any
) -> None:
    assert coerce_property(EVERY, f"properties.{name}", given_) == kept


@pytest.mark.parametrize(
    ("name", "given_"),
    [
        ("size", True), ("size", ["XL"]), ("points", "many"), ("points", True), ("points", "1e999"),
        ("points", "9" * 100), ("vip", "yes"), ("vip", 1), ("birthday", "28.02.1990"),
        ("birthday", "1990-02-30"), ("birthday", 19900228), ("tags", "a,b"),
    ],
)  # fmt: skip
def test_a_value_of_another_kind_is_refused(name: str, given_: Any) -> None:
    with pytest.raises(PropertyTypeError):
        coerce_property(EVERY, f"properties.{name}", given_)


@given(st.sampled_from(sorted(EVERY)), documents)
def test_whatever_is_kept_would_be_kept_again(name: str, value: Any) -> None:
    try:
        kept = coerce_property(EVERY, f"properties.{name}", value)
    except PropertyTypeError:
        return
    assert coerce_property(EVERY, f"properties.{name}", kept) == kept


def test_a_field_that_is_no_property_has_no_declared_type() -> None:
    assert coerce_property({"score": "text"}, "score", 7) == 7


def folded(*facts: ContactUpdate) -> Profile:
    settings, profile = StoreSettings(properties=EVERY), Profile(STORE, contact())
    for number, each in enumerate(facts):
        profile = apply_event(profile, event(id_=str(number), contact=each), settings)
    return profile


def test_a_bad_value_leaves_the_good_one_and_the_rest_of_its_event() -> None:
    profile = folded(
        ContactUpdate(properties={"birthday": "1990-02-28"}),
        ContactUpdate(properties={"birthday": "soon", "points": "3"}),
    )
    assert profile.as_data()["properties"] == {"birthday": "1990-02-28", "points": 3}


def test_what_a_workflow_sets_has_to_fit_too() -> None:
    changes = (Change("set", "properties.points", "4"), Change("set", "properties.vip", "no"))
    assert folded(ContactUpdate(changes=changes)).as_data()["properties"] == {"points": 4}


@pytest.mark.parametrize("zone", ["Mars/Olympus", "posixrules", "localtime", "right/UTC", "../etc"])
def test_a_zone_that_is_none_is_left_out_and_the_rest_of_its_event_counts(zone: str) -> None:
    profile = folded(
        ContactUpdate({"timezone": "Asia/Tehran"}),
        ContactUpdate({"timezone": zone, "first_name": "Ada"}),
    )
    assert profile.get("timezone") == "Asia/Tehran"
    assert profile.get("first_name") == "Ada"


def test_a_language_is_kept_in_one_spelling_or_not_at_all() -> None:
    assert folded(ContactUpdate({"locale": "zh_hant_tw"})).get("locale") == "zh-Hant-TW"
    said = [ContactUpdate({"locale": tag}) for tag in ("fa", "?")]
    assert folded(*said).get("locale") == "fa"
