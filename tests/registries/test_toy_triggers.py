"""A new trigger type needs its file and one row in each of two tables."""

import pytest

from tests.support.toys import play


@pytest.mark.no_cover
def test_new_trigger_rows_work_everywhere() -> None:
    play("toy_triggers")
