"""A contact field is one row of `CONTACT_FIELDS`."""

import pytest

from milepost.contacts.event import IDENTIFIER_PRIORITY, ContactUpdate
from milepost.contacts.fields import CONTACT_FIELDS
from milepost.transfer.imports.plan import guess
from tests.support.toys import play


@pytest.mark.no_cover
def test_a_row_makes_a_field_that_can_be_used_everywhere() -> None:
    play("toy_contact_field")


def test_no_field_has_a_name_that_means_something_else() -> None:
    other = {*IDENTIFIER_PRIORITY, "properties", "consents", "changes", "lists", "stage", "score"}
    assert other.isdisjoint(CONTACT_FIELDS)
    assert all(name == field.name for name, field in CONTACT_FIELDS.items())


def test_a_title_of_a_column_means_one_field() -> None:
    for name, field in CONTACT_FIELDS.items():
        assert {guess(title, 1).field for title in (name, *field.aliases)} == {name}


def test_a_mapping_that_names_a_field_that_is_none_fails() -> None:
    with pytest.raises(ValueError, match="no field of a contact: lastname"):
        ContactUpdate({"lastname": "Byron"})
