"""A new contact field needs one row of `CONTACT_FIELDS`."""

import pytest

from milepost.contacts.event import IDENTIFIER_PRIORITY, ContactUpdate
from milepost.contacts.fields import CONTACT_FIELDS
from milepost.transfer.imports.plan import guess
from tests.support.toys import play


@pytest.mark.no_cover
def test_new_contact_field_row_works_everywhere() -> None:
    play("toy_contact_field")


def test_contact_field_names_clash_with_no_other_name() -> None:
    other = {*IDENTIFIER_PRIORITY, "properties", "consents", "changes", "lists", "stage", "score"}
    assert other.isdisjoint(CONTACT_FIELDS)
    assert all(name == field.name for name, field in CONTACT_FIELDS.items())


def test_import_column_title_maps_to_one_field() -> None:
    for name, field in CONTACT_FIELDS.items():
        assert {guess(title, 1).field for title in (name, *field.aliases)} == {name}


def test_contact_update_with_unknown_field_fails() -> None:
    with pytest.raises(ValueError, match="no field of a contact: lastname"):
        ContactUpdate({"lastname": "Byron"})
