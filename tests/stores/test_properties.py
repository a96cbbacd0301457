"""Properties with a declared type: accepted values, their conversion, and refused values."""

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
    "size": "text",
    "points": "number",
    "vip": "boolean",
    "birthday": "date",
    "tags": "list",
}


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
def test_convertible_property_becomes_declared_type(name: str, given_: Any, kept: Any) -> None:
    assert coerce_property(EVERY, f"properties.{name}", given_) == kept


@pytest.mark.parametrize(
    ("name", "given_"),
    [
        ("size", True),
        ("size", ["XL"]),
        ("points", "many"),
        ("points", True),
        ("points", "1e999"),
        ("points", "9" * 100),
        ("vip", "yes"),
        ("vip", 1),
        ("birthday", "28.02.1990"),
        ("birthday", "1990-02-30"),
        ("birthday", 19900228),
        ("tags", "a,b"),
    ],
)
def test_property_of_wrong_type_is_refused(name: str, given_: Any) -> None:
    with pytest.raises(PropertyTypeError):
        coerce_property(EVERY, f"properties.{name}", given_)


@given(st.sampled_from(sorted(EVERY)), documents)
def test_coercing_a_property_twice_changes_nothing(name: str, value: Any) -> None:
    try:
        kept = coerce_property(EVERY, f"properties.{name}", value)
    except PropertyTypeError:
        return
    assert coerce_property(EVERY, f"properties.{name}", kept) == kept


def test_field_outside_properties_is_not_coerced() -> None:
    assert coerce_property({"score": "text"}, "score", 7) == 7


def profile_after(*facts: ContactUpdate) -> Profile:
    settings, profile = StoreSettings(properties=EVERY), Profile(STORE, contact())
    for number, each in enumerate(facts):
        profile = apply_event(profile, event(id_=str(number), contact=each), settings)
    return profile


def test_bad_property_keeps_old_value_and_rest_of_event_applies() -> None:
    profile = profile_after(
        ContactUpdate(properties={"birthday": "1990-02-28"}),
        ContactUpdate(properties={"birthday": "soon", "points": "3"}),
    )
    assert profile.as_data()["properties"] == {"birthday": "1990-02-28", "points": 3}


def test_workflow_change_of_wrong_type_is_ignored() -> None:
    changes = (Change("set", "properties.points", "4"), Change("set", "properties.vip", "no"))
    assert profile_after(ContactUpdate(changes=changes)).as_data()["properties"] == {"points": 4}


@pytest.mark.parametrize("zone", ["Mars/Olympus", "posixrules", "localtime", "right/UTC", "../etc"])
def test_invalid_time_zone_is_ignored_and_rest_of_event_applies(zone: str) -> None:
    profile = profile_after(
        ContactUpdate({"timezone": "Asia/Tehran"}),
        ContactUpdate({"timezone": zone, "first_name": "Ada"}),
    )
    assert profile.get("timezone") == "Asia/Tehran"
    assert profile.get("first_name") == "Ada"


def test_locale_is_stored_canonically_or_ignored() -> None:
    assert profile_after(ContactUpdate({"locale": "zh_hant_tw"})).get("locale") == "zh-Hant-TW"
    said = [ContactUpdate({"locale": tag}) for tag in ("fa", "?")]
    assert profile_after(*said).get("locale") == "fa"
