"""The preferences page: show and save a contact's preferences.

A withdrawal is saved at once, like an unsubscribe. Other changes are an event on the timeline.
`react` applies it within a second; the page already shows the new state.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from milepost.base import times
from milepost.base.languages import choose
from milepost.contacts.event import ConsentEvidence, ContactUpdate, Event
from milepost.contacts.event_names import PREFERENCES, UNSUBSCRIBED
from milepost.contacts.preferences import (
    Fields,
    PreferenceChange,
    Reminder,
    language,
    parse_preference_form,
)
from milepost.contacts.profile import Consent, Profile, apply_event
from milepost.sending.links import PreferencesLink, unseal_preferences
from milepost.stores.settings import StoreSettings

if TYPE_CHECKING:
    from milepost.contacts.ports import Contacts, Timeline
    from milepost.enrollments.ports import Enrollments
    from milepost.published.head import Published
    from milepost.stores.store_secrets import Secrets


class PreferencesVisitor(NamedTuple):
    """The source of a post; it is stored with the consent."""

    ip: str = ""
    user_agent: str = ""


class PreferencesPage(NamedTuple):
    """The data of the page; `said` names the message about the last change, with its `day`."""

    claim: PreferencesLink
    profile: Profile
    settings: StoreSettings
    reminders: tuple[Reminder, ...]
    said: str = ""
    day: str = ""

    @property
    def store_name(self) -> str:
        return self.settings.name or self.claim.store

    @property
    def locale(self) -> str:
        return language(self.profile, self.settings)


@dataclass(frozen=True, slots=True)
class PreferencesService:
    """Opens preferences links and saves changes."""

    contacts: "Contacts"
    timeline: "Timeline"
    enrollments: "Enrollments"
    registry: "Published"
    secrets: "Secrets"

    def open(self, store: str, token: str) -> PreferencesPage | None:
        """The page of a link; None if the link is invalid or the contact has been erased."""
        keys = self.secrets.of(store)
        link = unseal_preferences(store, token, keys.links if keys else ())
        if link is None:
            return None
        settings = self.registry.head(store).settings
        stored = self.contacts.profile(store, link.contact)
        if stored is None and self.contacts.erased(store, link.contact) is not None:
            return None
        profile = stored or Profile(store, link.contact)
        reminders = tuple(self._reminders(profile, settings))
        return PreferencesPage(link, profile, settings, reminders)

    def save(
        self,
        preferences: PreferencesPage,
        fields: Fields,
        visitor: PreferencesVisitor,
        now: datetime,
    ) -> PreferencesPage:
        """Save the changes of a post and return the page afterwards. The call is idempotent."""
        profile, settings = preferences.profile, preferences.settings
        change = parse_preference_form(fields, profile, settings, preferences.reminders, now)
        if change.withdrawn:
            event = _withdrawal(preferences, change, visitor, now)
            self.contacts.withdraw(profile.contact, event)
            withdrawals = {
                each.topic or "": Consent("withdrawn", now, each.method, each.source)
                for each in event.contact.consents
            }
            profile = replace(profile, consent={**profile.consent, **withdrawals})
        if change.granted or change.changes:
            event = _changed(preferences, change, visitor, now)
            self.timeline.append(profile.contact, event)
            profile = apply_event(profile, event, settings)
        reminders = tuple(r._replace(date=_day(profile, r.property)) for r in preferences.reminders)
        day = str(change.changes[0].value) if change.said in {"snoozed", "moved"} else ""
        return preferences._replace(profile=profile, reminders=reminders, said=change.said, day=day)

    def _reminders(self, profile: Profile, settings: StoreSettings) -> Iterator[Reminder]:
        """The dates that the contact waits for now and can move, each property once."""
        seen = set()
        for id_, active in sorted(profile.active_enrollments.items()):
            ref = active.ref(profile.store, profile.contact, id_)
            program = self.registry.program(ref.store, ref.workflow, ref.version)
            if not any("movable" in node for node in program.nodes.values()):
                continue
            loaded = self.enrollments.load(ref)
            resume_point = (
                loaded[1].resume_point if loaded and loaded[1].status == "active" else None
            )
            if loaded is None or resume_point is None or not resume_point.step:
                continue
            node = program.nodes[resume_point.step]
            if "movable" not in node or str(resume_point.block_seq) in loaded[1].block_started:
                continue
            name = node["date"].removeprefix("contact.properties.")
            if name not in seen:
                seen.add(name)
                title = _title(node["movable"], language(profile, settings), settings)
                yield Reminder(id_, name, title, _day(profile, name), _time(profile, name))


def _title(titles: str | Mapping[str, str], locale: str, settings: StoreSettings) -> str:
    if isinstance(titles, str):
        return titles
    chosen = choose(locale, titles, choose(settings.default_locale, titles, next(iter(titles))))
    return titles[chosen]


def _day(profile: Profile, name: str) -> str:
    return str(profile.get(f"properties.{name}") or "")[:10]


def _time(profile: Profile, name: str) -> str:
    """The time of day after the date; it stays when the date is moved."""
    return str(profile.get(f"properties.{name}") or "")[10:]


def _withdrawal(
    preferences: PreferencesPage,
    change: PreferenceChange,
    visitor: PreferencesVisitor,
    now: datetime,
) -> Event:
    evidence = tuple(
        _evidence(preferences, "withdrawn", topic, visitor, now) for topic in change.withdrawn
    )
    data = {"topics": list(change.withdrawn), "message": preferences.claim.message}
    return _event(preferences, UNSUBSCRIBED, data, ContactUpdate(consents=evidence), now)


def _changed(
    preferences: PreferencesPage,
    change: PreferenceChange,
    visitor: PreferencesVisitor,
    now: datetime,
) -> Event:
    evidence = tuple(
        _evidence(preferences, "granted", topic, visitor, now) for topic in change.granted
    )
    data = {
        "topics": list(change.granted),
        "changed": {each.name: each.value for each in change.changes},
        "message": preferences.claim.message,
    }
    return _event(
        preferences,
        PREFERENCES,
        data,
        ContactUpdate(consents=evidence, changes=change.changes),
        now,
    )


def _evidence(
    preferences: PreferencesPage, state: Any, topic: str, visitor: PreferencesVisitor, now: datetime
) -> ConsentEvidence:
    return ConsentEvidence(
        state=state,
        method="preferences",
        source=f"message {preferences.claim.message}",
        topic=topic,
        at=now,
        consent_text=preferences.settings.title_of(topic, preferences.locale),
        ip=visitor.ip or None,
        user_agent=visitor.user_agent[:200] or None,
    )


def _event(
    preferences: PreferencesPage,
    name: str,
    data: Mapping[str, Any],
    evidence: ContactUpdate,
    now: datetime,
) -> Event:
    text = (
        f"{preferences.claim.message}\n"
        f"{times.format_instant(now)}\n{json.dumps(data, sort_keys=True)}"
    )
    id_ = sha256(text.encode()).hexdigest()[:32]
    return Event(preferences.claim.store, id_, name, now, "reader", {}, data, evidence)
