"""Which segments an event is about, by what their conditions ask of a contact."""

from dataclasses import replace

import pytest

from milepost.contacts.profile import Profile
from milepost.segments.membership import affected_segments, new_segment
from milepost.segments.segment import Segments
from tests.support.builders import ADA, MONDAY_NOON, STORE, contact, event

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
