"""The preferences page: show and save a contact's preferences.

A withdrawal is saved at once, like an unsubscribe. Other changes are an event on the timeline, which
`react` applies within a second; the page already shows the new state.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from milepost.base import instants
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
from milepost.sending.link_tokens import PreferencesLink, unseal_preferences
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
        claim = unseal_preferences(store, token, keys.links if keys else ())
        if claim is None:
            return None
        settings = self.registry.head(store).settings
        known = self.contacts.profile(store, claim.contact)
        if known is None and self.contacts.erased(store, claim.contact) is not None:
            return None
        profile = known or Profile(store, claim.contact)
        reminders = tuple(self._reminders(profile, settings))
        return PreferencesPage(claim, profile, settings, reminders)

    def save(
        self, opened: PreferencesPage, posted: Fields, caller: PreferencesVisitor, now: datetime
    ) -> PreferencesPage:
        """Save the changes of a post and return the page afterwards. The call is idempotent."""
        profile, settings = opened.profile, opened.settings
        wish = parse_preference_form(posted, profile, settings, opened.reminders, now)
        if wish.withdrawn:
            event = _withdrawal(opened, wish, caller, now)
            self.contacts.withdraw(profile.contact, event)
            noes = {
                fact.topic or "": Consent("withdrawn", now, fact.method, fact.source)
                for fact in event.contact.consents
            }
            profile = replace(profile, consent={**profile.consent, **noes})
        if wish.granted or wish.changes:
            event = _changed(opened, wish, caller, now)
            self.timeline.append(profile.contact, event)
            profile = apply_event(profile, event, settings)
        reminders = tuple(r._replace(date=_day(profile, r.property)) for r in opened.reminders)
        day = str(wish.changes[0].value) if wish.said in {"snoozed", "moved"} else ""
        return opened._replace(profile=profile, reminders=reminders, said=wish.said, day=day)

    def _reminders(self, profile: Profile, settings: StoreSettings) -> Iterator[Reminder]:
        """The dates that the contact waits for now and can move, each property once."""
        seen = set()
        for id_, presence in sorted(profile.active_enrollments.items()):
            ref = presence.ref(profile.store, profile.contact, id_)
            program = self.registry.program(ref.store, ref.workflow, ref.version)
            if not any("movable" in node for node in program.nodes.values()):
                continue
            loaded = self.enrollments.load(ref)
            start = loaded[1].resume_point if loaded and loaded[1].status == "active" else None
            if loaded is None or start is None or not start.step:
                continue
            node = program.nodes[start.step]
            if "movable" not in node or str(start.block_seq) in loaded[1].block_started:
                continue
            name = node["date"].removeprefix("contact.properties.")
            if name not in seen:
                seen.add(name)
                title = _titled(node["movable"], language(profile, settings), settings)
                yield Reminder(id_, name, title, _day(profile, name), _time(profile, name))


def _titled(title: str | Mapping[str, str], locale: str, settings: StoreSettings) -> str:
    if isinstance(title, str):
        return title
    chosen = choose(locale, title, choose(settings.default_locale, title, next(iter(title))))
    return title[chosen]


def _day(profile: Profile, name: str) -> str:
    return str(profile.get(f"properties.{name}") or "")[:10]


def _time(profile: Profile, name: str) -> str:
    """The time of day after the date; it stays when the date is moved."""
    return str(profile.get(f"properties.{name}") or "")[10:]


def _withdrawal(
    opened: PreferencesPage, wish: PreferenceChange, caller: PreferencesVisitor, now: datetime
) -> Event:
    facts = tuple(_fact(opened, "withdrawn", topic, caller, now) for topic in wish.withdrawn)
    data = {"topics": list(wish.withdrawn), "message": opened.claim.message}
    return _event(opened, UNSUBSCRIBED, data, ContactUpdate(consents=facts), now)


def _changed(
    opened: PreferencesPage, wish: PreferenceChange, caller: PreferencesVisitor, now: datetime
) -> Event:
    facts = tuple(_fact(opened, "granted", topic, caller, now) for topic in wish.granted)
    data = {
        "topics": list(wish.granted),
        "changed": {change.name: change.value for change in wish.changes},
        "message": opened.claim.message,
    }
    return _event(
        opened, PREFERENCES, data, ContactUpdate(consents=facts, changes=wish.changes), now
    )


def _fact(
    opened: PreferencesPage, state: Any, topic: str, caller: PreferencesVisitor, now: datetime
) -> ConsentEvidence:
    return ConsentEvidence(
        state=state,
        method="preferences",
        source=f"message {opened.claim.message}",
        topic=topic,
        at=now,
        consent_text=opened.settings.title_of(topic, opened.locale),
        ip=caller.ip or None,
        user_agent=caller.user_agent[:200] or None,
    )


def _event(
    opened: PreferencesPage, name: str, data: Mapping[str, Any], facts: ContactUpdate, now: datetime
) -> Event:
    text = (
        f"{opened.claim.message}\n"
        f"{instants.format_instant(now)}\n{json.dumps(data, sort_keys=True)}"
    )
    id_ = sha256(text.encode()).hexdigest()[:32]
    return Event(opened.claim.store, id_, name, now, "reader", {}, data, facts)
