"""What a file may say as a date, a language, a zone or a value, and what it is told otherwise."""

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
    ["2027-01-31", "2028-02-29", "2027-01-31T09:30", "2027-01-31T09:30:59", "event.renewal",
     "contact.properties.renewal-date", "steps.crm.body.due"],
)  # fmt: skip
def test_a_date_of_the_calendar_or_a_place_of_one_is_taken(date: str) -> None:
    assert problems(until(date)) == []


@pytest.mark.parametrize(
    "date",
    ["2027-02-29", "2027-02-30", "2027-13-01", "2027-00-10", "2027-01-32", "0000-01-01",
     "2027-01-31T24:01", "2027-01-31T09:60", "٢٠٢٧-٠١-٣١"],
)  # fmt: skip
def test_a_day_that_no_calendar_has_is_a_mistake_and_not_a_missing_date(date: str) -> None:
    """Otherwise everybody would go on at once, for the date is not there."""
    assert problems(until(date)) == [f"steps[0].date: {date!r} is not in the calendar"]


@pytest.mark.parametrize("date", ["tomorrow", "2027-1-1", "store.name", "2027-01-31 09:30", ""])
def test_what_is_written_otherwise_is_told_how_to_write_it(date: str) -> None:
    (found,) = problems(until(date))
    assert "2027-01-31, or a place like contact.properties.renewal_date" in found


def test_a_birthday_trigger_knows_the_calendar_and_leap_years_too() -> None:
    assert not any(
        "calendar" in found for found in problems(until("event.x"), trigger={"type": "date",
                                                                           "day": "02-29"})
    )  # fmt: skip
    for day in ("02-30", "04-31", "11-31"):
        trigger = {"type": "date", "day": day}
        found = problems(until("event.x"), trigger=trigger)
        assert any(f"'{day}' is not in the calendar" in each for each in found), found


@pytest.mark.parametrize("locale", ["en", "pt-BR", "pt_br", "zh-Hant", {"from": "event.locale"}])
def test_a_language_may_be_set(locale: Any) -> None:
    assert problems(update(locale=locale)) == []


def test_what_is_no_language_or_zone_is_told_before_it_changes_nobody() -> None:
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
def test_a_value_that_could_never_be_written_down_is_a_mistake(
    kind: str, written: str, reason: str
) -> None:
    """The contact's event could not be kept, and the step would be tried for half a day."""
    text = json.dumps(workflow(update(**{kind: {"x": "@"}}))).replace('"@"', written)
    found = parse_file(text, Workflow)
    assert isinstance(found, list)
    assert [str(problem) for problem in found] == [f"steps[0].{kind}.x: {reason}"]


def test_a_value_that_is_too_long_to_be_kept_is_a_mistake() -> None:
    """A contact's fields are paid for at every write; a longer value would be ignored unseen."""
    assert problems(update(set={"x": "y" * 1022})) == []
    for kind in ("set", "append"):
        assert problems(update(**{kind: {"x": "y" * 1023}})) == [
            'steps[0]: the value of "x" is longer than 1024 characters, which is all that is kept '
            "of one"
        ]


@pytest.mark.parametrize("value", [None, True, 0, 1.5, "é👩‍💻", [], {}, {"from": "event.x"}])
def test_every_other_json_is_a_value(value: Any) -> None:
    assert problems(update(set={"x": value})) == []
