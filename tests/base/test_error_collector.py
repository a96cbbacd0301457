"""A failing item does not block others, and its report has no personal data."""

import gc
from weakref import ref

import pytest

from milepost.base.error_collector import ErrorCollector
from milepost.base.errors import ThrottledError
from tests.support.faults import Killed


def test_failing_item_does_not_block_other_items() -> None:
    errors, done = ErrorCollector(), []
    for number in range(5):
        with errors:
            done.append(10 // (number - 2))
    assert done == [-5, -10, 10, 5]
    with pytest.raises(ThrottledError, match="divisions: 1 could not be done") as raised:
        errors.raise_if_any("divisions")
    assert isinstance(raised.value.__cause__, ZeroDivisionError)


def test_no_error_is_raised_when_nothing_failed() -> None:
    errors = ErrorCollector()
    with errors:
        pass
    errors.raise_if_any("things")


def test_report_has_error_type_and_location_but_no_message() -> None:
    errors = ErrorCollector()
    for name in ("ada@mail.example", "bea@mail.example"):
        with errors:
            raise LookupError(name)
    with errors:
        try:
            raise OSError("ada@mail.example is unreachable")
        except OSError as error:
            raise ThrottledError("ada@mail.example") from error
    with pytest.raises(ThrottledError) as raised:
        errors.raise_if_any("people")
    assert "mail.example" not in str(raised.value)
    assert "LookupError at test_error_collector.py:" in str(raised.value)
    assert "(2 times), OSError at test_error_collector.py:" in str(raised.value)


def test_process_exit_is_not_swallowed() -> None:
    errors = ErrorCollector()
    with pytest.raises(Killed), errors:
        raise Killed("anywhere")
    errors.raise_if_any("things")


def test_only_first_of_many_errors_stays_in_memory() -> None:
    class Profile:
        pass

    def fail(profile: Profile) -> None:
        raise LookupError

    errors, alive = ErrorCollector(), []
    for _ in range(5):
        profile = Profile()
        alive.append(ref(profile))
        with errors:
            fail(profile)
        del profile
    gc.collect()
    assert [each() is not None for each in alive] == [True, False, False, False, False]
