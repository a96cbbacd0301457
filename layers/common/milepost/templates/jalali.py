"""The Persian solar calendar, the usual calendar in Persian."""

from datetime import date
from typing import NamedTuple

MONTHS = (
    "فروردین", "اردیبهشت", "خرداد", "تیر", "مرداد", "شهریور",
    "مهر", "آبان", "آذر", "دی", "بهمن", "اسفند",
)  # fmt: skip

_EPOCH = date(1600, 3, 20).toordinal()
"""1 Farvardin 979, the first day of a 33-year cycle."""
_FIRST = date(622, 3, 22)
_CYCLE = 12_053  # days in 33 years, eight of them leap
_FIRST_SIX = 186  # days in the six months of 31


class JalaliDate(NamedTuple):
    """A day: year, month from 1, the month's name, day from 1."""

    year: int
    month: int
    name: str
    day: int


def to_jalali(day: date) -> JalaliDate:
    """Convert a Gregorian date with the 33-year rule, which is exact from 1831 to 2255.

    Raises ValueError for days before the calendar begins.
    """
    if day < _FIRST:
        raise ValueError("is not a date of the Persian calendar")
    cycles, days = divmod(day.toordinal() - _EPOCH, _CYCLE)
    year = 979 + 33 * cycles + 4 * (days // 1461)
    days %= 1461
    if days >= 366:
        year += (days - 1) // 365
        days = (days - 1) % 365
    if days < _FIRST_SIX:
        month, day_of_month = divmod(days, 31)
    else:
        month, day_of_month = divmod(days - _FIRST_SIX, 30)
        month += 6
    return JalaliDate(year, month + 1, MONTHS[month], day_of_month + 1)
