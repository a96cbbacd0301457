"""The Umm al-Qura calendar: the Islamic calendar that Saudi Arabia uses officially."""

from bisect import bisect_right
from datetime import date
from functools import cache
from itertools import accumulate
from typing import NamedTuple

_FIRST_YEAR = 1420
_TABLE_START = date(1999, 4, 17).toordinal()
_LENGTHS = (
    "bd2bc4b89a9552d5adb6a6d4dc9d92aa69562ae56d36ab55aaa94d49d95d2ba5b55aad55a9a92e26e"
    "55dada6d46a554ba9754eaae5acba9d92b2564bcab55ab556d2ea5e4aa9552daad36c7596d269552d"
    "a5b4ba9ba3b4b69b52aa64b696d2ec6d9eb2d54d2aa564ae96dd6ab54b29a9352ba57536ab56aae93"
)
"""1420 to 1500, three hexadecimal digits a year: bit n is set if month n + 1 has 30 days. The data
is from the printed calendar, not from a rule (docs/decisions/0022)."""

_CIVIL_EPOCH = date(622, 7, 19).toordinal()  # 1 Muharram 1 of the civil arithmetic
_CYCLE, _LEAP_DAYS = 30 * 354 + 11, 11


class HijriDate(NamedTuple):
    """A day: year, month from 1, day from 1."""

    year: int
    month: int
    day: int


@cache
def _months() -> tuple[int, ...]:
    """The ordinals of the first days of all months in the table, and of the day after the last."""
    years = [int(_LENGTHS[n : n + 3], 16) for n in range(0, len(_LENGTHS), 3)]
    lengths = [29 + (bits >> month & 1) for bits in years for month in range(12)]
    return tuple(accumulate(lengths, initial=_TABLE_START))


def to_hijri(day: date) -> HijriDate:
    """Convert a Gregorian date: with Umm al-Qura from 1999 to 2077, otherwise arithmetically.

    Raises ValueError for days before the calendar begins.
    """
    ordinal, months = day.toordinal(), _months()
    index = bisect_right(months, ordinal) - 1
    if 0 <= index < len(months) - 1:
        year, month = divmod(index, 12)
        return HijriDate(_FIRST_YEAR + year, month + 1, ordinal - months[index] + 1)
    return _civil(ordinal)


def _civil(ordinal: int) -> HijriDate:
    """The arithmetic calendar: months alternate between 30 and 29 days, 11 of 30 years are leap."""
    if ordinal < _CIVIL_EPOCH:
        raise ValueError("is not a date of the Islamic calendar")
    cycles, days = divmod(ordinal - _CIVIL_EPOCH, _CYCLE)
    year = (30 * days + 29) // _CYCLE
    days -= year * 354 + (11 * year + 14) // 30
    if days < 0:
        year -= 1
        days += 354 + (11 * (year + 1) + 14) // 30 - (11 * year + 14) // 30
    month = min(2 * days // 59, 11)
    return HijriDate(30 * cycles + year + 1, month + 1, days - (59 * month + 1) // 2 + 1)
