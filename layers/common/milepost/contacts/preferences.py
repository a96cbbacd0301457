"""A recipient's preferences, and what a submitted preferences page changes."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final, Literal, NamedTuple

from milepost.base import times
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
"""How far ahead a recipient may move a reminder."""

Fields = Mapping[str, Sequence[str]]


class Reminder(NamedTuple):
    """A wait whose date the recipient may move: its enrollment, and the property with the date."""

    id: str
    property: str
    title: str
    date: str
    time: str = ""


class PreferenceChange(NamedTuple):
    """What a recipient asks for: topics to grant and to withdraw, and changes of the contact.

    `said` names the message that the page then shows.
    """

    said: Literal["saved", "snoozed", "resumed", "unsubscribed", "moved", "bad_date", ""] = ""
    granted: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()


def snoozed_until(profile: Profile, now: datetime) -> datetime | None:
    """When a contact's snooze ends; None if there is none."""
    written = profile.get(SNOOZED)
    try:
        until = times.parse_instant(written) if isinstance(written, str) else None
    except ValueError:
        return None
    return until if until is not None and until > now else None


def frequency(profile: Profile) -> str:
    written = profile.get(FREQUENCY)
    return written if written in FREQUENCIES else "all"


def ends_snooze(profile: Profile, name: str, value: str) -> bool:
    """Whether this change of frequency or snooze would hold back no more mail than now."""
    if name == FREQUENCY:
        return FREQUENCIES.index(value) <= FREQUENCIES.index(frequency(profile))
    return name == SNOOZED and snoozed_until(profile, times.parse_instant(value)) is not None


def language(profile: Profile, settings: StoreSettings) -> str:
    """The store's language for this recipient."""
    return choose(profile.get("locale"), settings.locales, settings.default_locale)


def local_date(profile: Profile, settings: StoreSettings, now: datetime) -> date:
    """Today in the recipient's time zone."""
    zone = find_zone(profile.get("timezone")) or find_zone(settings.timezone)
    return now.astimezone(zone).date()


def parse_preference_form(
    posted: Fields,
    profile: Profile,
    settings: StoreSettings,
    reminders: Sequence[Reminder],
    now: datetime,
) -> PreferenceChange:
    """Read a submitted form. Only the pressed button counts."""
    match _one(posted, "action"):
        case "save":
            return _saved(posted, profile, settings)
        case "snooze":
            until = times.format_instant(now + SNOOZE_PERIOD)
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
    """Change only topics that the page showed: it may be older than others."""
    known = settings.topics or {}
    shown = [topic for topic in dict.fromkeys(posted.get("shown", ())) if topic in known]
    wanted = set(posted.get("topic", ()))
    consent = profile.consent
    granted = tuple(
        topic for topic in shown
        if topic in wanted and not (
            topic in consent and consent[topic].state == "granted" and not consent[topic].weak)
    )  # fmt: skip
    withdrawn = _open([t for t in shown if t not in wanted and t in consent], profile)
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
    """The topics that are not withdrawn yet."""
    consent = profile.consent
    return tuple(t for t in topics if t not in consent or consent[t].state != "withdrawn")


def _one(posted: Fields, name: str) -> str:
    return next(iter(posted.get(name, ())), "")
