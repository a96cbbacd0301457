# ruff: noqa: RUF001 -- the names of months in their own scripts
"""Dates in the Persian and the Islamic calendar, which Babel does not support.

Names and order are from CLDR. Languages that are not here get the names in Latin letters.
"""

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Literal

from milepost.templates.hijri import to_hijri
from milepost.templates.jalali import MONTHS, to_jalali

if TYPE_CHECKING:
    from babel import Locale


Calendar = Literal["gregorian", "persian", "islamic"]
CALENDARS: tuple[Calendar, ...] = ("gregorian", "persian", "islamic")

_ISLAMIC: Mapping[str, str] = {
    "en": "Muharram|Safar|Rabiʻ I|Rabiʻ II|Jumada I|Jumada II|Rajab|Shaʻban|Ramadan|Shawwal|"
    "Dhuʻl-Qiʻdah|Dhuʻl-Hijjah",
    "ar": "محرم|صفر|ربيع الأول|ربيع الآخر|جمادى الأولى|جمادى الآخرة|رجب|شعبان|رمضان|شوال|"
    "ذو القعدة|ذو الحجة",
    "fa": "محرم|صفر|ربیع‌الاول|ربیع‌الثانی|جمادی‌الاول|جمادی‌الثانی|رجب|شعبان|رمضان|شوال|ذیقعده|ذیحجه",
    "fr": "mouharram|safar|rabia al awal|rabia ath-thani|joumada al oula|joumada ath-thania|"
    "rajab|chaabane|ramadan|chawwal|dhou al qi`da|dhou al-hijja",
    "he": "מוחרם|צפר|רביע אל־אוול|רביע א־ת׳אני|ג׳ומאדא אל־אולא|ג׳ומאדא א־ת׳אניה|רג׳ב|שעבאן|"
    "רמדאן|שוואל|ד׳ו אל־קעדה|ד׳ו אל־חיג׳ה",
    "id": "Muharam|Safar|Rabiulawal|Rabiulakhir|Jumadilawal|Jumadilakhir|Rajab|Syakban|Ramadan|"
    "Syawal|Zulkaidah|Zulhijah",
    "ms": "Muharam|Safar|Rabiulawal|Rabiulakhir|Jamadilawal|Jamadilakhir|Rejab|Syaaban|Ramadan|"
    "Syawal|Zulkaedah|Zulhijah",
    "tr": "Muharrem|Safer|Rebiülevvel|Rebiülahir|Cemaziyelevvel|Cemaziyelahir|Recep|Şaban|"
    "Ramazan|Şevval|Zilkade|Zilhicce",
    "ur": "محرم|صفر|ربیع الاول|ربیع الثانی|جمادی الاول|جمادی الثانی|رجب|شعبان|رمضان|شوال|"
    "ذوالقعدۃ|ذوالحجۃ",
}
_PERSIAN: Mapping[str, str] = {
    "en": "Farvardin|Ordibehesht|Khordad|Tir|Mordad|Shahrivar|Mehr|Aban|Azar|Dey|Bahman|Esfand",
    "fa": "|".join(MONTHS),
}
_SHAPES: Mapping[str, tuple[str, str, str]] = {  # short, long, full; see `format_in_calendar`
    "en": ("{m}/{d}/{y} {era}", "{month} {d}, {y} {era}", "{weekday}, {long}"),
    "ar": ("{d}\u200f/{m}\u200f/{y} {era}", "{d} {month} {y} {era}", "{weekday}، {long}"),
    "fa": ("{y}/{m}/{d} {era}", "{d} {month} {y} {era}", "{weekday} {long}"),
    "tr": ("{d}.{m}.{y} {era}", "{d} {month} {y} {era}", "{long} {weekday}"),
    "ur": ("{d}/{m}/{y} {era}", "{d} {month}، {y} {era}", "{weekday}، {long}"),
    "zh": ("{era}{y}/{m}/{d}", "{era}{y}年{m}月{d}日", "{long}{weekday}"),
}
_DEFAULT_SHAPES = ("{d}/{m}/{y} {era}", "{d} {month} {y} {era}", "{weekday}, {long}")
_ERAS: Mapping[tuple[str, str], str] = {
    ("islamic", "ar"): "هـ", ("islamic", "fa"): "ه‍.ق.", ("islamic", "ur"): "ہجری",
    ("islamic", "he"): "הג׳רה", ("islamic", "tr"): "Hicri", ("islamic", "id"): "H",
    ("islamic", "ms"): "H", ("islamic", "fr"): "AH", ("islamic", "zh-Hant"): "伊斯蘭曆",
    ("islamic", "zh"): "伊斯兰历", ("islamic", "en"): "AH",
    ("persian", "ar"): "هـ.ش", ("persian", "fa"): "", ("persian", "zh-Hant"): "波斯曆",
    ("persian", "zh"): "波斯历", ("persian", "en"): "AP",
}  # fmt: skip


def format_in_calendar(calendar: Calendar, day: date, width: str, locale: "Locale") -> str:
    """Format a day, with Latin digits. Persian text has no era with Persian years.

    Raises ValueError for days before the calendar begins.
    """
    language, names = locale.language, _PERSIAN if calendar == "persian" else _ISLAMIC
    if calendar == "persian":
        year, month, _, number = to_jalali(day)
    else:
        year, month, number = to_hijri(day)
    script = f"{language}-{locale.script}" if locale.script else language
    era_name = _ERAS.get((calendar, script)) or _ERAS.get((calendar, language))
    era = _ERAS[calendar, "en"] if era_name is None else era_name
    values = {"y": year, "m": month, "d": number, "era": era}
    values["month"] = names.get(language, names["en"]).split("|")[month - 1]
    short, long, full = _SHAPES.get(language, _DEFAULT_SHAPES)
    if width == "short":
        return short.format(**values).strip()
    text = long.format(**values).strip()
    if width != "full":
        return text
    from babel.dates import get_day_names

    weekday = get_day_names(locale=locale)[day.weekday()]
    return full.format(long=text, weekday=weekday)
