"""A step type is its files and one row in each table that it needs."""

import pytest

from tests.support.toys import play


@pytest.mark.no_cover
def test_rows_make_step_types_that_can_be_used_everywhere() -> None:
    play("toy_steps")
