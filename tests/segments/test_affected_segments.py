"""Which segments an event is about, by what their conditions ask of a contact."""

from dataclasses import replace
from datetime import timedelta

import pytest

from milepost.contacts.profile import Profile
from milepost.contacts.segment_state import EMPTY
from milepost.segments.membership import (
    affected_segments,
    evaluated_at,
    new_segment,
    reevaluation_event,
    set_next_change,
)
from milepost.segments.segment import Segments
from tests.support.builders import ADA, MONDAY_NOON, STORE, contact, event

HOUR = timedelta(hours=1)
ADA_KNOWN = Profile(STORE, contact(), {"email": (ADA, "", "")}, last_sequence=1)


def affected(asked: str, changed: str) -> bool:
    """Whether a condition on a field of the contact is answered again when another is set."""
    segment = new_segment("Asking", {"contact": asked, "exists": True}, static=False, version=1)
    field = {changed: (True, "2026-11-02T12:00:00.000Z", "e-1")}
    after = replace(ADA_KNOWN, fields={**ADA_KNOWN.fields, **field}, last_sequence=2)
    segments = Segments({"asking": segment})
    return affected_segments(segments, ADA_KNOWN, after, event(), MONDAY_NOON) == {"asking"}


@pytest.mark.parametrize("home", ["properties", "lists", "segments"])
def test_a_condition_on_a_whole_group_of_fields_is_answered_again_when_one_of_them_changes(
    home: str,
) -> None:
    assert affected(home, f"{home}.vip")


@pytest.mark.parametrize(
    ("asked", "changed", "again"),
    [
        ("properties.plan", "properties.plan", True),
        ("properties.plan.id", "properties.plan", True),
        ("properties.plan", "properties.size", False),
        ("lists.vip", "properties.vip", False),
        ("stage", "stage", True),
        ("stage", "properties.stage", False),
    ],
)
def test_a_condition_on_one_field_is_answered_again_when_that_field_changes_only(
    asked: str, changed: str, again: bool
) -> None:
    assert affected(asked, changed) is again


# --- when a contact is looked at ---


@pytest.mark.parametrize(
    ("after", "kept"), [(0, 0), (1, 1000), (999, 1000), (1000, 1000), (1001, 2000)]
)
def test_a_segment_is_looked_at_again_never_before_the_instant_of_its_change(
    after: int, kept: int
) -> None:
    """In microseconds: a timer keeps milliseconds, and rounds them up."""
    state = set_next_change(EMPTY, "quiet", MONDAY_NOON + timedelta(microseconds=after))
    assert state.next_changes == {"quiet": MONDAY_NOON + timedelta(microseconds=kept)}
    assert set_next_change(state, "quiet", None).next_changes == {}


@pytest.mark.parametrize(
    ("late", "answered"), [(HOUR, HOUR), (-HOUR, timedelta(0)), (timedelta(0), timedelta(0))]
)
def test_a_late_look_answers_for_now_and_an_early_one_for_its_own_instant(
    late: timedelta, answered: timedelta
) -> None:
    look = reevaluation_event(STORE, MONDAY_NOON)
    assert evaluated_at(look, MONDAY_NOON + late) == MONDAY_NOON + answered
    assert evaluated_at(event(), MONDAY_NOON + late) == MONDAY_NOON + late
