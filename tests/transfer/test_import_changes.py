"""What a row of an import changes, told from its event alone when it comes a second time."""

from datetime import timedelta

import pytest

from milepost.base import times
from milepost.contacts.event import ContactUpdate
from milepost.contacts.profile import Profile
from milepost.stores.settings import StoreSettings
from milepost.transfer.imports.changes import difference_of, imported
from milepost.transfer.imports.rows import Row
from tests.support.builders import ADA, MONDAY_NOON, STORE, contact

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("said", "value", "replaced"),
    [(-HOUR, "Adele", ("first_name",)), (HOUR, "Adele", ()), (-HOUR, "Ada", ())],
    ids=["older", "newer than the import", "the same"],
)
def test_a_repeated_row_counts_only_the_values_that_it_replaced_the_first_time(
    said: timedelta, value: str, replaced: tuple[str, ...]
) -> None:
    at = times.format_instant(MONDAY_NOON + said)
    known = Profile(STORE, contact(), {"email": (ADA, at, "e"), "first_name": (value, at, "e")})
    row = Row(2, {"email": ADA}, ContactUpdate({"first_name": "Ada"}))
    event, first = imported(STORE, "i-1", MONDAY_NOON, row, known, StoreSettings())
    assert first.replaced == replaced
    assert difference_of(event) == first
