"""A new step type needs its files and one row in each table that it uses."""

import pytest

from tests.support.toys import play


@pytest.mark.no_cover
def test_new_step_rows_work_everywhere() -> None:
    play("toy_steps")
