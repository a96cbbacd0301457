"""Dates, languages, time zones and values in files, and the problems of invalid ones."""

import json
from typing import Any

import pytest

from milepost.base.parse_file import parse_file
from milepost.workflows.language.workflow import Workflow
from tests.journeys.visits import step
from tests.support.builders import Json, workflow


def problems(*steps: Json, **head: Any) -> list[str]:
    found = parse_file(json.dumps(workflow(*steps, **head)), Workflow)
    return [str(problem) for problem in found] if isinstance(found, list) else []


def until(date: str) -> Json:
    return step("delay_until", "until", date=date)


def update(**fields: Any) -> Json:
    return step("update_contact", "change", **fields)


@pytest.mark.parametrize(
    "date",
    [
        "2027-01-31",
        "2028-02-29",
        "2027-01-31T09:30",
        "2027-01-31T09:30:59",
        "event.renewal",
        "contact.properties.renewal-date",
        "steps.crm.body.due",
    ],
)
def test_valid_date_or_path_is_accepted(date: str) -> None:
    assert problems(until(date)) == []


@pytest.mark.parametrize(
    "date",
    [
        "2027-02-29",
        "2027-02-30",
        "2027-13-01",
        "2027-00-10",
        "2027-01-32",
        "0000-01-01",
        "2027-01-31T24:01",
        "2027-01-31T09:60",
        "٢٠٢٧-٠١-٣١",
    ],
)
def test_impossible_date_is_reported_as_problem(date: str) -> None:
    """Otherwise every contact would continue at once, because the date is missing."""
    assert problems(until(date)) == [f"steps[0].date: {date!r} is not in the calendar"]


@pytest.mark.parametrize("date", ["tomorrow", "2027-1-1", "store.name", "2027-01-31 09:30", ""])
def test_malformed_date_gets_remedy(date: str) -> None:
    (found,) = problems(until(date))
    assert "2027-01-31, or a place like contact.properties.renewal_date" in found


def test_date_trigger_accepts_leap_day_and_refuses_impossible_days() -> None:
    assert not any(
        "calendar" in found
        for found in problems(until("event.x"), trigger={"type": "date", "day": "02-29"})
    )
    for day in ("02-30", "04-31", "11-31"):
        trigger = {"type": "date", "day": day}
        found = problems(until("event.x"), trigger=trigger)
        assert any(f"'{day}' is not in the calendar" in each for each in found), found


@pytest.mark.parametrize("locale", ["en", "pt-BR", "pt_br", "zh-Hant", {"from": "event.locale"}])
def test_update_contact_accepts_language_tags(locale: Any) -> None:
    assert problems(update(locale=locale)) == []


def test_invalid_language_or_time_zone_is_reported() -> None:
    assert problems(update(locale="portuguese")) == [
        "steps[0]: 'portuguese' is not a language: write a language tag like pt-BR"
    ]
    assert problems(update(timezone="Mars/Olympus")) == [
        "steps[0]: 'Mars/Olympus' is not a time zone: write an IANA name like Europe/Paris"
    ]


@pytest.mark.parametrize("kind", ["set", "append"])
@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("1e999", "is a number too large to be kept"),
        ('[1, {"a": -1e999}]', "is a number too large to be kept"),
        ('"\\ud800"', "holds half of a surrogate pair, which is no character"),
        ('{"\\udfff": 1}', "holds half of a surrogate pair, which is no character"),
    ],
)
def test_value_that_cannot_be_stored_is_reported(kind: str, written: str, reason: str) -> None:
    """The event could not be stored, and the step would be retried for half a day."""
    text = json.dumps(workflow(update(**{kind: {"x": "@"}}))).replace('"@"', written)
    found = parse_file(text, Workflow)
    assert isinstance(found, list)
    assert [str(problem) for problem in found] == [f"steps[0].{kind}.x: {reason}"]


def test_value_over_1024_characters_is_reported() -> None:
    """Every write of a contact costs by its size; a longer value would be ignored silently."""
    assert problems(update(set={"x": "y" * 1022})) == []
    for kind in ("set", "append"):
        assert problems(update(**{kind: {"x": "y" * 1023}})) == [
            'steps[0]: the value of "x" is longer than 1024 characters, which is all that is kept '
            "of one"
        ]


@pytest.mark.parametrize("value", [None, True, 0, 1.5, "é👩‍💻", [], {}, {"from": "event.x"}])
def test_update_contact_accepts_any_other_json_value(value: Any) -> None:
    assert problems(update(set={"x": value})) == []
