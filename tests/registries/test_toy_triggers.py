"""A trigger type is its file and one row in each of two tables."""

import pytest

from tests.support.toys import play


@pytest.mark.no_cover
def test_rows_make_trigger_types_that_can_be_used_everywhere() -> None:
    play("toy_triggers")
