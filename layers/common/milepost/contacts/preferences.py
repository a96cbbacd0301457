"""What a reader may decide about the mail they get, and what a post of their page comes to."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final, Literal, NamedTuple

from milepost.base import instants
from milepost.base.dates import find_zone
from milepost.base.languages import choose
from milepost.contacts.fields import Change
from milepost.contacts.profile import Profile
from milepost.stores.settings import StoreSettings

FREQUENCY: Final = "frequency"
FREQUENCIES: Final = ("all", "weekly", "monthly")
SNOOZED: Final = "snoozed_until"
SNOOZE_PERIOD: Final = timedelta(days=30)
MAX_DATE_AHEAD: Final = timedelta(days=3 * 365)
"""How far away a reminder may be moved."""

Fields = Mapping[str, Sequence[str]]


class Reminder(NamedTuple):
    """A wait whose date the reader may move: its enrollment, the property that holds the date."""

    id: str
    property: str
    title: str
    date: str
    time: str = ""


class PreferenceChange(NamedTuple):
    """What a reader asks for: topics to begin and to end, and changes of the contact.

    `said` is what the page says afterwards.
    """

    said: Literal["saved", "snoozed", "resumed", "unsubscribed", "moved", "bad_date", ""] = ""
    granted: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()


def snoozed_until(profile: Profile, now: datetime) -> datetime | None:
    """When a reader's break is over; None if there is none."""
    written = profile.get(SNOOZED)
    try:
        until = instants.parse_instant(written) if isinstance(written, str) else None
    except ValueError:
        return None
    return until if until is not None and until > now else None


def frequency(profile: Profile) -> str:
    written = profile.get(FREQUENCY)
    return written if written in FREQUENCIES else "all"


def ends_snooze(profile: Profile, name: str, value: str) -> bool:
    """Whether a reader's wish would hold no more mail back with this than it does now."""
    if name == FREQUENCY:
        return FREQUENCIES.index(value) <= FREQUENCIES.index(frequency(profile))
    return name == SNOOZED and snoozed_until(profile, instants.parse_instant(value)) is not None


def language(profile: Profile, settings: StoreSettings) -> str:
    """The one of the store's languages in which the reader is written to."""
    return choose(profile.get("locale"), settings.locales, settings.default_locale)


def local_date(profile: Profile, settings: StoreSettings, now: datetime) -> date:
    """What day it is where the reader lives."""
    zone = find_zone(profile.get("timezone")) or find_zone(settings.timezone)
    return now.astimezone(zone).date()


def parse_preference_form(
    posted: Fields,
    profile: Profile,
    settings: StoreSettings,
    reminders: Sequence[Reminder],
    now: datetime,
) -> PreferenceChange:
    """Read a post. Only the button that was pressed counts; without one nothing is asked for."""
    match _one(posted, "action"):
        case "save":
            return _saved(posted, profile, settings)
        case "snooze":
            until = instants.format_instant(now + SNOOZE_PERIOD)
            return PreferenceChange("snoozed", changes=(Change("set", SNOOZED, until),))
        case "resume":
            return PreferenceChange("resumed", changes=(Change("unset", SNOOZED),))
        case "all":
            topics = dict.fromkeys((*(settings.topics or ()), *profile.consent))
            return PreferenceChange("unsubscribed", withdrawn=_open(topics, profile))
        case "move":
            return _moved(posted, profile, settings, reminders, now)
    return PreferenceChange()


def _saved(posted: Fields, profile: Profile, settings: StoreSettings) -> PreferenceChange:
    """Topics that the page did not show are left alone: it may be older than they are."""
    known = settings.topics or {}
    shown = [topic for topic in dict.fromkeys(posted.get("shown", ())) if topic in known]
    wanted = set(posted.get("topic", ()))
    held = profile.consent
    granted = tuple(
        topic for topic in shown
        if topic in wanted and not (
            topic in held and held[topic].state == "granted" and not held[topic].weak)
    )  # fmt: skip
    withdrawn = _open([t for t in shown if t not in wanted and t in held], profile)
    changes: list[Change] = []
    often = _one(posted, "frequency")
    if often in FREQUENCIES and often != frequency(profile):
        changes.append(Change("set", FREQUENCY, often))
    locale = _one(posted, "locale")
    if locale in settings.locales and locale != language(profile, settings):
        changes.append(Change("set", "locale", locale))
    if "timezone" in posted:
        zone = _one(posted, "timezone")
        if not zone and profile.get("timezone") is not None:
            changes.append(Change("unset", "timezone"))
        elif zone != profile.get("timezone") and find_zone(zone) is not None:
            changes.append(Change("set", "timezone", zone))
    return PreferenceChange("saved", granted, withdrawn, tuple(changes))


def _moved(
    posted: Fields,
    profile: Profile,
    settings: StoreSettings,
    reminders: Sequence[Reminder],
    now: datetime,
) -> PreferenceChange:
    reminder = next((r for r in reminders if r.id == _one(posted, "reminder")), None)
    if reminder is None:
        return PreferenceChange()
    first = local_date(profile, settings, now) + timedelta(days=1)
    try:
        day = date.fromisoformat(_one(posted, "date"))
    except ValueError:
        return PreferenceChange("bad_date")
    if not first <= day <= first + MAX_DATE_AHEAD:
        return PreferenceChange("bad_date")
    moved = Change("set", f"properties.{reminder.property}", day.isoformat() + reminder.time)
    return PreferenceChange("moved", changes=(moved,))


def _open(topics: Sequence[str] | Mapping[str, None], profile: Profile) -> tuple[str, ...]:
    """Those of the topics that have not been withdrawn yet."""
    held = profile.consent
    return tuple(t for t in topics if t not in held or held[t].state != "withdrawn")


def _one(posted: Fields, name: str) -> str:
    return next(iter(posted.get(name, ())), "")
