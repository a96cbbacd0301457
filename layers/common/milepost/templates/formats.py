"""Format money, numbers and dates for a language and a country.

Babel has the formats. The first template that needs it imports it (50 ms, and 6 ms per language).
Formatting one price with Babel takes 16 µs. So the frame around the digits is taken from Babel once
per language and currency, compared with it, and then filled in (1.5 µs).
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from babel import Locale

    from milepost.templates.calendars import Calendar


Width = Literal["short", "medium", "long", "full"]
WIDTHS: tuple[Width, ...] = ("short", "medium", "long", "full")

_ZERO = {
    "arab": 0x660,
    "arabext": 0x6F0,
    "beng": 0x9E6,
    "deva": 0x966,
    "mymr": 0x1040,
    "tibt": 0xF20,
}
"""The first digit of each numbering system. Babel uses local separators, but Latin digits."""

_PATTERNS = {
    ("fa", "IRR"): "#,##0\xa0ریال",  # noqa: RUF001
    ("fa", "IRT"): "#,##0\xa0تومان",  # noqa: RUF001
    ("zh", "TWD"): "NT$#,##0",
}
"""The currencies whose prices shops write differently from CLDR. Shop software calls the toman IRT.
"""

_PROBES = ("0", "1", "3.5", "999.99", "1234.5", "12345.678", "1234567.891")


class _Frame(NamedTuple):
    before: str
    after: str
    group: str
    point: str
    places: int
    digits: dict[int, str]

    def fill(self, amount: Decimal) -> str:
        """Format an amount that is not negative, because the place of a minus sign varies."""
        text = f"{amount:,.{self.places}f}"
        if self.digits or self.group != "," or self.point != ".":
            whole, _, fraction = text.partition(".")
            text = whole.replace(",", self.group) + (self.point + fraction if fraction else "")
            text = text.translate(self.digits) if self.digits else text
        return f"{self.before}{text}{self.after}"


@lru_cache(maxsize=64)
def _locale(tag: str) -> "Locale":
    from babel import Locale, UnknownLocaleError

    while tag:
        try:
            return Locale.parse(tag, sep="-")
        except (UnknownLocaleError, ValueError):
            tag = tag.rpartition("-")[0]
    return Locale.parse("en")


@lru_cache(maxsize=64)
def _digits(tag: str) -> dict[int, str]:
    zero = _ZERO.get(_locale(tag).default_numbering_system)
    return {ord("0") + n: chr(zero + n) for n in range(10)} if zero else {}


def _by_babel(amount: Decimal, currency: str, tag: str) -> str:
    from babel.numbers import format_currency, format_decimal

    locale = _locale(tag)
    if not currency:
        text = format_decimal(amount, locale=locale, numbering_system="default")
    else:
        pattern = _PATTERNS.get((locale.language, currency))
        text = format_currency(
            amount,
            currency,
            format=pattern,
            locale=locale,
            currency_digits=pattern is None,
            numbering_system="default",
        )
    return text.translate(_digits(tag))


@lru_cache(maxsize=256)
def _formatter(tag: str, currency: str) -> Callable[[Decimal], str]:
    """A fast formatter for this currency and language, or Babel's own if the fast one differs."""

    def format_with_babel(amount: Decimal) -> str:
        return _by_babel(amount, currency, tag)

    digits = _digits(tag)
    latin = {ord(value): chr(key) for key, value in digits.items()}
    probe = format_with_babel(Decimal("1234.444"))
    sample = re.search(r"1(\D?)234(?:(\D)(4+))?(?=\D*$)", probe.translate(latin))
    if not sample:
        return format_with_babel
    frame = _Frame(
        before=probe[: sample.start()],
        after=probe[sample.end() :],
        group=sample[1],
        point=sample[2] or "",
        places=len(sample[3] or ""),
        digits=digits,
    )
    if any(frame.fill(Decimal(amount)) != format_with_babel(Decimal(amount)) for amount in _PROBES):
        return format_with_babel
    return frame.fill


@lru_cache(maxsize=4096)
def read_amount(value: Any) -> Decimal:
    """Read a number, or a number in a text, as shops send prices. Raises ValueError otherwise."""
    try:
        amount = Decimal(value if type(value) is int else str(value))
    except InvalidOperation:
        raise ValueError("is not an amount") from None
    if not amount.is_finite() or amount.adjusted() > 18:
        raise ValueError("is not an amount")
    return amount


@lru_cache(maxsize=4096)
def money(value: Any, currency: str, locale: str) -> str:
    """Format an amount in a currency (ISO 4217 code): `1234.5` USD is `$1,234.50` in English.

    Raises ValueError if the value is not an amount or the currency is not a code of three letters.
    """
    code = currency.upper()
    if not (len(code) == 3 and code.isascii() and code.isalpha()):
        raise ValueError("is not a currency code of three letters")
    amount = read_amount(value)
    return _by_babel(amount, code, locale) if amount < 0 else _formatter(locale, code)(amount)


@lru_cache(maxsize=4096)
def number(value: Any, locale: str) -> str:
    """Format a number with the language's digits and separators. Raises ValueError."""
    return _by_babel(read_amount(value), "", locale)


def moment(
    value: str, width: Width, locale: str, timezone: str | None, calendar: "Calendar | None" = None
) -> str:
    """Format a day, or the date of an instant in the contact's time zone (UTC if unknown).

    Without a named calendar, Persian uses the Persian calendar and other languages the Gregorian
    one. Raises ValueError if the text is not an ISO 8601 date, or is before the calendar begins.
    """
    day = _day(value, timezone)
    babel_locale = _locale(locale)
    calendar = calendar or ("persian" if babel_locale.language == "fa" else "gregorian")
    if calendar == "gregorian":
        from babel.dates import format_date

        return format_date(day, width, locale=babel_locale).translate(_digits(locale))
    from milepost.templates.calendars import format_in_calendar

    return format_in_calendar(calendar, day, width, babel_locale).translate(_digits(locale))


def _day(value: str, timezone: str | None) -> date:
    if len(value) == len("2026-11-22"):
        return date.fromisoformat(value)
    instant = datetime.fromisoformat(value)
    if instant.tzinfo is None:
        return instant.date()
    from zoneinfo import ZoneInfo  # takes 7 ms and is needed for dates only

    try:
        zone = ZoneInfo(timezone) if timezone else UTC
    except (LookupError, ValueError, OSError):
        zone = UTC
    return instant.astimezone(zone).date()
